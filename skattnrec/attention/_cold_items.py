"""Cold items: columns without a single rating borrow the votes of items with like features."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .functional import scaled_dot_product_attention

__all__ = ["borrow_sparse", "borrow_values"]

_LENDERS = 50  # of each cold item where votes are sparse


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


def borrow_sparse(
    values: sp.csr_array, keys: np.ndarray, is_cold: np.ndarray, temperature: float
) -> sp.csr_array:
    """Do the same to sparse votes, (n_heads * n_items, n_items), from the most similar items.

    Each cold item attends to its 50 most similar warm ones only, so that votes stay sparse.
    """
    n_items = len(keys)
    n_heads = values.shape[0] // n_items
    warm, cold = np.flatnonzero(~is_cold), np.flatnonzero(is_cold)
    if not warm.size or not cold.size:
        return values
    weights, _ = scaled_dot_product_attention(
        keys[cold], keys[warm], np.zeros((len(warm), 1), keys.dtype), temperature=temperature
    )
    n_lenders = min(_LENDERS, len(warm))
    lenders = np.argsort(-weights, axis=1, kind="stable")[:, :n_lenders]
    shares = np.take_along_axis(weights, lenders, axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    borrowed = sp.coo_array(
        (shares.ravel(), (np.repeat(cold, n_lenders), warm[lenders].ravel())),
        shape=(n_items, n_items),
    ).tocsr()
    own = sp.dia_array(((~is_cold).astype(keys.dtype)[None], [0]), shape=(n_items, n_items))
    mixed = sp.csr_array(own + borrowed)  # rows: who each item is made of
    heads = [mixed @ values[h * n_items : (h + 1) * n_items] @ mixed.T for h in range(n_heads)]
    votes = sp.coo_array(sp.vstack(heads))
    other = votes.row % n_items != votes.col
    places = votes.row[other].astype(np.int32), votes.col[other].astype(np.int32)
    return sp.csr_array(sp.coo_array((votes.data[other], places), shape=values.shape))
