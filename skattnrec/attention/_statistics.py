"""Sufficient statistics: all that the votes depend on, additive over users, and exactly so.

What a user adds is rounded to multiples of fixed units, which follow from the parameters alone, and
summed as integers. So sums do not depend on the order or the grouping of users, and what a user
added is taken away without a trace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import identify_rows, reverse_rows, time_order
from .._kernels.histories import lay_out
from .._kernels.pairs import Pairs, combine_pairs, pairs_of_prefixes, pairs_of_rows
from .._kernels.prefix import prefix_sums
from ._prior import TokenSums
from ._weights import SequenceAttention, SetAttention, time_groups

__all__ = ["SufficientStatistics", "fingerprints", "sequence_statistics", "set_statistics"]

_DIGITS = 40  # binary ones below the largest product of two weights there may be
_ROOM = 2.0**62  # of an integer
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class SufficientStatistics:
    """Sums over users from which the votes follow; those of two groups of users add up.

    With H heads and n items, C holds the attention weights, a row for every history (or prefix of
    one) and column ``j * H + h`` for item j in head h; Y holds the targets.

    Attributes
    ----------
    parts : tuple of Pairs
        Integers, 8 bytes each, that add up to half of C'C, and to Y'C without an item's votes for
        itself. The last ones are small: single users come and go without a pass over all sums.
    square_counts : ndarray of shape (n, H), int64
        The diagonal of the half of C'C.
    relevance_counts : ndarray of shape (n,), int64
        Sum of the relevance of each item's ratings, in units.
    item_counts : ndarray of shape (n,), int64
        Number of known ratings of each item.
    rows : ndarray of shape (n_users,), uint64
        Fingerprints of the histories that are not empty, ascending.
    units : tuple of 3 floats
        What the integers of C'C, of Y'C and of relevance count.
    tokens : TokenSums or None
        The sums that the votes of user features follow from.
    """

    parts: tuple[Pairs, ...]
    square_counts: np.ndarray
    relevance_counts: np.ndarray
    item_counts: np.ndarray
    rows: np.ndarray
    units: tuple[float, float, float]
    tokens: TokenSums | None = None

    def __add__(self, other: SufficientStatistics) -> SufficientStatistics:
        place = np.searchsorted(self.rows, other.rows)
        return self._combine(other, 1, np.insert(self.rows, place, other.rows))

    def __sub__(self, other: SufficientStatistics) -> SufficientStatistics:
        place = np.searchsorted(self.rows, other.rows) + _number_among_equals(other.rows)
        return self._combine(other, -1, np.delete(self.rows, place))

    def _combine(
        self, other: SufficientStatistics, sign: int, rows: np.ndarray
    ) -> SufficientStatistics:
        if self.units != other.units:
            raise ValueError(
                "These statistics are of models with different parameters: they do not add up."
            )
        both = SufficientStatistics(
            _append(self.parts, other.pairs, sign),
            self.square_counts + sign * other.square_counts,
            self.relevance_counts + sign * other.relevance_counts,
            self.item_counts + sign * other.item_counts,
            rows,
            self.units,
            None if other.tokens is None else self._add_tokens(other.tokens, sign),
        )
        if sign > 0:  # each of the sums had room
            _check_room(
                2.0 * self.square_counts.max(axis=1) + 2.0 * other.square_counts.max(axis=1),
                self.relevance_counts.astype(float) + other.relevance_counts,
            )
        return both

    def _add_tokens(self, tokens: TokenSums, sign: int) -> TokenSums:
        assert self.tokens is not None
        return self.tokens.combine(tokens, sign)

    def widened(self, n_new: int) -> SufficientStatistics:
        """Add items of which nothing is known."""

        def longer(sums: np.ndarray) -> np.ndarray:
            return np.concatenate([sums, np.zeros((n_new, *sums.shape[1:]), sums.dtype)])

        parts = tuple(
            part._replace(indptr=np.append(part.indptr, np.full(n_new, part.indptr[-1])))
            for part in self.parts
        )
        return replace(
            self,
            parts=parts,
            square_counts=longer(self.square_counts),
            relevance_counts=longer(self.relevance_counts),
            item_counts=longer(self.item_counts),
            tokens=None if self.tokens is None else self.tokens.widened(n_new),
        )

    @property
    def pairs(self) -> Pairs:
        """All parts as one."""
        if len(self.parts) > 1:
            *parts, whole = self.parts
            for part in reversed(parts):
                whole = combine_pairs(part, whole, 1)
            object.__setattr__(self, "parts", (whole,))  # the same sums
        return self.parts[0]

    def first_unknown(self, rows: np.ndarray) -> int | None:
        """Find the first row that was not learned as often as it is given.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,), uint64
            From :func:`fingerprints`.

        Returns
        -------
        int or None
            Its number; None where all were learned.
        """
        order = np.argsort(rows, kind="stable")
        in_order = rows[order]
        known = np.searchsorted(self.rows, in_order, "right") - np.searchsorted(self.rows, in_order)
        unknown = order[_number_among_equals(in_order) >= known]
        return int(unknown.min()) if unknown.size else None

    @property
    def n_heads(self) -> int:
        return self.square_counts.shape[1]

    @property
    def n_items(self) -> int:
        return len(self.item_counts)

    @property
    def n_entries(self) -> int:
        """Number of known ratings."""
        return int(self.item_counts.sum())

    @property
    def relevance(self) -> np.ndarray:
        """Sum of the relevance of each item's ratings, (n_items,)."""
        return self.relevance_counts * self.units[2]

    @property
    def gram(self) -> sp.bsr_array:
        """Half of C'C, (n * H, n * H), in blocks (H, H): C'C is this plus its transpose."""
        size = self.n_items * self.n_heads
        return self._blocks(self.pairs.gram * self.units[0], (size, size))

    @property
    def cross(self) -> sp.bsr_array:
        """Y'C, (n, n * H), in blocks (1, H)."""
        shape = (self.n_items, self.n_items * self.n_heads)
        return self._blocks(self.pairs.cross * self.units[1], shape)

    @property
    def squares(self) -> np.ndarray:
        """Sums of squared weights, (n_items, n_heads): the diagonal of C'C."""
        return self.square_counts * (2 * self.units[0])

    def _blocks(self, blocks: np.ndarray, shape: tuple[int, int]) -> sp.bsr_array:
        indptr, indices = self.pairs.indptr, self.pairs.indices
        small = indptr[-1] <= np.iinfo(indices.dtype).max  # else scipy widens the indices
        places = indices, indptr.astype(indices.dtype if small else np.int64)
        return sp.bsr_array((blocks, *places), shape=shape)


