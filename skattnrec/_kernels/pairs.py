"""C'C and Y'C as sums over pairs of entries of one history, sparse, an item at a time.

Rows of C hold the attention weights of all heads over a history (or a prefix of one), rows of Y
what should be recommended. Both products are sparse where the catalogue is large, and in the same
places. A worker takes one item after the other, visits the entries it meets in the histories, and
adds up a row of blocks: of C'C one number for each pair of heads, of Y'C one for each head.

C'C is symmetric: what is kept is a half, a matrix that gives C'C when its transpose is added.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._compile import compiled, read_only
from ._parallel import run_workers

__all__ = ["Pairs", "pairs_of_prefixes", "pairs_of_rows"]

_NEGLIGIBLE = 1e-7  # attention below this, relative to the later entry of a pair, is cut


class Pairs(NamedTuple):
    """C'C and Y'C, rows by item.

    Attributes
    ----------
    indptr : ndarray of shape (n_items + 1,), int64
    indices : ndarray of shape (n_blocks,), int32
        The items that each item meets, itself included; not sorted.
    gram : ndarray of shape (n_blocks, n_heads, n_heads)
        Half of C'C: ``[b, g, h]`` for head g of the row's item and head h of the column's.
    cross : ndarray of shape (n_blocks, 1, n_heads)
        Y'C, the row's item the target, the column's the one that votes; 0 for itself.
    """

    indptr: np.ndarray
    indices: np.ndarray
    gram: np.ndarray
    cross: np.ndarray


def _reach(indptr, decays):
    """First entry to which any head's attention is not negligible, for each entry."""
    first = np.arange(decays.shape[1])
    starts = read_only(indptr)
    run_workers(_reach_back, len(indptr) - 1, starts, decays, first, work=16 * decays.size)
    return first


@compiled
def _reach_back(share, n_shares, indptr, decays, first):
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


def _row_bounds(histories, n_partners):
    """Where rows may start if no item is met twice: room that is reserved, not yet used."""
    n_items = len(histories.item_indptr) - 1
    of_item = np.bincount(histories.items, n_partners, minlength=n_items)
    return np.concatenate([[0], np.cumsum(np.minimum(of_item, n_items).astype(np.int64))])


@compiled
def _open(other, start, end, place, indices, gram, cross):
    """Find the block of an item in the row that begins at ``start``, or begin one at ``end``."""
    slot = place[other]
    if slot >= start:
        return slot, end
    place[other] = end
    indices[end] = other
    gram[end] = 0
    cross[end] = 0
    return end, end + 1


def _close_ranks(starts, lengths, *columns):
    """Move the used parts of rows together, in each of some arrays."""
    indptr = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    closed = []
    for column in columns:
        moved = np.empty((indptr[-1], *column.shape[1:]), column.dtype)
        flat = (array.reshape(len(array), -1) for array in (column, moved))
        run_workers(_move_rows, len(lengths), starts, lengths, indptr, *flat)
        closed.append(moved)
    return indptr, *closed


@compiled
def _move_rows(share, n_shares, starts, lengths, new_starts, old, new):
    for row in range(share, len(lengths), n_shares):
        for q in range(lengths[row]):
            for column in range(old.shape[1]):
                new[new_starts[row] + q, column] = old[starts[row] + q, column]


def pairs_of_rows(histories, weights, relevance):
    """C'C and Y'C where a row's targets are its own entries.

    Parameters
    ----------
    histories : Histories
    weights : ndarray of shape (n_heads, n_entries)
        Attention of the row to the entry.
    relevance : ndarray of shape (n_entries,)
        Target at the entry.

    Returns
    -------
    Pairs
    """
    first = histories.indptr[histories.users]
    last = histories.indptr[histories.users + 1] - 1
    starts = _row_bounds(histories, last - first + 1)
    return _run(_fill_rows, histories, starts, first, last, weights, relevance)


def _run(kernel, histories, starts, *factors):
    """Fill the rows of the pairs, which may start at ``starts``, and move them together."""
    n_items, n_heads, dtype = len(starts) - 1, len(factors[-2]), factors[-2].dtype
    rows = (
        np.zeros(n_items, np.int64),
        np.empty(starts[-1], np.int32),
        np.empty((starts[-1], n_heads, n_heads), dtype),
        np.empty((starts[-1], 1, n_heads), dtype),
    )
    places = histories.item_indptr, histories.positions, histories.items
    inputs = (read_only(part) for part in (starts, *places, *factors))
    run_workers(kernel, n_items, *inputs, *rows, work=starts[-1] * n_heads**2)
    return Pairs(*_close_ranks(starts, *rows))


