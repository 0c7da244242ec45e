"""Predictions for many altered histories, block by block, so that memory stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn import config_context

from .._validation import check_timestamps

__all__ = ["dress_like", "predict_blocks", "score_pairs", "times_of", "without_each_entry"]

_BLOCK_ENTRIES = 2**23  # scores held at a time


def times_of(timestamps: Any, X: sp.csr_array) -> sp.csr_array | None:
    """Check timestamps and give them the pattern of X; None stays None."""
    times = check_timestamps(timestamps, X)
    if times is None:
        return None
    return sp.csr_array((times, X.indices, X.indptr), shape=X.shape)


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


def without_each_entry(X: sp.csr_array) -> sp.csr_array:
    """Copy rows as often as they have entries, each copy short of another one.

    Parameters
    ----------
    X : csr_array of shape (n_rows, n_items)
        Histories.

    Returns
    -------
    csr_array of shape (X.nnz, n_items)
        Row p lacks stored entry p of ``X``.
    """
    lengths = np.diff(X.indptr).astype(np.int64)
    first = X.indptr[:-1].astype(np.int64)
    size = np.repeat(lengths, lengths)  # of the row that each copy is of
    begins = np.repeat(np.repeat(first, lengths), size)
    place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    source = begins + place  # the entry of X that is copied
    source = source[source != np.repeat(np.arange(X.nnz), size)]
    indptr = np.concatenate([[0], np.cumsum(size - 1)]).astype(X.indptr.dtype)
    return sp.csr_array((X.data[source], X.indices[source], indptr), shape=(X.nnz, X.shape[1]))
