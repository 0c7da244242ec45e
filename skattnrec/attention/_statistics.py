"""Sufficient statistics: all that the votes depend on, additive over users."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import reverse_rows, time_order
from .._kernels.histories import lay_out
from .._kernels.pairs import Pairs, pairs_of_prefixes, pairs_of_rows
from .._kernels.prefix import prefix_sums
from ._logits import Attention

__all__ = ["SufficientStatistics"]


@dataclass(frozen=True)
class SufficientStatistics:
    """Sums over users from which the votes follow; those of two groups of users add up.

    With H heads and n items, C holds the attention weights, a row for every history (or prefix of
    one) and column ``j * H + h`` for item j in head h; Y holds the targets.

    Attributes
    ----------
    gram : bsr_array of shape (n * H, n * H), blocks (H, H)
        Half of C'C: ``gram + gram.T`` is C'C.
    cross : bsr_array of shape (n, n * H), blocks (1, H)
        Y'C without an item's votes for itself.
    item_counts : ndarray of shape (n,), int64
        Number of known ratings of each item.
    relevance : ndarray of shape (n,)
        Sum of the relevance of its ratings.
    """

    gram: sp.bsr_array
    cross: sp.bsr_array
    item_counts: np.ndarray
    relevance: np.ndarray

    def __add__(self, other: SufficientStatistics) -> SufficientStatistics:
        return self._combine(operator.add, other)

    def __sub__(self, other: SufficientStatistics) -> SufficientStatistics:
        return self._combine(operator.sub, other)

    def _combine(
        self, operation: Callable[[Any, Any], Any], other: SufficientStatistics
    ) -> SufficientStatistics:
        names = [f.name for f in fields(self)]
        return SufficientStatistics(
            *(operation(getattr(self, name), getattr(other, name)) for name in names)
        )

    @property
    def n_heads(self) -> int:
        return self.gram.blocksize[0]

    @property
    def n_entries(self) -> int:
        """Number of known ratings."""
        return int(self.item_counts.sum())

    @property
    def squares(self) -> np.ndarray:
        """Sums of squared weights, (n_items, n_heads): the diagonal of C'C."""
        return 2 * self.gram.diagonal().reshape(-1, self.n_heads)

    @classmethod
    def of_rows(
        cls, X: sp.csr_array, attention: Attention, relevance: np.ndarray
    ) -> SufficientStatistics:
        """Targets of a row are its own entries; nothing is known of their order."""
        histories = lay_out(X.indptr, X.indices, X.shape[1])
        pairs = pairs_of_rows(histories, attention.whole_rows(X, None), relevance)
        return _assemble(X, pairs, relevance)

    @classmethod
    def of_prefixes(
        cls,
        X: sp.csr_array,
        times: np.ndarray,
        attention: Attention,
        relevance: np.ndarray,
        lookahead: float,
        reverse_weight: float,
    ) -> SufficientStatistics:
        """Rows are all prefixes of the histories, the target is the next entry."""
        order = time_order(X.indptr, times)
        forward = _of_order(X, times, order, attention, relevance, lookahead)
        if reverse_weight == 0:
            return forward
        order = order[reverse_rows(X.indptr.astype(np.int64))]
        backward = _of_order(X, times, order, attention, relevance, lookahead)
        weight = X.dtype.type(reverse_weight)
        return cls(
            forward.gram + backward.gram * weight,
            forward.cross + backward.cross * weight,
            forward.item_counts,
            forward.relevance,
        )


def _of_order(
    X: sp.csr_array,
    times: np.ndarray,
    order: np.ndarray,
    attention: Attention,
    relevance: np.ndarray,
    lookahead: float,
) -> SufficientStatistics:
    """Statistics of the prefixes of the histories, read in an order."""
    histories = lay_out(X.indptr, X.indices[order], X.shape[1])
    weights, normalized, decays = attention.prefixes(X, times, order)
    norms, meetings = prefix_sums(histories.indptr, normalized, decays, attention.smoothing)
    sums = norms, meetings, relevance[order], lookahead
    return _assemble(X, pairs_of_prefixes(histories, weights, decays, *sums), relevance)


def _assemble(X: sp.csr_array, pairs: Pairs, relevance: np.ndarray) -> SufficientStatistics:
    n_items, n_heads = X.shape[1], pairs.gram.shape[1]
    size = n_items * n_heads
    small = pairs.indptr[-1] <= np.iinfo(pairs.indices.dtype).max  # else scipy widens the indices
    places = pairs.indices, pairs.indptr.astype(pairs.indices.dtype if small else np.int64)
    return SufficientStatistics(
        sp.bsr_array((pairs.gram, *places), shape=(size, size)),
        sp.bsr_array((pairs.cross, *places), shape=(n_items, size)),
        np.bincount(X.indices, minlength=n_items),
        np.bincount(X.indices, relevance, minlength=n_items),
    )