@compiled
def _fill_rows(
    share, n_shares, starts, item_indptr, positions, items, first, last, weights, relevance,
    lengths, indices, gram, cross,
):  # fmt: skip
    n_items, n_heads = len(starts) - 1, len(weights)
    half = weights.dtype.type(0.5)
    place = np.full(n_items, -1, np.int64)
    for item in range(share, n_items, n_shares):
        start = starts[item]
        end = start
        for q in range(item_indptr[item], item_indptr[item + 1]):
            p = positions[q]
            for k in range(first[p], last[p] + 1):
                slot, end = _open(items[k], start, end, place, indices, gram, cross)
                target = relevance[p] if k != p else weights.dtype.type(0)
                for h in range(n_heads):
                    cross[slot, 0, h] += target * weights[h, k]
                    for g in range(n_heads):
                        gram[slot, g, h] += half * weights[g, p] * weights[h, k]
        lengths[item] = end - start


def pairs_of_prefixes(histories, weights, decays, norms, meetings, relevance, lookahead):
    """C'C and Y'C where rows are prefixes, and targets what follows: later entries discounted.

    Parameters
    ----------
    histories : Histories
    weights : ndarray of shape (n_heads, n_entries)
        Attention to an entry before decay and normaliser.
    decays : ndarray of shape (n_heads, n_entries)
        By what attention to earlier entries shrinks from the entry before to this one.
    norms, meetings : ndarray
        See :func:`~skattnrec._kernels.prefix.prefix_sums`.
    relevance : ndarray of shape (n_entries,)
        Target at the entry.
    lookahead : float
        In [0, 1): the s-th entry after the prefix has target ``lookahead ** (s - 1)``.

    Returns
    -------
    Pairs
        The row's item is the later one of each pair.
    """
    ahead = np.full((1, decays.shape[1]), lookahead, decays.dtype)
    reach = _reach(histories.indptr, np.concatenate([decays, ahead]))
    entries = np.arange(len(reach))
    has_past = entries > histories.indptr[histories.users]
    first = np.where(has_past, reach[entries - 1], entries)  # that of the prefix before the target
    starts = _row_bounds(histories, entries - first + 1)
    factors = decays, norms, meetings, np.array([lookahead], weights.dtype), weights, relevance
    return _run(_fill_prefixes, histories, starts, first, *factors)


@compiled
def _fill_prefixes(
    share, n_shares, starts, item_indptr, positions, items, first, decays, norms, meetings,
    lookahead, weights, relevance, lengths, indices, gram, cross,
):  # fmt: skip
    n_items, n_heads = len(starts) - 1, len(weights)
    place = np.full(n_items, -1, np.int64)
    later = np.empty((n_heads, n_heads), weights.dtype)
    factors = np.empty(n_heads, weights.dtype)
    votes = np.empty(n_heads, weights.dtype)
    for item in range(share, n_items, n_shares):
        start = starts[item]
        end = start
        for q in range(item_indptr[item], item_indptr[item + 1]):
            p = positions[q]
            votes[:] = 0
            discount = relevance[p]
            for g in range(n_heads):
                for h in range(n_heads):
                    later[g, h] = weights[g, p] * meetings[p, g, h]
            slot, end = _open(item, start, end, place, indices, gram, cross)
            for h in range(n_heads):  # an entry meets itself once: its half
                for g in range(n_heads):
                    gram[slot, g, h] += later[g, h] * weights[h, p] / 2
                factors[h] = decays[h, p]
            for k in range(p - 1, first[p] - 1, -1):
                slot, end = _open(items[k], start, end, place, indices, gram, cross)
                for h in range(n_heads):
                    votes[h] += norms[h, k] * discount  # of the prefix that ends at k
                    cross[slot, 0, h] += votes[h] * weights[h, k]
                    votes[h] *= decays[h, k]
                    earlier = factors[h] * weights[h, k]
                    for g in range(n_heads):
                        gram[slot, g, h] += later[g, h] * earlier
                    factors[h] *= decays[h, k]
                discount *= lookahead[0]
        lengths[item] = end - start
