"""Interactions a block of rows at a time, so that what is made of them stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from ._kernels.entries import select_entries

if TYPE_CHECKING:
    from ._context import Context

__all__ = [
    "dense_rows",
    "join_blocks",
    "pairs_of_blocks",
    "row_blocks",
    "take_entries",
]

BLOCK_ENTRIES = 2**23  # dense scores held at a time


def dense_rows(n_columns: int) -> int:
    """Count the rows of a block of dense scores."""
    return max(1, BLOCK_ENTRIES // n_columns)


def row_blocks(
    X: sp.csr_array, context: Context, n_rows: int | None = None
) -> Iterator[tuple[sp.csr_array, Context]]:
    """Cut interactions into blocks.

    Parameters
    ----------
    X : csr_array
    context : Context
        What is known of ``X`` beside it.
    n_rows : int, default=None
        Rows of a block, at least one; None for as many as dense scores may be held of.

    Yields
    ------
    block : csr_array
    context : Context
    """
    n_rows = dense_rows(X.shape[1]) if n_rows is None else max(1, n_rows)
    for start in range(0, X.shape[0], n_rows):
        stop = start + n_rows
        yield X[start:stop] if n_rows < X.shape[0] else X, context.of_block(X, start, stop)


def take_entries(X: sp.csr_array, mask: np.ndarray) -> sp.csr_array:
    """Keep the stored entries where ``mask``, of shape (X.nnz,), is True."""
    return sp.csr_array(select_entries(X.data, X.indices, X.indptr, mask), shape=X.shape)


def pairs_of_blocks(
    score: Callable[[sp.csr_array, Context], np.ndarray],
    X: sp.csr_array,
    context: Context,
    rows: np.ndarray,
    items: np.ndarray,
) -> np.ndarray:
    """Pick the scores of pairs out of those of whole rows.

    Parameters
    ----------
    score : callable
        Takes a block of rows and its context, and returns scores of shape (n_block_rows, n_items).
    X : csr_array of shape (n_rows, n_items)
    context : Context
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
    for block, block_context in row_blocks(*context.of_rows(X, used)):
        last = int(np.searchsorted(place[order], start + block.shape[0]))
        asked = order[first:last]
        values[asked] = score(block, block_context)[place[asked] - start, items[asked]]
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
