"""Lists of the best items: which items may be listed in them, and how they are filled up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from ._blocks import row_blocks, take_entries
from ._kernels.topk import mask_entries, top_k
from ._structure import canonical_csr, check_structure
from ._validation import check_item_indices

if TYPE_CHECKING:
    from ._context import Context

__all__ = [
    "Candidates",
    "best",
    "candidate_columns",
    "check_candidates",
    "check_exclusions",
    "list_blocks",
    "pad",
]

# all items (None), ascending columns for all rows, or the pattern of those of each row
Candidates: TypeAlias = "np.ndarray | sp.csr_array | None"


def check_candidates(items: Any, shape: tuple[int, int]) -> Candidates:
    """Check which items may be listed.

    Parameters
    ----------
    items : None, array-like of int or {sparse matrix, array-like of bool} of shape ``shape``
        All items; columns for all rows; or the items of each row, where the matrix is not 0.
    shape : tuple of int
        That of the histories.

    Returns
    -------
    None, ndarray of shape (n_candidates,), intp, or csr_array of shape ``shape``
        All items; the columns for all rows, ascending; or the pattern of those of each row.
    """
    if items is None:
        return None
    if sp.issparse(items) or np.ndim(items) == 2:
        return _check_pattern(items, "items", shape)
    columns = check_item_indices(items, shape[1])
    return columns if (columns[1:] > columns[:-1]).all() else np.sort(columns)


def check_exclusions(X: sp.csr_array, exclude: Any, exclude_seen: bool) -> sp.csr_array:
    """Give the pattern of what may not be listed: entries of ``X``, and those of ``exclude``."""
    if exclude is None:
        return X if exclude_seen else sp.csr_array(X.shape, dtype=X.dtype)
    pattern = _check_pattern(exclude, "exclude", X.shape)
    if not exclude_seen:
        return pattern
    seen = sp.csr_array((np.ones(X.nnz, bool), X.indices, X.indptr), shape=X.shape)
    return canonical_csr(seen + pattern)


def _check_pattern(matrix: Any, name: str, shape: tuple[int, int]) -> sp.csr_array:
    """Pattern of a sparse or boolean matrix: where it is not 0."""
    if not sp.issparse(matrix):
        matrix = np.asarray(matrix)
        if matrix.dtype != bool:
            raise ValueError(
                f"{name} must be a sparse or a boolean matrix with a row for each row of X, got an "
                f"array of {matrix.dtype} of shape {matrix.shape}."
            )
    if matrix.shape != shape:
        raise ValueError(f"{name} has shape {matrix.shape}, X has {shape}: they must be equal.")
    pattern = canonical_csr(check_structure(matrix, name))
    kept = pattern.data != 0
    return pattern if kept.all() else take_entries(pattern, kept)


def candidates_of(candidates: Candidates, rows: Any) -> Candidates:
    """Candidates of some rows, as a slice or a mask."""
    if candidates is None or isinstance(candidates, np.ndarray):
        return candidates
    return candidates[rows]


def list_blocks(
    X: sp.csr_array,
    context: Context,
    candidates: Candidates,
    hidden: sp.csr_array,
    n_rows: int | None = None,
) -> Iterator[tuple[sp.csr_array, Context, Candidates, sp.csr_array]]:
    """Cut histories, their context, candidates and what is hidden into blocks of rows.

    See :func:`~skattnrec._blocks.row_blocks` for ``n_rows``.
    """
    start = 0
    for block, block_context in row_blocks(X, context, n_rows):
        rows = slice(start, start + block.shape[0])
        if block is X:
            yield X, context, candidates, hidden
        else:
            yield block, block_context, candidates_of(candidates, rows), hidden[rows]
        start = rows.stop


def pad(lists: tuple[np.ndarray, np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill up lists to a length of k, with index -1 and score NaN."""
    indices, scores = lists
    n_rows, n_listed = indices.shape
    if n_listed == k:
        return lists
    rest = np.full((n_rows, k - n_listed), -1, np.intp), np.full((n_rows, k - n_listed), np.nan)
    return np.hstack([indices, rest[0]]), np.hstack([scores, rest[1].astype(scores.dtype)])


def best(
    scores: np.ndarray, candidates: Candidates, hidden: sp.csr_array, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rank candidates by dense scores, which are masked in place."""
    mask_entries(scores, hidden.indptr, hidden.indices)
    return top_k(scores, candidate_columns(candidates), k)


def candidate_columns(candidates: Candidates) -> Any:
    """Candidates as kernels take them."""
    if candidates is None or isinstance(candidates, np.ndarray):
        return candidates
    return candidates.indptr, candidates.indices
