r"""C'C and Y'C as sums over pairs of entries of one history, sparse, an item at a time.

Rows of C hold the attention weights of all heads over a history (or a prefix of one), rows of Y
what should be recommended. Both products are sparse where the catalogue is large, and in the same
places. A worker takes one item after the other, visits the entries it meets in the histories, and
adds up a row of blocks: of C'C one number for each pair of heads, of Y'C one for each head.

C'C is symmetric: what is kept is a half, a matrix that gives C'C when its transpose is added.

Sums are integers. What a pair of entries adds is rounded to a multiple of a unit, so that sums do
not depend on the order in which users are added, and what was added can be taken away again without
a trace. Blocks whose sums are all zero are not kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._compile import compiled, read_only
from ._parallel import run_workers

__all__ = ["Pairs", "combine_pairs", "pairs_of_prefixes", "pairs_of_rows"]

_NEGLIGIBLE = 1e-7  # attention below this, relative to the later entry of a pair, is cut
_CROWDED = 8  # a row with more than one in so many items is put in order by counting


class Pairs(NamedTuple):
    """C'C and Y'C, rows by item.

    Attributes
    ----------
    indptr : ndarray of shape (n_items + 1,), int64
    indices : ndarray of shape (n_blocks,), int32
        The items that each item meets, itself included, ascending.
    gram : ndarray of shape (n_blocks, n_heads, n_heads), int64
        Half of C'C: ``[b, g, h]`` for head g of the row's item and head h of the column's.
    cross : ndarray of shape (n_blocks, 1, n_heads), int64
        Y'C, the row's item the target, the column's the one that votes; 0 for itself.
    """

    indptr: np.ndarray
    indices: np.ndarray
    gram: np.ndarray
    cross: np.ndarray


def pairs_of_rows(histories, weights, relevance, gram_unit, cross_unit):
    """C'C and Y'C where a row's targets are its own entries.

    Parameters
    ----------
    histories : Histories
    weights : ndarray of shape (n_heads, n_entries), float64
        Attention of the row to the entry.
    relevance : ndarray of shape (n_entries,), float64
        Target at the entry.
    gram_unit, cross_unit : float
        What the integers of C'C and of Y'C count.

    Returns
    -------
    Pairs
    """
    first = histories.indptr[histories.users]
    last = histories.indptr[histories.users + 1] - 1
    by_entry = np.ascontiguousarray(weights.T)  # (n_entries, n_heads)
    factors = by_entry * (0.5 / gram_unit), by_entry, relevance / cross_unit
    return _add_up(_fill_rows, histories, first, last, factors)


def pairs_of_prefixes(
    histories, weights, decays, sums, starts, relevance, lookahead, gram_unit, cross_unit
):
    """C'C and Y'C where rows are prefixes, and targets what follows: later entries discounted.

    A prefix ends where the time changes: entries of one time are all in it, or none is.

    Parameters
    ----------
    histories : Histories
    weights : ndarray of shape (n_heads, n_entries), float64
        Attention to an entry before decay and normaliser.
    decays : ndarray of shape (n_heads, n_entries), float64
        By what attention to earlier entries shrinks from the entry before to this one; 1 where both
        are of one time.
    sums : tuple of ndarray
        ``norms, meetings`` of :func:`~skattnrec._kernels.prefix.prefix_sums`.
    starts : ndarray of shape (n_entries,), int64
        The first entry of the same history and time.
    relevance : ndarray of shape (n_entries,), float64
        Target at the entry.
    lookahead : float
        In [0, 1): a target has the factor ``lookahead ** s`` where s entries lie between the
        prefix and the time of the target.
    gram_unit, cross_unit : float
        What the integers of C'C and of Y'C count.

    Returns
    -------
    Pairs
        The row's item is the later one of each pair.
    """
    norms, meetings = sums
    ahead = np.full((1, decays.shape[1]), lookahead)
    reach = _reach(histories.indptr, np.concatenate([decays, ahead]))
    has_past = starts > histories.indptr[histories.users]
    # as far as the prefix before the target reaches
    first = np.where(has_past, reach[np.maximum(starts - 1, 0)], starts)
    by_entry = [np.ascontiguousarray(array.T) for array in (weights, decays, norms / cross_unit)]
    scales = by_entry[0] / gram_unit, meetings
    ahead_of = np.array([lookahead], np.float64)
    factors = *scales, *by_entry, starts, relevance, ahead_of
    return _add_up(_fill_prefixes, histories, first, np.arange(len(starts)), factors)


def _add_up(fill, histories, first, last, factors):
    """Sum over pairs of each entry with those from ``first`` to ``last``; room is counted first."""
    n_items, n_heads = len(histories.item_indptr) - 1, factors[0].shape[1]
    places = [histories.item_indptr, histories.positions, histories.items, first, last]
    places, factors = ([read_only(array) for array in arrays] for arrays in (places, factors))
    work = float((last - first + 1).sum())
    lengths = np.zeros(n_items, np.int64)
    run_workers(_count_partners, n_items, *places, lengths, work=work)
    starts = _cumulate(lengths)
    indices = np.empty(starts[-1], np.int32)
    gram = np.zeros((starts[-1], n_heads, n_heads), np.int64)
    cross = np.zeros((starts[-1], 1, n_heads), np.int64)
    pairs = Pairs(starts, indices, gram, cross)
    rows = read_only(starts), indices, gram, cross, lengths
    run_workers(fill, n_items, *places, *factors, *rows, work=work * n_heads**2)
    return _close_ranks(pairs, lengths)


def _cumulate(lengths):
    indptr = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    return indptr


@compiled
def _reach_of_users(share, n_shares, indptr, decays, first):
    n_heads = len(decays)
    limit = -np.log(_NEGLIGIBLE)
    for user in range(share, len(indptr) - 1, n_shares):
        for h in range(n_heads):
            k = indptr[user]
            lost = 0.0  # minus the log of the attention from p to k
            for p in range(indptr[user] + 1, indptr[user + 1]):
                lost -= np.log(max(decays[h, p], _NEGLIGIBLE))
                while lost >= limit:
                    k += 1
                    lost += np.log(max(decays[h, k], _NEGLIGIBLE))
                    if k == p:
                        lost = 0.0
                first[p] = min(first[p], k)


def _reach(indptr, decays):
    """First entry to which any head's attention is not negligible, for each entry."""
    first = np.arange(decays.shape[1])
    inputs = read_only(indptr), read_only(decays)
    run_workers(_reach_of_users, len(indptr) - 1, *inputs, first, work=16 * decays.size)
    return first


