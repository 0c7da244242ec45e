"""Predictions for many altered histories, block by block, so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn import config_context

from .._kernels.entries import rows_of_entries
from .._validation import as_interactions
from ._histories import times_of

__all__ = ["Followed", "dress_like", "follow", "predict_blocks", "score_pairs"]

_BLOCK_ENTRIES = 2**23  # scores held at a time


def dress_like(X: Any) -> Callable[[sp.csr_array], Any]:
    """Return what brings histories into the form of ``X``.

    A model fitted on a DataFrame expects the names of the items again.
    """
    if hasattr(X, "iloc"):
        return lambda block: type(X)(block.toarray(), columns=X.columns)
    return lambda block: block


def predict_blocks(
    estimator: Any,
    X: sp.csr_array,
    timestamps: sp.csr_array | None = None,
    dress: Callable[[sp.csr_array], Any] = lambda block: block,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Score all items for histories; yield (rows, scores of these rows)."""
    # predict of a search takes no metadata, that of its best estimator does
    estimator = getattr(estimator, "best_estimator_", estimator)
    step = max(1, _BLOCK_ENTRIES // X.shape[1])
    # routing carries the timestamps through pipelines
    with config_context(enable_metadata_routing=None if timestamps is None else True):
        for start in range(0, X.shape[0], step):
            rows = slice(start, start + step)
            metadata = {} if timestamps is None else {"timestamps": timestamps[rows]}
            yield rows, np.asarray(estimator.predict(dress(X[rows]), **metadata))


def score_pairs(
    estimator: Any,
    X: sp.csr_array,
    timestamps: sp.csr_array | None,
    items: np.ndarray,
    dress: Callable[[sp.csr_array], Any] = lambda block: block,
) -> np.ndarray:
    """Score one item for each history: ``items[r]`` for row r; shape (n_rows,)."""
    parts = [
        scores[np.arange(len(scores)), items[rows]]
        for rows, scores in predict_blocks(estimator, X, timestamps, dress)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


class Followed(NamedTuple):
    """Histories from which entries are to go, and the item of each whose score is followed.

    Attributes
    ----------
    users : ndarray of shape (n_followed,)
        Rows of the histories among those given; short histories are left out.
    histories : csr_array of shape (n_followed, n_items)
    times : csr_array of shape (n_followed, n_items) or None
    items : ndarray of shape (n_followed,)
    scores : ndarray of shape (n_followed,)
        The scores of ``items`` by the whole history.
    dress : callable
        Brings histories into the form that was given.
    """

    users: np.ndarray
    histories: sp.csr_array
    times: sp.csr_array | None
    items: np.ndarray
    scores: np.ndarray
    dress: Callable[[sp.csr_array], Any]


def follow(estimator: Any, X: Any, items: Any, timestamps: Any, min_entries: int) -> Followed:
    """Choose the item of each history, by default the best unseen one.

    Raises
    ------
    ValueError
        If no history has ``min_entries`` entries, or ``items`` are not columns, one for each user.
    """
    known = as_interactions(X)
    times = times_of(timestamps, known)
    users = np.flatnonzero(np.diff(known.indptr) >= min_entries)
    if not len(users):
        raise ValueError(f"Nothing can be left out: no history has {min_entries} entries or more.")
    chosen = None if items is None else _check_items(items, known)[users]
    known, times = known[users], None if times is None else times[users]
    dress = dress_like(X)
    followed, start = [], []
    for rows, scores in predict_blocks(estimator, known, times, dress):
        if chosen is None:
            unseen = scores.copy()
            block = known[rows]
            unseen[rows_of_entries(block.indptr), block.indices] = -np.inf
            best = unseen.argmax(axis=1)
        else:
            best = chosen[rows]
        followed.append(best)
        start.append(scores[np.arange(len(scores)), best])
    return Followed(users, known, times, np.concatenate(followed), np.concatenate(start), dress)


def _check_items(items: Any, X: sp.csr_array) -> np.ndarray:
    """Check that there is an item column for each row."""
    items = np.asarray(items)
    if items.shape != (X.shape[0],) or items.dtype.kind not in "iu":
        raise ValueError(
            f"items must hold an item column for each of the {X.shape[0]} users, got {items.dtype} "
            f"of shape {items.shape}."
        )
    if items.size and not (items.min() >= 0 and items.max() < X.shape[1]):
        raise ValueError(f"items must be columns in [0, {X.shape[1] - 1}].")
    return items
