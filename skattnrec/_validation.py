"""Checks of what users pass in, shared by estimators, scorers and splits.

Every error says what was wrong, where, and what to do about it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, validate_data

from ._kernels.entries import rows_of_entries
from ._long_table import refuse_long_table
from ._structure import canonical_csr, check_structure, with_data
from ._times import seconds_of

__all__ = [
    "as_dtype",
    "as_interactions",
    "check_cutoff",
    "check_item_indices",
    "check_n_rows",
    "check_pairs",
    "check_timestamps",
    "refuse_too_large",
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
        If ``X`` is not two-dimensional, is empty, has NaN or infinite values, or is a sparse
        matrix with entries outside of its shape.
    """
    X = check_structure(X, name)
    with np.errstate(invalid="ignore"):  # of inf - inf, where sums of large numbers overflow
        X = check_array(
            X,
            accept_sparse=["csr", "csc", "coo"],
            dtype=[np.float64, np.float32],
            input_name=name,
        )
    return _finite(canonical_csr(X), name)


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
        of fit, when ``nonnegative`` is asked for and a rating is negative, and with ``reset`` when
        ``X`` is a table of users, items and ratings.
    """
    X = check_structure(X, "X")
    if reset:
        refuse_long_table(X)
    if reset or not _is_ready(X, estimator):
        with np.errstate(invalid="ignore"):  # of inf - inf, where sums of large numbers overflow
            X = validate_data(
                estimator,
                X,
                reset=reset,
                accept_sparse=["csr", "csc", "coo"],
                dtype=[np.float64, np.float32],
            )
    X = _finite(canonical_csr(X), "X")
    if nonnegative and X.nnz and X.data.min() < 0:
        worst = int(np.argmin(X.data))
        row = int(np.searchsorted(X.indptr, worst, side="right")) - 1
        raise ValueError(
            f"Negative values in data passed to {type(estimator).__name__}: "
            f"X[{row}, {X.indices[worst]}] = {X.data[worst]:g}, but its ratings must be >= 0. "
            "Shift the ratings, or use a model of explicit feedback."
        )
    return X


def _is_ready(X: Any, estimator: Any) -> bool:
    """Tell whether nothing but the values is left to be checked: a short cut for single rows."""
    return (
        type(X) in (sp.csr_array, sp.csr_matrix)
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and X.data.dtype in (np.float64, np.float32)
        and not hasattr(estimator, "feature_names_in_")
    )


def _finite(X: sp.csr_array, name: str) -> sp.csr_array:
    """Refuse NaN and infinity, those that come of adding up repeated entries too."""
    if not np.isfinite(X.data).all():
        row, column, value = _first_entry(X, ~np.isfinite(X.data))
        word = "NaN" if np.isnan(value) else "infinity"
        raise ValueError(f"Input {name} contains {word}: {name}[{row}, {column}] is {value}.")
    return X


def _first_entry(X: sp.csr_array, wrong: np.ndarray) -> tuple[int, int, float]:
    """Row, column and value of the first entry that is wrong."""
    entry = int(np.argmax(wrong))
    row = int(np.searchsorted(X.indptr, entry, side="right")) - 1
    return row, int(X.indices[entry]), float(X.data[entry])


def as_dtype(X: sp.csr_array, dtype: Any) -> sp.csr_array:
    """Convert ratings, none of which may be too large, to another dtype."""
    if X.dtype == dtype:
        return X
    return with_data(X, X.data.astype(dtype))


def refuse_too_large(estimator: Any, X: sp.csr_array, largest: float, dtype: Any) -> None:
    """Raise where a rating is so large that an estimator cannot calculate with it in a dtype."""
    if max(float(X.data.max(initial=0)), -float(X.data.min(initial=0))) <= largest:
        return
    row, column, value = _first_entry(X, np.abs(X.data) > np.float64(largest))
    raise ValueError(
        f"X[{row}, {column}] = {value:g} is too large for {type(estimator).__name__} in "
        f"{np.dtype(dtype)}: ratings may be up to {largest:.0e}. Divide all ratings by some "
        "number, or fit on float64."
    )


def check_n_rows(y: Any, n_rows: int) -> None:
    """Check that a y, which nobody uses, has the rows of X: otherwise something was mixed up."""
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    if y is not None and (not shape or shape[0] != n_rows):
        raise ValueError(
            f"y has shape {shape}, X has {n_rows} rows: a y is not used, but must have as many."
        )


def check_timestamps(timestamps: Any, X: sp.csr_array) -> np.ndarray | None:
    """Bring timestamps into the entry order of the checked interactions.

    Parameters
    ----------
    timestamps : None, sparse matrix, array-like or DataFrame of shape (n_users, n_items)
        One finite time (numbers of any unit, or dates) at every entry of ``X``. Sparse: the same
        stored entries as ``X``. Dense: read where ``X`` is known, and nowhere else.
    X : csr_array
        From :func:`as_interactions` or :func:`validate_interactions`.

    Returns
    -------
    ndarray of shape (X.nnz,), float64, or None
        Element ``p`` is the time of ``X.data[p]``. Dates are seconds since 1970.

    Raises
    ------
    ValueError
        If the shape or the stored entries differ, entries are repeated, or a time is missing
        (NaN, NaT) or infinite.
    """
    if timestamps is None:
        return None
    if sp.issparse(timestamps):
        times = _stored_times(timestamps, X)
    else:
        times = _dense_times(timestamps, X)
    if not np.isfinite(times).all():
        row, column, _ = _first_entry(X, ~np.isfinite(times))
        value = times[~np.isfinite(times)][0]
        word = "NaN" if np.isnan(value) else "infinity"
        raise ValueError(
            f"Input timestamps contains {word} at row {row}, column {column}, where X has an "
            "entry: each needs a finite time (NaT counts as NaN)."
        )
    return times


def _dense_times(timestamps: Any, X: sp.csr_array) -> np.ndarray:
    dense = check_array(
        seconds_of(timestamps),
        dtype=np.float64,
        ensure_all_finite=False,
        input_name="timestamps",
    )
    _check_same_shape(dense, X)
    return dense[rows_of_entries(X.indptr), X.indices]


def _stored_times(timestamps: Any, X: sp.csr_array) -> np.ndarray:
    _check_same_shape(timestamps, X)
    timestamps = check_structure(timestamps, "timestamps")
    T = check_array(
        timestamps,
        accept_sparse=["csr", "csc", "coo"],
        dtype=np.float64,
        ensure_all_finite=False,
        input_name="timestamps",
    )
    n_stored = T.nnz
    T = canonical_csr(T)
    if T.nnz != n_stored:
        raise ValueError(
            f"timestamps has {n_stored - T.nnz} entries too many: a user and an item are repeated, "
            "and times cannot be added up. Keep one time for each, or make X and timestamps of the "
            "table by skattnrec.InteractionEncoder."
        )
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
    return T.data


def _check_same_shape(timestamps: Any, X: sp.csr_array) -> None:
    if timestamps.shape != X.shape:
        raise ValueError(
            f"timestamps has shape {timestamps.shape}, X has {X.shape}: they must be equal."
        )


def check_cutoff(k: Any, longest: int | None = None) -> int:
    """Check the length of a list: a positive integer, where asked for at most ``longest``."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k must be an integer, got {k!r} of type {type(k).__name__}.")
    if k < 1 and longest is None:
        raise ValueError(f"k must be at least 1, got k={k}.")
    if longest is not None and not 1 <= k <= longest:
        raise ValueError(
            f"k must be in [1, {longest}], as {longest} items can be listed; got k={k}."
        )
    return int(k)


