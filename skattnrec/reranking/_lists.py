"""What all rules ask of the lists that they reorder."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..metrics._judged import check_lists

__all__ = ["check_scored_lists", "take_places"]


def check_scored_lists(
    indices: Any, scores: Any, n_items: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Check lists and their scores, as ``recommend`` returns them.

    Parameters
    ----------
    indices : array-like of shape (n_rows, m), int
        Item columns, -1 as padding.
    scores : array-like of shape (n_rows, m)
        Finite where there is an item.
    n_items : int, optional
        Size of the catalogue, where it is known.

    Returns
    -------
    indices : ndarray of shape (n_rows, m), intp
    scores : ndarray of shape (n_rows, m), float32 or float64
        Copies; NaN where the index is -1.
    """
    checked = check_lists(indices, np.iinfo(np.intp).max if n_items is None else n_items)
    scores = np.asarray(scores)
    if scores.shape != checked.shape or scores.dtype.kind not in "fiu":
        raise ValueError(
            f"scores must be numbers of the shape of the indices, {checked.shape}; got "
            f"{scores.dtype} of shape {scores.shape}."
        )
    scores = scores.astype(np.float32 if scores.dtype == np.float32 else np.float64)
    wrong = (checked >= 0) & ~np.isfinite(scores)
    if wrong.any():
        row, place = (int(number) for number in np.argwhere(wrong)[0])
        raise ValueError(
            f"scores must be finite where there is an item; at [{row}, {place}], of item "
            f"{checked[row, place]}, it is {scores[row, place]}."
        )
    scores[checked < 0] = np.nan
    return checked.astype(np.intp), scores


def take_places(
    indices: np.ndarray, scores: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take items and scores at places of the lists, (n_rows, k); -1 and NaN where that is -1."""
    is_empty = places < 0
    taken = np.take_along_axis(indices, np.maximum(places, 0), axis=1)
    values = np.take_along_axis(scores, np.maximum(places, 0), axis=1)
    taken[is_empty], values[is_empty] = -1, np.nan
    return taken, values
