"""The votes of items for items: how each solver finds them, and what is asked of them."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._kernels._blas import one_blas_thread
from .._kernels.products import csr_times_csr, csr_times_dense
from .._kernels.ridge import constrained_ridge, dense_cross, dense_gram
from .._kernels.support_ridge import keep_by_rank, select_supports, solve_supports
from .._structure import with_data
from ._cold import Lending
from ._statistics import SufficientStatistics

__all__ = [
    "DEFAULT_NEIGHBORS",
    "DENSE_ITEMS",
    "DenseVotes",
    "Regression",
    "SparseVotes",
    "choose_solver",
    "popularity_scale",
]

DENSE_ITEMS = 5000  # up to which "auto" is dense: with two heads some ten seconds on 2 cores
DENSE_SHARE = 0.5  # of the machine's memory
DEFAULT_NEIGHBORS = 200
_LARGEST_LOG = 30.0  # of a scale, whose square has to fit single precision
LENT_VOTES = 500  # that a cold item receives and casts in each head under the sparse solver
AT_ONCE = 2**24  # votes
SKEW = 0.25  # of the strength of co-occurrence that popular items owe to being popular


def choose_solver(solver: str, n_items: int, n_heads: int, itemsize: int) -> str:
    """``"auto"``: dense up to 5000 items if that fits in half of the memory; else sparse.

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
    if solver != "auto":
        return solver
    if n_items > DENSE_ITEMS:
        return "sparse"
    if needed > DENSE_SHARE * present:
        warnings.warn(
            f"solver='auto' takes the sparse solver: the dense one would need "
            f"{needed / 2**30:.1f} GiB for {n_heads} head(s) on {n_items} items, and the machine "
            f"has {present / 2**30:.1f} GiB. Scores of the two differ: name the solver where "
            "settings are compared.",
            UserWarning,
            stacklevel=2,
        )
        return "sparse"
    return "dense"


def _memory() -> float:
    """Bytes of the machine's memory; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return np.inf


def popularity_scale(statistics: SufficientStatistics, exponent: float) -> np.ndarray:
    """Raise each item's number of ratings, relative to the mean, to minus ``exponent``."""
    counts = np.maximum(statistics.item_counts, 1)
    logs = np.log(counts / counts.mean())
    return np.exp(np.clip(-exponent * logs, -_LARGEST_LOG, _LARGEST_LOG))


def head_scales(statistics: SufficientStatistics, key_popularity_exponent: float) -> np.ndarray:
    """Scale the columns of C; returns the factors, (n_items, n_heads).

    Weights of each head get a mean square of 1 over the known ratings, so that the penalty counts
    observations, and those of item j are scaled by its popularity to minus the exponent.
    """
    keys = popularity_scale(statistics, key_popularity_exponent)
    totals = (statistics.squares * keys[:, None] ** 2).sum(axis=0)
    scales = np.sqrt(max(statistics.n_entries, 1) / np.where(totals > 0, totals, 1))
    return keys[:, None] * np.where(totals > 0, scales, 1)


Blocks = tuple[np.ndarray, np.ndarray, np.ndarray]  # indptr, indices, data


@dataclass(frozen=True)
class Regression:
    """The regression whose solution the votes are.

    Attributes
    ----------
    statistics : SufficientStatistics
    scale : ndarray of shape (n_items, n_heads)
        What the columns of C are multiplied with.
    regularization : float
    dropout : float
    dtype : dtype
        Of the votes, and of the arithmetic.
    """

    statistics: SufficientStatistics
    scale: np.ndarray
    regularization: float
    dropout: float
    dtype: np.dtype

    @classmethod
    def of(
        cls,
        statistics: SufficientStatistics,
        key_popularity_exponent: float,
        regularization: float,
        dropout: float,
        dtype: Any,
    ) -> Regression:
        """Set up the regression that follows from statistics."""
        scale = head_scales(statistics, key_popularity_exponent).astype(dtype)
        return cls(statistics, scale, regularization, dropout, np.dtype(dtype))

    @property
    def penalty(self) -> float:
        """Penalty of squared votes: splitting a head into equal ones changes nothing."""
        return self.regularization * self.statistics.n_heads

    def blocks(self) -> tuple[Blocks, Blocks]:
        """Half of C'C and Y'C, each (indptr, indices, blocks), in floating point."""
        indptr, indices, gram, cross = self.statistics.pairs
        gram_unit, cross_unit, _ = self.statistics.units
        return (
            (indptr, indices, np.multiply(gram, gram_unit, dtype=np.float64).astype(self.dtype)),
            (indptr, indices, np.multiply(cross, cross_unit, dtype=np.float64).astype(self.dtype)),
        )


