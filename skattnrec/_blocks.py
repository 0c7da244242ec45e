"""Interactions a block of rows at a time, so that what is made of them stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import scipy.sparse as sp

from ._kernels.entries import select_entries

__all__ = [
    "dense_rows",
    "join_blocks",
    "pairs_of_blocks",
    "row_blocks",
    "take_entries",
    "take_rows",
]

BLOCK_ENTRIES = 2**23  # dense scores held at a time


def dense_rows(n_columns: int) -> int:
    """Count the rows of a block of dense scores."""
    return max(1, BLOCK_ENTRIES // n_columns)


def row_blocks(
    X: sp.csr_array, times: np.ndarray | None, n_rows: int | None = None
) -> Iterator[tuple[sp.csr_array, np.ndarray | None]]:
    """Cut interactions into blocks.

    Parameters
    ----------
    X : csr_array
    times : ndarray of shape (X.nnz,) or None
        The time of every entry.
    n_rows : int, default=None
        Rows of a block, at least one; None for as many as dense scores may be held of.

    Yields
    ------
    block : csr_array
    times : ndarray of shape (block.nnz,) or None
    """
    n_rows = dense_rows(X.shape[1]) if n_rows is None else max(1, n_rows)
    for start in range(0, X.shape[0], n_rows):
        block = X[start : start + n_rows] if n_rows < X.shape[0] else X
        first, last = X.indptr[start], X.indptr[start + block.shape[0]]
        yield block, None if times is None else times[first:last]


def take_entries(X: sp.csr_array, mask: np.ndarray) -> sp.csr_array:
    """Keep the stored entries where ``mask``, of shape (X.nnz,), is True."""
    return sp.csr_array(select_entries(X.data, X.indices, X.indptr, mask), shape=X.shape)


def take_rows(
    X: sp.csr_array, times: np.ndarray | None, rows: np.ndarray
) -> tuple[sp.csr_array, np.ndarray | None]:
    """Take some rows of interactions, in the order given, and their times."""
    if times is None:
        return X[rows], None
    places = sp.csr_array((np.arange(X.nnz), X.indices, X.indptr), shape=X.shape)[rows]
    taken = X.data[places.data], places.indices, places.indptr
    return sp.csr_array(taken, shape=places.shape), times[places.data]


def pairs_of_blocks(
    score: Callable[[sp.csr_array, np.ndarray | None], np.ndarray],
    X: sp.csr_array,
    times: np.ndarray | None,
    rows: np.ndarray,
    items: np.ndarray,
) -> np.ndarray:
    """Pick the scores of pairs out of those of whole rows.

    Parameters
    ----------
    score : callable
        Takes a block of rows and its times, and returns scores of shape (n_block_rows, n_items).
    X : csr_array of shape (n_rows, n_items)
    times : ndarray of shape (X.nnz,) or None
    rows, items : ndarray of shape (n_pairs,)
        The pairs, in any order. Rows that occur in none are not scored.

    Returns
    -------
    ndarray of shape (n_pairs,)
    """
    used, place = np.unique(rows, return_inverse=True)
    order = np.argsort(place, kind="stable")
    values = np.empty(len(rows), X.dtype)
    start = first = 0
    for block, block_times in row_blocks(*take_rows(X, times, used)):
        last = int(np.searchsorted(place[order], start + block.shape[0]))
        asked = order[first:last]
        values[asked] = score(block, block_times)[place[asked] - start, items[asked]]
        start, first = start + block.shape[0], last
    return values


def join_blocks(
    lists: Iterable[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Stack the (indices, scores) of blocks of rows."""
    indices, scores = zip(*lists, strict=True)
    if len(indices) == 1:
        return indices[0], scores[0]
    return np.concatenate(indices), np.concatenate(scores)
