"""Cold items: columns without a single rating borrow the votes of items with like features."""

from __future__ import annotations

import numpy as np

from .functional import scaled_dot_product_attention

__all__ = ["borrow_values"]


def borrow_values(
    values: np.ndarray, keys: np.ndarray, is_cold: np.ndarray, temperature: float
) -> None:
    """Fill the rows and columns of cold items, in place, by attention over item features.

    A cold item receives, and casts, the average votes of the warm items, weighted by
    softmax(<k_cold, k_warm> / (sqrt(d) temperature)).

    Parameters
    ----------
    values : ndarray of shape (n_heads, n_items, n_items)
        ``[h, j, i]`` is the vote of item j for item i; changed.
    keys : ndarray of shape (n_items, d)
        Item features.
    is_cold : ndarray of shape (n_items,), bool
        Items without ratings.
    temperature : float
        Small values borrow from the most similar items only.
    """
    warm, cold = np.flatnonzero(~is_cold), np.flatnonzero(is_cold)
    if not warm.size or not cold.size:
        return
    for votes in values:
        # (n_cold, n_warm) weights; received votes are columns, cast votes are rows
        _, received = scaled_dot_product_attention(
            keys[cold], keys[warm], votes[:, warm].T, temperature=temperature
        )
        votes[:, cold] = received.T
        _, cast = scaled_dot_product_attention(
            keys[cold], keys[warm], votes[warm], temperature=temperature
        )
        votes[cold] = cast
        votes[cold, cold] = 0