@dataclass(frozen=True)
class DenseVotes:
    """Votes of every item for every other one.

    Attributes
    ----------
    values : ndarray of shape (n_heads, n_items, n_items)
        ``[h, j, i]`` is the vote of item j for item i.
    """

    values: np.ndarray

    @classmethod
    def solve(cls, regression: Regression, n_neighbors: int | None) -> DenseVotes:
        """Solve for the votes of all items at once; ``n_neighbors`` plays no part."""
        scale = regression.scale
        gram, cross = regression.blocks()
        values = constrained_ridge(
            dense_gram(*gram, scale),
            dense_cross(*cross, scale),
            regression.penalty,
            regression.dropout,
        )
        values *= scale.T[:, :, None]
        return cls(values)

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items), from the weights of each head."""
        scores = csr_times_dense(X.indptr, X.indices, weights[0], self.values[0])
        for of_head, values in zip(weights[1:], self.values[1:], strict=True):
            scores += csr_times_dense(X.indptr, X.indices, of_head, values)
        return scores

    def between(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Votes of some items for others, (n_heads, len(history), len(items))."""
        return self.values[:, history[:, None], items]

    def times(self, factors: np.ndarray) -> DenseVotes:
        """Multiply the votes for each item; ``factors`` has shape (n_items,)."""
        return DenseVotes(np.multiply(self.values, factors.astype(self.values.dtype)))

    def cosines(self, items: np.ndarray) -> np.ndarray:
        """Cosines between the votes for some items, of all heads together, (n, n)."""
        votes = np.concatenate(list(self.values[:, :, items]))  # (n_heads * n_items, n)
        return _unit_lengths(votes.T @ votes)

    def lent(self, lending: Lending, own: np.ndarray, item_counts: np.ndarray) -> DenseVotes:
        """Let cold items receive mixtures of votes, and cast them.

        ``own`` are the votes of items for themselves, (n_heads, n_items), that are lent with the
        others.
        """
        items = np.arange(len(item_counts))
        shares = lending.shares.astype(self.values.dtype, copy=False)
        values = self.values.copy()
        values[:, items, items] = own
        values = lending.mix(values)
        values[:, lending.cold] = shares @ values[:, lending.warm]
        values[:, items, items] = 0
        return DenseVotes(values)


@dataclass(frozen=True)
class SparseVotes:
    """Votes of each item's support.

    Attributes
    ----------
    values : csr_array of shape (n_heads * n_items, n_items)
        Row ``h * n_items + j`` holds the votes of item j.
    """

    values: sp.csr_array

    @classmethod
    def solve(cls, regression: Regression, n_neighbors: int | None) -> SparseVotes:
        """Solve for the votes of the ``n_neighbors`` items that occur most with each one."""
        statistics, scale = regression.statistics, regression.scale
        n_items = len(scale)
        gram, cross = regression.blocks()
        rank = np.empty(n_items, np.int64)
        rank[np.argsort(-statistics.item_counts, kind="stable")] = np.arange(n_items)
        squares = statistics.squares * scale.astype(np.float64) ** 2
        strength = (scale / (squares + regression.regularization) ** SKEW).astype(regression.dtype)
        support_size = min(DEFAULT_NEIGHBORS if n_neighbors is None else n_neighbors, n_items - 1)
        supports, votes = select_supports(*cross, strength, support_size)
        popular_first = np.argsort(np.where(supports < 0, n_items, rank[supports]), axis=1)
        supports = np.take_along_axis(supports, popular_first, axis=1)
        votes = np.take_along_axis(votes, popular_first[:, :, None], axis=1)
        votes *= scale[supports]  # (n_items, n_neighbors, n_heads); what is read at -1 is not used
        *triangle, diagonal = keep_by_rank(*gram, rank, scale)
        with one_blas_thread():
            values = solve_supports(
                supports,
                votes,
                rank,
                tuple(triangle),
                diagonal,
                regression.penalty,
                regression.dropout,
            )
        if not np.isfinite(values).all():
            raise np.linalg.LinAlgError("a system is not positive definite")
        return cls(_by_voter(supports, values, scale))

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Scores of all items, (n_rows, n_items), from the weights of each head."""
        histories, votes = ((F.indptr, F.indices, F.data) for F in self.factors(X, weights))
        return csr_times_csr(histories, votes, X.shape[1])

    def factors(self, X: sp.csr_array, weights: np.ndarray) -> tuple[sp.csr_array, sp.csr_array]:
        """Sparse factors of the scores: weights of all heads side by side, and the votes."""
        heads = [with_data(X, of_head) for of_head in weights]
        stacked = heads[0] if len(heads) == 1 else sp.csr_array(sp.hstack(heads, format="csr"))
        return stacked, self.values

    def between(self, history: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Votes of some items for others, (n_heads, len(history), len(items))."""
        n_heads = self.values.shape[0] // self.values.shape[1]
        rows = np.arange(n_heads)[:, None] * self.values.shape[1] + history
        votes = self.values[rows.ravel()][:, items].toarray()
        # (n_heads * len(history), len(items)) -> (n_heads, len(history), len(items))
        return votes.reshape(n_heads, len(history), len(items))

    def times(self, factors: np.ndarray) -> SparseVotes:
        """Multiply the votes for each item; ``factors`` has shape (n_items,)."""
        votes = self.values
        data = votes.data * factors.astype(votes.dtype)[votes.indices]
        return SparseVotes(sp.csr_array((data, votes.indices, votes.indptr), shape=votes.shape))

    def cosines(self, items: np.ndarray) -> np.ndarray:
        """Cosines between the votes for some items, of all heads together, (n, n)."""
        votes = sp.csc_array(self.values[:, items])
        return _unit_lengths((votes.T @ votes).toarray())

    def lent(self, lending: Lending, own: np.ndarray, item_counts: np.ndarray) -> SparseVotes:
        """Let cold items receive mixtures of votes, and cast them: the strongest of them.

        ``own`` are the votes of items for themselves, (n_heads, n_items), that are lent with the
        others. Those that matter most to the scores of all users are kept, for each cold item
        as many as ``LENT_VOTES`` in each head.
        """
        n_items = len(item_counts)
        n_heads = self.values.shape[0] // n_items
        loudness = np.sqrt(np.tile(item_counts, n_heads))
        shares = lending.shares.astype(self.values.dtype, copy=False)
        n_votes = n_heads * n_items
        places = np.arange(n_votes), np.tile(np.arange(n_items), n_heads)
        own_votes = sp.csr_array(
            (own.astype(shares.dtype).ravel(), places), shape=(n_votes, n_items)
        )
        values = sp.csr_array(self.values + own_votes)
        warm_votes = sp.csr_array(values[:, lending.warm])
        received = _strongest(shares, warm_votes, loudness, n_heads * LENT_VOTES)
        ones = np.ones(len(lending.cold), self.values.dtype)
        rows = sp.csr_array(
            (ones, (lending.cold, np.arange(len(ones)))), shape=(n_items, len(ones))
        )
        values = sp.csr_array(values + (rows @ received).T)
        heads = []
        for start in range(0, n_heads * n_items, n_items):
            of_head = sp.csr_array(values[start : start + n_items])
            warm_casts = sp.csr_array(of_head[lending.warm].T)
            cast = _strongest(shares, warm_casts, np.ones(n_items), LENT_VOTES)
            heads.append(of_head + rows @ cast)
        votes = sp.coo_array(sp.vstack(heads))
        other = votes.row % n_items != votes.col
        kept = votes.row[other].astype(np.int32), votes.col[other].astype(np.int32)
        shape = self.values.shape
        return SparseVotes(sp.csr_array(sp.coo_array((votes.data[other], kept), shape=shape)))