def check_pairs(rows: Any, items: Any, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Check pairs of rows and item columns: two lists of integers of the same length."""
    checked = []
    for name, given, limit in (("rows", rows, shape[0]), ("items", items, shape[1])):
        numbers = np.asarray(given)
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise ValueError(
                f"{name} must be a list of integers, got {numbers.dtype} of shape {numbers.shape}."
            )
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < limit):
            wrong = numbers[(numbers < 0) | (numbers >= limit)][0]
            raise ValueError(f"{name} must be in [0, {limit - 1}], got {wrong}.")
        checked.append(numbers.astype(np.intp))
    if len(checked[0]) != len(checked[1]):
        raise ValueError(
            f"rows and items must make pairs, got {len(checked[0])} and {len(checked[1])} of them."
        )
    return checked[0], checked[1]


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
    if items[0] >= 0 and items[-1] < n_items and (items[1:] > items[:-1]).all():
        return items.astype(np.intp)  # they rise, so none is out of range or given twice
    wrong = items[(items < 0) | (items >= n_items)]
    if wrong.size:
        raise ValueError(
            f"items must be columns in [0, {n_items - 1}]; got {wrong[0]} ({wrong.size} unknown)."
        )
    if np.count_nonzero(np.bincount(items.astype(np.intp))) != len(items):
        columns, counts = np.unique(items, return_counts=True)
        twice = columns[counts > 1][0]
        raise ValueError(f"items must not repeat a column; {twice} is given twice or more.")
    return items.astype(np.intp)