@compiled
def _count_partners(share, n_shares, item_indptr, positions, items, first, last, lengths):
    """Count the different items that each item meets."""
    n_items = len(lengths)
    seen_by = np.full(n_items, -1, np.int32)
    for item in range(share, n_items, n_shares):
        count = 0
        for q in range(item_indptr[item], item_indptr[item + 1]):
            p = positions[q]
            for k in range(first[p], last[p] + 1):
                if seen_by[items[k]] != item:
                    seen_by[items[k]] = item
                    count += 1
        lengths[item] = count


@compiled(inline="always")
def _open(other, start, end, place, indices):
    """Find the block of an item in the row that begins at ``start``, or begin one at ``end``."""
    slot = place[other]
    if slot >= start:
        return slot, end
    place[other] = end
    indices[end] = other
    return end, end + 1


@compiled
def _is_zero(gram, cross):
    """Tell whether all sums of a block are zero."""
    found = np.int64(0)
    for value in gram.flat:
        found |= value
    for value in cross.flat:
        found |= value
    return found == 0


@compiled
def _put_in_order(start, end, place, indices, gram, cross):
    """Sort a row by item and drop its blocks of zeros; returns how many are left."""
    found = indices[start:end].copy()
    if len(found) * _CROWDED > len(place):
        m = 0
        for item in range(len(place)):
            if place[item] >= start:
                found[m] = item
                m += 1
    else:
        found.sort()
    old_gram, old_cross = gram[start:end].copy(), cross[start:end].copy()
    free = start
    for item in found:
        slot = place[item] - start
        if not _is_zero(old_gram[slot], old_cross[slot]):
            indices[free] = item
            gram[free] = old_gram[slot]
            cross[free] = old_cross[slot]
            free += 1
    return free - start


@compiled
def _fill_rows(
    share, n_shares, item_indptr, positions, items, first, last, halves, weights, relevance,
    starts, indices, gram, cross, lengths,
):  # fmt: skip
    """Fill rows; ``halves`` and ``relevance`` are in units."""
    n_items, n_heads = len(lengths), weights.shape[1]
    place = np.full(n_items, -1, np.int64)
    for item in range(share, n_items, n_shares):
        start = starts[item]
        end = start
        for q in range(item_indptr[item], item_indptr[item + 1]):
            p = positions[q]
            for k in range(first[p], last[p] + 1):
                slot, end = _open(items[k], start, end, place, indices)
                target = relevance[p] if k != p else 0.0
                for h in range(n_heads):
                    weight = weights[k, h]
                    cross[slot, 0, h] += np.int64(np.rint(target * weight))
                    for g in range(n_heads):
                        gram[slot, g, h] += np.int64(np.rint(halves[p, g] * weight))
        lengths[item] = _put_in_order(start, end, place, indices, gram, cross)