def _unit_lengths(products: np.ndarray) -> np.ndarray:
    """Turn products of vectors into cosines; 0 where one has no length."""
    lengths = np.sqrt(np.diagonal(products))
    lengths = np.where(lengths > 0, lengths, np.inf)
    return products / lengths / lengths[:, None]


def _strongest(
    shares: np.ndarray, votes: sp.csr_array, loudness: np.ndarray, n_kept: int
) -> sp.csr_array:
    """Mix votes, (n_columns, n_warm), and keep those of each row that are loudest.

    Returns a csr_array of shape (len(shares), n_columns).
    """
    n_columns = len(loudness)
    n_kept = min(n_kept, n_columns)
    parts = []
    step = max(1, AT_ONCE // n_columns)
    for start in range(0, len(shares), step):
        mixed = np.asarray(votes @ shares[start : start + step].T).T  # (n_rows, n_columns)
        strength = np.abs(mixed) * loudness
        columns = np.sort(np.argpartition(-strength, n_kept - 1, axis=1)[:, :n_kept], axis=1)
        kept = np.take_along_axis(mixed, columns, axis=1)
        indptr = np.arange(len(mixed) + 1) * n_kept
        shape = len(mixed), n_columns
        # (n_rows, n_kept) -> (n_rows * n_kept,)
        parts.append(sp.csr_array((kept.ravel(), columns.ravel(), indptr), shape=shape))
    kept_votes = sp.csr_array(sp.vstack(parts, format="csr"))
    kept_votes.eliminate_zeros()
    return kept_votes


def _by_voter(supports: np.ndarray, values: np.ndarray, scale: np.ndarray) -> sp.csr_array:
    """Arrange votes, (n_items, n_neighbors, n_heads), by head and by who casts them."""
    n_items, n_heads = scale.shape
    targets, places = np.nonzero(supports >= 0)
    voters = supports[targets, places]
    votes = values[targets, places] * scale[voters]  # (nnz, n_heads)
    rows = voters[:, None].astype(np.int32) + n_items * np.arange(n_heads, dtype=np.int32)
    columns = np.repeat(targets.astype(np.int32), n_heads)
    shape = (n_heads * n_items, n_items)
    return sp.csr_array(sp.coo_array((votes.ravel(), (rows.ravel(), columns)), shape=shape))
