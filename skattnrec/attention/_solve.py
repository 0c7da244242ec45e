"""From sufficient statistics to votes: all items at once, or each on its own support."""

from __future__ import annotations

import os

import numpy as np
import scipy.sparse as sp

from .._kernels._blas import one_blas_thread
from .._kernels.ridge import constrained_ridge, dense_cross, dense_gram
from .._kernels.support_ridge import keep_by_rank, select_supports, solve_supports
from ._statistics import SufficientStatistics

__all__ = ["choose_solver", "head_scales", "popularity_scale", "solve_dense", "solve_sparse"]

DENSE_UNKNOWNS = 8000  # n_items * n_heads up to which "auto" is dense: some ten seconds on 2 cores
DENSE_SHARE = 0.5  # of the machine's memory
SKEW = 0.25  # of the strength of co-occurrence that popular items owe to being popular


def choose_solver(solver: str, n_items: int, n_heads: int, itemsize: int) -> str:
    """``"auto"``: dense up to 8000 unknowns per item, in half of the memory; else sparse.

    Raises
    ------
    MemoryError
        If the dense solver is asked for and cannot fit.
    """
    needed = (n_heads * n_items) * (n_heads + 2) * n_items * itemsize  # C'C, C'Y and V
    present = _memory()
    if solver == "dense" and needed > present:
        raise MemoryError(
            f"{n_heads} head(s) on {n_items} items need {needed / 2**30:.1f} GiB, the machine has "
            f"{present / 2**30:.1f} GiB. Use solver='sparse', fewer heads or items, or pass X as "
            "float32."
        )
    if solver == "auto":
        fits = n_heads * n_items <= DENSE_UNKNOWNS and needed <= DENSE_SHARE * present
        return "dense" if fits else "sparse"
    return solver


def _memory() -> float:
    """Bytes of the machine's memory; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return np.inf


def popularity_scale(statistics: SufficientStatistics, exponent: float) -> np.ndarray:
    """Raise each item's number of ratings, relative to the mean, to minus ``exponent``."""
    counts = np.maximum(statistics.item_counts, 1)
    return ((counts / counts.mean()) ** -exponent).astype(statistics.gram.dtype)


def head_scales(statistics: SufficientStatistics, popularity_penalty: float) -> np.ndarray:
    """Scale the columns of C; returns the factors, (n_items, n_heads).

    Weights of each head get a mean square of 1 over the known ratings, so that the penalty counts
    observations, and those of item j are scaled by its popularity to minus ``popularity_penalty``.
    """
    keys = popularity_scale(statistics, popularity_penalty).astype(np.float64)
    totals = (statistics.squares * keys[:, None] ** 2).sum(axis=0)
    scales = np.sqrt(max(statistics.n_entries, 1) / np.where(totals > 0, totals, 1))
    return (keys[:, None] * np.where(totals > 0, scales, 1)).astype(statistics.gram.dtype)


def solve_dense(
    statistics: SufficientStatistics, scale: np.ndarray, regularization: float, dropout: float
) -> np.ndarray:
    """Votes of every item for every other one, (n_heads, n_items, n_items)."""
    gram, cross = ((M.indptr, M.indices, M.data) for M in (statistics.gram, statistics.cross))
    values = constrained_ridge(
        dense_gram(*gram, scale),
        dense_cross(*cross, scale),
        regularization * statistics.n_heads,
        dropout,
    )
    values *= scale.T[:, :, None]
    return values


def solve_sparse(
    statistics: SufficientStatistics,
    scale: np.ndarray,
    regularization: float,
    dropout: float,
    n_neighbors: int,
) -> sp.csr_array:
    """Votes of each item's support, (n_heads * n_items, n_items); row ``h * n + j`` is item j's."""
    n_items, n_heads = scale.shape
    gram, cross = statistics.gram, statistics.cross
    rank = np.empty(n_items, np.int64)
    rank[np.argsort(-statistics.item_counts, kind="stable")] = np.arange(n_items)
    strength = scale / (statistics.squares * scale**2 + regularization) ** SKEW
    supports, votes = select_supports(
        cross.indptr, cross.indices, cross.data, strength, min(n_neighbors, n_items - 1)
    )
    popular_first = np.argsort(np.where(supports < 0, n_items, rank[supports]), axis=1)
    supports = np.take_along_axis(supports, popular_first, axis=1)
    votes = np.take_along_axis(votes, popular_first[:, :, None], axis=1)
    votes *= scale[supports]  # (n_items, n_neighbors, n_heads); what is read at -1 is not used
    *triangle, diagonal = keep_by_rank(gram.indptr, gram.indices, gram.data, rank, scale)
    with one_blas_thread():
        values = solve_supports(
            supports,
            votes,
            rank,
            tuple(triangle),
            diagonal,
            regularization * n_heads,
            dropout,
        )
    if not np.isfinite(values).all():
        raise np.linalg.LinAlgError("a system is not positive definite")
    targets, places = np.nonzero(supports >= 0)
    voters = supports[targets, places]
    values = values[targets, places] * scale[voters]  # (nnz, n_heads)
    rows = voters[:, None].astype(np.int32) + n_items * np.arange(n_heads, dtype=np.int32)
    columns = np.repeat(targets.astype(np.int32), n_heads)
    shape = (n_heads * n_items, n_items)
    return sp.csr_array(sp.coo_array((values.ravel(), (rows.ravel(), columns)), shape=shape))