@compiled
def _fill_prefixes(
    share, n_shares, item_indptr, positions, items, first, last, scaled, meetings, weights, decays,
    norms, group_starts, relevance, ahead, starts, indices, gram, cross, lengths,
):  # fmt: skip
    """Fill rows; ``scaled`` and ``norms`` are in units."""
    n_items, n_heads = len(lengths), weights.shape[1]
    place = np.full(n_items, -1, np.int64)
    later = np.empty((n_heads, n_heads))
    factors = np.empty(n_heads)
    votes = np.empty(n_heads)
    for item in range(share, n_items, n_shares):
        start = starts[item]
        end = start
        for q in range(item_indptr[item], item_indptr[item + 1]):
            p = positions[q]
            discount = relevance[p]
            slot, end = _open(item, start, end, place, indices)
            for h in range(n_heads):
                votes[h] = 0.0
                factors[h] = decays[p, h]
                for g in range(n_heads):
                    later[g, h] = scaled[p, g] * meetings[p, g, h]
            for h in range(n_heads):  # an entry meets itself once: its half
                for g in range(n_heads):
                    gram[slot, g, h] += np.int64(np.rint(later[g, h] * weights[p, h] / 2))
            for k in range(last[p] - 1, first[p] - 1, -1):
                slot, end = _open(items[k], start, end, place, indices)
                for h in range(n_heads):
                    votes[h] += norms[k, h] * discount  # of the prefix that ends at k
                    cross[slot, 0, h] += np.int64(np.rint(votes[h] * weights[k, h]))
                    votes[h] *= decays[k, h]
                    earlier = factors[h] * weights[k, h]
                    for g in range(n_heads):
                        gram[slot, g, h] += np.int64(np.rint(later[g, h] * earlier))
                    factors[h] *= decays[k, h]
                if k < group_starts[p]:
                    discount *= ahead[0]
        lengths[item] = _put_in_order(start, end, place, indices, gram, cross)


def _close_ranks(pairs, lengths):
    """Move the used parts of rows together."""
    starts, *columns = pairs
    indptr = _cumulate(lengths)
    if indptr[-1] == starts[-1]:
        return pairs
    closed = []
    for column in columns:
        moved = np.empty((indptr[-1], *column.shape[1:]), column.dtype)
        # (n_blocks, ...) -> (n_blocks, width)
        flat = (array.reshape(len(array), -1 if array.size else 1) for array in (column, moved))
        run_workers(_move_rows, len(lengths), starts, lengths, indptr, *flat)
        closed.append(moved)
    return Pairs(indptr, *closed)


@compiled
def _move_rows(share, n_shares, starts, lengths, new_starts, old, new):
    for row in range(share, len(lengths), n_shares):
        for q in range(lengths[row]):
            for column in range(old.shape[1]):
                new[new_starts[row] + q, column] = old[starts[row] + q, column]


def combine_pairs(left, right, sign):
    """Add the sums of two groups of users (``sign`` 1), or take those of the second away (-1)."""
    n_items, n_heads = len(left.indptr) - 1, left.gram.shape[1]
    left, right = (tuple(read_only(array) for array in pairs) for pairs in (left, right))
    lengths = np.empty(n_items, np.int64)
    work = 4 * (len(left[1]) + len(right[1])) * n_heads**2
    run_workers(_count_union, n_items, left[:2], right[:2], lengths, work=work)
    indptr = _cumulate(lengths)
    both = Pairs(
        indptr,
        np.empty(indptr[-1], np.int32),
        np.zeros((indptr[-1], n_heads, n_heads), np.int64),
        np.zeros((indptr[-1], 1, n_heads), np.int64),
    )
    run_workers(
        _merge_rows, n_items, left, right, np.int64(sign), tuple(both), lengths, work=work,
    )  # fmt: skip
    return _close_ranks(both, lengths)


@compiled
def _count_union(share, n_shares, left, right, lengths):
    (a_indptr, a_indices), (b_indptr, b_indices) = left, right
    for row in range(share, len(lengths), n_shares):
        a, b, count = a_indptr[row], b_indptr[row], 0
        while a < a_indptr[row + 1] and b < b_indptr[row + 1]:
            i, j = a_indices[a], b_indices[b]
            a += i <= j
            b += j <= i
            count += 1
        lengths[row] = count + a_indptr[row + 1] - a + b_indptr[row + 1] - b


@compiled
def _merge_rows(share, n_shares, left, right, sign, both, lengths):
    a_indptr, a_indices, a_gram, a_cross = left
    b_indptr, b_indices, b_gram, b_cross = right
    indptr, indices, gram, cross = both
    n_heads = gram.shape[1]
    for row in range(share, len(lengths), n_shares):
        a, b, free = a_indptr[row], b_indptr[row], indptr[row]
        while a < a_indptr[row + 1] or b < b_indptr[row + 1]:
            has_a, has_b = a < a_indptr[row + 1], b < b_indptr[row + 1]
            from_a = has_a and (not has_b or a_indices[a] <= b_indices[b])
            from_b = has_b and (not has_a or b_indices[b] <= a_indices[a])
            indices[free] = a_indices[a] if from_a else b_indices[b]
            for h in range(n_heads):
                own = a_cross[a, 0, h] if from_a else 0
                other = sign * b_cross[b, 0, h] if from_b else 0
                cross[free, 0, h] = own + other
                for g in range(n_heads):
                    own = a_gram[a, g, h] if from_a else 0
                    other = sign * b_gram[b, g, h] if from_b else 0
                    gram[free, g, h] = own + other
            free += not _is_zero(gram[free], cross[free])
            a += from_a
            b += from_b
        lengths[row] = free - indptr[row]