def _append(parts: tuple[Pairs, ...], pairs: Pairs, sign: int) -> tuple[Pairs, ...]:
    """Add sums, or take them away; parts of like size become one, so that there are few."""
    if sign < 0:
        pairs = Pairs(pairs.indptr, pairs.indices, -pairs.gram, -pairs.cross)
    *larger, last = parts
    while 2 * len(pairs.indices) >= len(last.indices):
        pairs = combine_pairs(last, pairs, 1)
        if not larger:
            return (pairs,)
        last = larger.pop()
    return *larger, last, pairs


def _diagonal(pairs: Pairs) -> np.ndarray:
    """Give the integers on the diagonal of the half of C'C, (n_items, n_heads)."""
    n_items, n_heads = len(pairs.indptr) - 1, pairs.gram.shape[1]
    rows = np.repeat(np.arange(n_items, dtype=np.int32), np.diff(pairs.indptr))
    place = np.flatnonzero(pairs.indices == rows)
    diagonal = np.zeros((n_items, n_heads), np.int64)
    heads = np.arange(n_heads)
    diagonal[rows[place]] = pairs.gram[place][:, heads, heads]
    return diagonal


def fingerprints(
    X: sp.csr_array, times: np.ndarray | None, features: sp.csr_array | None = None
) -> np.ndarray:
    """Give rows of equal content equal numbers, of 64 bits, (n_rows,)."""
    rows = identify_rows(X.indptr, X.indices, X.data, times)
    if features is None:
        return rows
    return rows * _ODD + identify_rows(features.indptr, features.indices, features.data)


def set_statistics(
    X: sp.csr_array, attention: SetAttention, threshold: float | None
) -> SufficientStatistics:
    """Sum up histories without an order: targets of a row are its own entries.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
    attention : SetAttention
    threshold : float or None
        Of the ratings that are relevant.
    """
    relevance = attention.ratings.relevance(X, threshold)
    units = _units(attention, threshold, 1.0, 1.0)
    weights = attention.weights(X)
    _check_sums(X.indices, np.square(weights).max(axis=0), relevance, X.shape[1], units)
    histories = lay_out(X.indptr, X.indices, X.shape[1])
    pairs = pairs_of_rows(histories, weights, relevance, *units[:2])
    return _assemble(X, None, pairs, relevance, units)


