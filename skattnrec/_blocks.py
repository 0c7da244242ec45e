"""Interactions a block of rows at a time, so that what is made of them stays small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.sparse as sp

__all__ = ["join_blocks", "row_blocks"]


def row_blocks(
    X: sp.csr_array, times: np.ndarray | None, n_rows: int
) -> Iterator[tuple[sp.csr_array, np.ndarray | None]]:
    """Cut interactions into blocks.

    Parameters
    ----------
    X : csr_array
    times : ndarray of shape (X.nnz,) or None
        The time of every entry.
    n_rows : int
        Rows of a block; fewer than one counts as one.

    Yields
    ------
    block : csr_array
    times : ndarray of shape (block.nnz,) or None
    """
    n_rows = max(1, n_rows)
    for start in range(0, X.shape[0], n_rows):
        block = X[start : start + n_rows] if n_rows < X.shape[0] else X
        first, last = X.indptr[start], X.indptr[start + block.shape[0]]
        yield block, None if times is None else times[first:last]


def join_blocks(
    lists: Iterable[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Stack the (indices, scores) of blocks of rows."""
    indices, scores = zip(*lists, strict=True)
    if len(indices) == 1:
        return indices[0], scores[0]
    return np.concatenate(indices), np.concatenate(scores)
