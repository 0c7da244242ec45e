"""The structure of sparse matrices that users pass in, checked before compiled code reads them.

SciPy builds a matrix from any index arrays without looking at them. Compiled loops have no bounds
checks, so a column outside of the matrix would read or write memory that belongs to others.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["canonical_csr", "check_structure", "is_canonical", "with_data"]

_INT32 = np.iinfo(np.int32).max


def check_structure(X: Any, name: str) -> Any:
    """Refuse a sparse matrix whose indices do not fit its shape.

    Parameters
    ----------
    X : object
        Anything but a sparse matrix is left alone.
    name : str
        What error messages call it.

    Returns
    -------
    object
        ``X`` itself; where it is sparse, but neither CSR, CSC nor COO, as CSR.

    Raises
    ------
    ValueError
        If there are not two dimensions, the row pointers do not rise from 0 to the number of
        entries, or an index is negative or too large.
    """
    if not sp.issparse(X):
        return X
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got a sparse array of {X.ndim} dimension(s): {name}.")
    if X.format not in ("csr", "csc", "coo"):
        X = X.tocsr()
    if X.format == "coo":
        if not len(X.row) == len(X.col) == len(X.data):
            lengths = len(X.row), len(X.col), len(X.data)
            _refuse(X, name, "it has {} rows, {} columns and {} values".format(*lengths))
        _check_range(X, name, X.row, X.shape[0], "row")
        _check_range(X, name, X.col, X.shape[1], "column")
    else:
        outer, inner = ("row", "column") if X.format == "csr" else ("column", "row")
        n_outer, n_inner = X.shape if X.format == "csr" else X.shape[::-1]
        _check_pointers(X, name, n_outer, outer)
        _check_range(X, name, X.indices[: X.indptr[-1]], n_inner, inner)
    return X


def _check_pointers(X: Any, name: str, n_outer: int, outer: str) -> None:
    indptr = X.indptr
    if indptr.ndim != 1 or indptr.dtype.kind not in "iu" or len(indptr) != n_outer + 1:
        _refuse(X, name, f"indptr must hold {n_outer + 1} integers, one more than {outer}s")
    if indptr[0] != 0:
        _refuse(X, name, f"indptr must start with 0, not {indptr[0]}")
    falls = indptr[1:] < indptr[:-1]
    if falls.any():
        _refuse(X, name, f"indptr falls after {outer} {int(falls.argmax())}, but must not fall")
    n_stored = min(len(X.indices), len(X.data))
    if indptr[-1] > n_stored:
        _refuse(X, name, f"indptr ends with {indptr[-1]}, but only {n_stored} entries are stored")


def _check_range(X: Any, name: str, indices: np.ndarray, length: int, axis: str) -> None:
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        _refuse(X, name, f"its {axis} indices must be a list of integers, not {indices.dtype}")
    if not len(indices):
        return
    for index in (indices.min(), indices.max()):
        if not 0 <= index < length:
            _refuse(X, name, f"it has an entry at {axis} {index} outside of [0, {length - 1}]")


def _refuse(X: Any, name: str, what: str) -> None:
    raise ValueError(
        f"{name} is a broken {X.format.upper()} matrix of shape {X.shape}: {what}. Check how its "
        "indices were made."
    )


def is_canonical(indptr: np.ndarray, indices: np.ndarray) -> bool:
    """Tell whether indices rise within every row; what SciPy remembers of it may be outdated."""
    rises = indices[1:] > indices[:-1]
    if rises.all():
        return True
    starts = indptr[1:-1]
    rises[starts[(starts > 0) & (starts < len(indices))] - 1] = True  # rows start anew
    return bool(rises.all())


def canonical_csr(X: Any) -> sp.csr_array:
    """Make a CSR array with sorted indices, 32 bits wide where they can be, and no duplicates.

    Parameters
    ----------
    X : ndarray or sparse matrix
        Its structure was checked.

    Returns
    -------
    csr_array
        ``X`` itself or its arrays, read-only ones too, where they are as they should be;
        otherwise copies. ``X`` is not changed.
    """
    if type(X) is not sp.csr_array:
        X = sp.csr_array(X)
    n_stored = X.indptr[-1]
    data, indices, indptr = X.data[:n_stored], X.indices[:n_stored], X.indptr
    if not is_canonical(indptr, indices):
        X = sp.csr_array((data.copy(), indices.copy(), indptr.copy()), shape=X.shape)
        X.sum_duplicates()
        data, indices, indptr = X.data, X.indices, X.indptr
    is_wide = indices.dtype != np.int32 or indptr.dtype != np.int32
    if is_wide and max(n_stored, *X.shape) <= _INT32:
        indices, indptr = indices.astype(np.int32, copy=False), indptr.astype(np.int32, copy=False)
    elif not is_wide and len(X.data) == len(X.indices) == n_stored:
        return X
    X = sp.csr_array((data, indices, indptr), shape=X.shape)
    X.has_canonical_format = True
    return X


def with_data(X: sp.csr_array, data: np.ndarray) -> sp.csr_array:
    """Put other data, of shape (X.nnz,), in the place of the entries of a matrix.

    A copy of the object, without SciPy's checks of a pattern that was checked already: for one
    user they take as long as all else.
    """
    other = copy(X)
    other.data = data
    return other