def sequence_statistics(
    X: sp.csr_array,
    times: np.ndarray,
    attention: SequenceAttention,
    threshold: float | None,
    lookahead: float,
    reverse_weight: float,
) -> SufficientStatistics:
    """Sum up all prefixes of histories, the target of each being what follows.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
    times : ndarray of shape (X.nnz,)
    attention : SequenceAttention
    threshold : float or None
        Of the ratings that are relevant.
    lookahead : float
        How much the next but one counts, relative to the next.
    reverse_weight : float
        Weight of histories read backwards.
    """
    relevance = attention.ratings.relevance(X, threshold)
    units = _units(attention, threshold, max(1.0, reverse_weight), 1 / (1 - lookahead))
    order = time_order(X.indptr, times)
    readings = [(order, 1.0)]
    if reverse_weight > 0:
        readings.append((order[reverse_rows(X.indptr.astype(np.int64))], reverse_weight))
    parts = [
        _pairs_of_reading(X, times, reading, attention, relevance, lookahead, weight, units)
        for reading, weight in readings
    ]
    pairs = parts[0] if len(parts) == 1 else combine_pairs(parts[0], parts[1], 1)
    return _assemble(X, times, pairs, relevance, units)


def _pairs_of_reading(
    X: sp.csr_array,
    times: np.ndarray,
    order: np.ndarray,
    attention: SequenceAttention,
    relevance: np.ndarray,
    lookahead: float,
    weight: float,
    units: tuple[float, float, float],
) -> Pairs:
    """Sum up the prefixes of the histories, read in an order."""
    histories = lay_out(X.indptr, X.indices[order], X.shape[1])
    weights, decays = attention.factors(X, times, order)
    starts, ends = time_groups(X.indptr, times[order])
    is_end = ends == np.arange(len(ends))
    sums = prefix_sums(histories.indptr, is_end, weights, decays, attention.smoothing)
    meetings = sums[1]  # (nnz, n_heads, n_heads)
    squares = np.square(weights) * np.diagonal(meetings, axis1=1, axis2=2).T
    both = 2 * weight * squares.max(axis=0)  # two readings at most
    _check_sums(histories.items, both, relevance[order], X.shape[1], units)
    in_units = units[0] / weight, units[1] / weight
    return pairs_of_prefixes(
        histories, weights, decays, sums, starts, relevance[order], lookahead, *in_units
    )


def _units(
    attention: SetAttention | SequenceAttention,
    threshold: float | None,
    row_factor: float,
    target_factor: float,
) -> tuple[float, float, float]:
    """Units of C'C, Y'C and relevance: powers of two, fine beside the largest product there is.

    Rows count ``row_factor`` times at most, and the targets of an entry add up to at most
    ``target_factor`` times its relevance.
    """
    weight = attention.bound
    target = 1.0 if threshold is not None else float(np.exp(attention.ratings.bound))
    gram, cross = row_factor * weight * weight, row_factor * weight * target * target_factor
    gram_unit, cross_unit, relevance_unit = (
        float(2.0 ** (np.ceil(np.log2(bound)) - _DIGITS)) for bound in (gram, cross, target)
    )
    return gram_unit, cross_unit, relevance_unit


def _check_sums(
    items: np.ndarray,
    squares: np.ndarray,
    relevance: np.ndarray,
    n_items: int,
    units: tuple[float, float, float],
) -> None:
    """Refuse sums that integers may have no room for, before they are summed."""
    _check_room(
        np.bincount(items, squares, minlength=n_items) / units[0],
        np.bincount(items, relevance, minlength=n_items) / units[2],
    )


def _check_room(squares: np.ndarray, relevance: np.ndarray) -> None:
    """Look at the diagonals only: no other sum is larger, by the inequality of Cauchy-Schwarz."""
    if max(squares.max(initial=0), relevance.max(initial=0)) >= _ROOM:
        raise OverflowError(
            f"Item {int(np.argmax(np.maximum(squares, relevance)))} has too many ratings for exact "
            "sums in 64 bits: learn from a sample of the users."
        )


def _assemble(
    X: sp.csr_array,
    times: np.ndarray | None,
    pairs: Pairs,
    relevance: np.ndarray,
    units: tuple[float, float, float],
) -> SufficientStatistics:
    counts = np.zeros(X.shape[1], np.int64)
    np.add.at(counts, X.indices, np.rint(relevance / units[2]).astype(np.int64))
    rows = fingerprints(X, times)[np.diff(X.indptr) > 0]
    item_counts = np.bincount(X.indices, minlength=X.shape[1])
    return SufficientStatistics(
        (pairs,), _diagonal(pairs), counts, item_counts, np.sort(rows), units
    )


def _number_among_equals(in_order: np.ndarray) -> np.ndarray:
    """Count the equal numbers before each, of numbers in order."""
    return np.arange(len(in_order)) - np.searchsorted(in_order, in_order)
