"""Checks of what users pass in, shared by estimators, scorers and splits.

Every error says what was wrong, where, and what to do about it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, validate_data

__all__ = [
    "as_interactions",
    "check_cutoff",
    "check_item_indices",
    "check_timestamps",
    "validate_interactions",
]


def as_interactions(X: Any, name: str = "X") -> sp.csr_array:
    """Convert to a canonical CSR array: users x items, sorted indices, no duplicates.

    Parameters
    ----------
    X : sparse matrix, sparse array or array-like of shape (n_users, n_items)
        Stored entries are known ratings, zeros included; in dense input 0 means unknown.
        float32 and float64 are kept, other types become float64.
    name : str
        What error messages call it.

    Returns
    -------
    csr_array of shape (n_users, n_items)
        May share memory with ``X``, which is never changed.

    Raises
    ------
    ValueError
        If ``X`` is not two-dimensional, is empty or has NaN or infinite values.
    """
    X = check_array(
        X,
        accept_sparse=["csr", "csc", "coo"],
        dtype=[np.float64, np.float32],
        input_name=name,
    )
    return _canonical_csr(X)


def validate_interactions(
    estimator: Any, X: Any, *, reset: bool, nonnegative: bool = False
) -> sp.csr_array:
    """Validate the ``X`` of an estimator's method; see :func:`as_interactions`.

    With ``reset`` the number and names of the features are stored on the estimator, otherwise
    they are compared with the stored ones.

    Raises
    ------
    ValueError
        As :func:`as_interactions`; also when the number or names of the items differ from those
        of fit, or when ``nonnegative`` is asked for and a rating is negative.
    """
    X = validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse=["csr", "csc", "coo"],
        dtype=[np.float64, np.float32],
    )
    X = _canonical_csr(X)
    if nonnegative and X.nnz and X.data.min() < 0:
        worst = int(np.argmin(X.data))
        row = int(np.searchsorted(X.indptr, worst, side="right")) - 1
        raise ValueError(
            f"Negative values in data passed to {type(estimator).__name__}: "
            f"X[{row}, {X.indices[worst]}] = {X.data[worst]:g}, but its ratings must be >= 0. "
            "Shift the ratings, or use a model of explicit feedback."
        )
    return X


def _canonical_csr(X: Any) -> sp.csr_array:
    source = X
    X = sp.csr_array(X)
    if not (X.data.flags.writeable and X.indices.flags.writeable and X.indptr.flags.writeable):
        X = X.copy()  # joblib maps large input read-only, for which kernels would compile anew
    if not X.has_canonical_format:
        if sp.issparse(source) and np.shares_memory(X.data, source.data):
            X = X.copy()
        X.sum_duplicates()
    if X.indices.dtype != np.int32 and max(X.nnz, *X.shape) <= np.iinfo(np.int32).max:
        X = sp.csr_array((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), X.shape)
        X.has_canonical_format = True
    return X


def check_timestamps(timestamps: Any, X: sp.csr_array) -> np.ndarray | None:
    """Bring timestamps into the entry order of the checked interactions.

    Parameters
    ----------
    timestamps : None, sparse matrix or array-like of shape (n_users, n_items)
        One finite time (any unit) at every entry of ``X``. Sparse: the same stored entries as
        ``X``. Dense: read where ``X`` is known.
    X : csr_array
        From :func:`as_interactions` or :func:`validate_interactions`.

    Returns
    -------
    ndarray of shape (X.nnz,), float64, or None
        Element ``p`` is the time of ``X.data[p]``.

    Raises
    ------
    ValueError
        If the shape or the stored entries differ, or a time is NaN or infinite.
    """
    if timestamps is None:
        return None
    if not sp.issparse(timestamps):
        dense = check_array(timestamps, dtype=np.float64, input_name="timestamps")
        _check_same_shape(dense, X)
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        return dense[rows, X.indices]
    T = as_interactions(timestamps, "timestamps")
    _check_same_shape(T, X)
    if not np.array_equal(T.indptr, X.indptr):
        lengths = np.diff(T.indptr), np.diff(X.indptr)
        row = int(np.flatnonzero(lengths[0] != lengths[1])[0])
        raise ValueError(
            "timestamps must have the stored entries of X: "
            f"row {row} has {lengths[0][row]} of them, X has {lengths[1][row]}. "
            "A time of 0 must be stored too, not dropped."
        )
    if not np.array_equal(T.indices, X.indices):
        first = int(np.flatnonzero(T.indices != X.indices)[0])
        row = int(np.searchsorted(T.indptr, first, side="right")) - 1
        raise ValueError(
            f"timestamps must have the stored entries of X: row {row} has an entry at column "
            f"{T.indices[first]} where X has one at column {X.indices[first]}."
        )
    return T.data.astype(np.float64, copy=False)


def _check_same_shape(timestamps: Any, X: sp.csr_array) -> None:
    if timestamps.shape != X.shape:
        raise ValueError(
            f"timestamps has shape {timestamps.shape}, X has {X.shape}: they must be equal."
        )


def check_cutoff(k: Any, n_candidates: int) -> int:
    """Check the length of a recommendation list: an integer in [1, n_candidates]."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k must be an integer, got {k!r} of type {type(k).__name__}.")
    if not 1 <= k <= n_candidates:
        raise ValueError(
            f"k must be in [1, {n_candidates}], as {n_candidates} items can be listed; got k={k}."
        )
    return int(k)


def check_item_indices(items: Any, n_items: int) -> np.ndarray:
    """Check a list of item columns: integers in [0, n_items), each at most once.

    Returns
    -------
    ndarray of shape (n,), intp
        In the order given.
    """
    items = np.atleast_1d(np.asarray(items))
    if items.ndim != 1 or items.size == 0 or items.dtype.kind not in "iu":
        raise ValueError(
            "items must be a non-empty list of item columns (integers), got "
            f"{items.dtype} of shape {items.shape}."
        )
    wrong = items[(items < 0) | (items >= n_items)]
    if wrong.size:
        raise ValueError(
            f"items must be columns in [0, {n_items - 1}]; got {wrong[0]} ({wrong.size} unknown)."
        )
    columns, counts = np.unique(items, return_counts=True)
    if len(columns) != len(items):
        twice = columns[counts > 1][0]
        raise ValueError(f"items must not repeat a column; {twice} is given twice or more.")
    return items.astype(np.intp)
