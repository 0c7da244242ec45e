"""C'C and C'Y as sums over pairs of entries of one history, sparse, an item at a time.

Rows of C hold the attention weights of all heads over a history (or a prefix of one), rows of Y
what should be recommended. Both products are sparse where the catalogue is large. A worker takes
one item after the other, visits what stands before it in the histories, and adds up a row of
blocks, one number for each pair of heads.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ._parallel import parallel

__all__ = ["gram_of_pairs", "next_item_cross", "same_row_cross"]

_STRIPS = 64  # items are dealt out in strides, as popular ones may stand together
_NEGLIGIBLE = 1e-7  # attention below this, relative to the later entry of a pair, is cut


@parallel
def _reach(indptr, decays):
    """First entry to which any head's attention is not negligible, for each entry."""
    n_heads, n_entries = decays.shape
    first = np.arange(n_entries)
    limit = -np.log(_NEGLIGIBLE)
    for user in prange(len(indptr) - 1):
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
    return first


def _first_partners(histories, decays):
    if (decays == 1).all():
        return histories.indptr[histories.users]
    return _reach(histories.indptr, decays)


def _row_bounds(histories, n_partners):
    """Where rows may start if no item is met twice: room that is reserved, not yet used."""
    n_items = len(histories.item_indptr) - 1
    of_item = np.bincount(histories.items, n_partners, minlength=n_items)
    return np.concatenate([[0], np.cumsum(np.minimum(of_item, n_items).astype(np.int64))])


@parallel
def _close_ranks(starts, lengths, indices, blocks):
    """Move the used parts of rows together."""
    indptr = np.zeros(len(lengths) + 1, np.int64)
    indptr[1:] = np.cumsum(lengths)
    moved = np.empty(indptr[-1], np.int32)
    moved_blocks = np.empty((indptr[-1], *blocks.shape[1:]), blocks.dtype)
    for strip in prange(_STRIPS):
        for row in range(strip, len(lengths), _STRIPS):
            for q in range(lengths[row]):
                moved[indptr[row] + q] = indices[starts[row] + q]
                moved_blocks[indptr[row] + q] = blocks[starts[row] + q]
    return indptr, moved, moved_blocks


def gram_of_pairs(histories, weights, decays, meetings):
    """Half of C'C, which is this plus its transpose, in blocks of heads.

    Parameters
    ----------
    histories : Histories
    weights : ndarray of shape (n_heads, n_entries)
        Attention to an entry before decay and normaliser.
    decays : ndarray of shape (n_heads, n_entries)
        By what attention to earlier entries shrinks from the entry before to this one.
    meetings : ndarray of shape (n_entries, n_heads, n_heads)
        What the pairs whose later entry this is are multiplied with; see
        :mod:`~skattnrec._kernels.prefix`.

    Returns
    -------
    indptr : ndarray of shape (n_items + 1,)
    indices : ndarray of shape (n_blocks,), int32
        For each item, the items before it in a history, and itself; not sorted.
    blocks : ndarray of shape (n_blocks, n_heads, n_heads)
        ``[b, g, h]`` is the product of head g of the row's item and head h of the column's where
        the row's item is later, and half of it where both are the same entry.
    """
    first = _first_partners(histories, decays)
    starts = _row_bounds(histories, np.arange(len(first)) - first + 1)
    places = histories.item_indptr, histories.positions, histories.items
    filled = _fill_gram(starts, *places, first, weights, decays, meetings)
    return _close_ranks(starts, *filled)


@parallel
def _fill_gram(starts, item_indptr, positions, items, first, weights, decays, meetings):
    n_items, n_heads = len(starts) - 1, len(weights)
    lengths = np.zeros(n_items, np.int64)
    indices = np.empty(starts[-1], np.int32)
    blocks = np.empty((starts[-1], n_heads, n_heads), weights.dtype)
    for strip in prange(_STRIPS):
        place = np.full(n_items, -1, np.int64)
        later = np.empty((n_heads, n_heads), weights.dtype)
        factors = np.empty(n_heads, weights.dtype)
        for item in range(strip, n_items, _STRIPS):
            start = starts[item]
            end = start
            for q in range(item_indptr[item], item_indptr[item + 1]):
                p = positions[q]
                for g in range(n_heads):
                    factors[g] = 0.5  # of the entry with itself, which is met once
                    for h in range(n_heads):
                        later[g, h] = weights[g, p] * meetings[p, g, h]
                for k in range(p, first[p] - 1, -1):
                    other = items[k]
                    slot = place[other]
                    if slot < start:
                        slot = end
                        place[other] = slot
                        indices[slot] = other
                        blocks[slot] = 0
                        end += 1
                    for h in range(n_heads):
                        earlier = factors[h] * weights[h, k]
                        for g in range(n_heads):
                            blocks[slot, g, h] += later[g, h] * earlier
                        factors[h] *= decays[h, k] * (2 if k == p else 1)
            lengths[item] = end - start
    return lengths, indices, blocks


def same_row_cross(histories, weights, relevance):
    """Y'C without the diagonal, where a row's targets are its own entries.

    Parameters
    ----------
    histories : Histories
    weights : ndarray of shape (n_heads, n_entries)
        Attention of the row to the entry.
    relevance : ndarray of shape (n_entries,)
        Target at the entry.

    Returns
    -------
    indptr, indices : ndarray
        By target item, the items that vote; not sorted.
    blocks : ndarray of shape (n_blocks, 1, n_heads)
    """
    first = histories.indptr[histories.users]
    last = histories.indptr[histories.users + 1] - 1
    starts = _row_bounds(histories, last - first)
    places = histories.item_indptr, histories.positions, histories.items
    filled = _fill_same_row(starts, *places, first, last, weights, relevance)
    return _close_ranks(starts, *filled)


@parallel
def _fill_same_row(starts, item_indptr, positions, items, first, last, weights, relevance):
    n_items, n_heads = len(starts) - 1, len(weights)
    lengths = np.zeros(n_items, np.int64)
    indices = np.empty(starts[-1], np.int32)
    blocks = np.empty((starts[-1], 1, n_heads), weights.dtype)
    for strip in prange(_STRIPS):
        place = np.full(n_items, -1, np.int64)
        for item in range(strip, n_items, _STRIPS):
            start = starts[item]
            end = start
            for q in range(item_indptr[item], item_indptr[item + 1]):
                p = positions[q]
                for k in range(first[p], last[p] + 1):
                    other = items[k]
                    if other == item:
                        continue
                    slot = place[other]
                    if slot < start:
                        slot = end
                        place[other] = slot
                        indices[slot] = other
                        blocks[slot] = 0
                        end += 1
                    for h in range(n_heads):
                        blocks[slot, 0, h] += relevance[p] * weights[h, k]
            lengths[item] = end - start
    return lengths, indices, blocks


def next_item_cross(histories, weights, decays, norms, relevance, lookahead):
    """Y'C, where the target of a prefix is the next entry, and later ones discounted.

    Parameters
    ----------
    histories : Histories
    weights, decays, norms : ndarray of shape (n_heads, n_entries)
        See :func:`~skattnrec._kernels.prefix.prefix_sums`.
    relevance : ndarray of shape (n_entries,)
        Target at the entry.
    lookahead : float
        In [0, 1): the s-th entry after the prefix has target ``lookahead ** (s - 1)``.

    Returns
    -------
    indptr, indices : ndarray
        By target item, the items that vote; not sorted.
    blocks : ndarray of shape (n_blocks, 1, n_heads)
    """
    ahead = np.full((1, decays.shape[1]), lookahead, decays.dtype)
    reach = _first_partners(histories, np.concatenate([decays, ahead]))
    entries = np.arange(len(reach))
    has_past = entries > histories.indptr[histories.users]
    first = np.where(has_past, reach[entries - 1], entries)  # that of the prefix before the target
    starts = _row_bounds(histories, entries - first)
    places = histories.item_indptr, histories.positions, histories.items
    filled = _fill_next_item(
        starts, *places, first, weights, decays, norms, relevance, weights.dtype.type(lookahead)
    )
    return _close_ranks(starts, *filled)


@parallel
def _fill_next_item(
    starts, item_indptr, positions, items, first, weights, decays, norms, relevance, lookahead
):
    n_items, n_heads = len(starts) - 1, len(weights)
    lengths = np.zeros(n_items, np.int64)
    indices = np.empty(starts[-1], np.int32)
    blocks = np.empty((starts[-1], 1, n_heads), weights.dtype)
    for strip in prange(_STRIPS):
        place = np.full(n_items, -1, np.int64)
        votes = np.empty(n_heads, weights.dtype)
        for item in range(strip, n_items, _STRIPS):
            start = starts[item]
            end = start
            for q in range(item_indptr[item], item_indptr[item + 1]):
                p = positions[q]
                votes[:] = 0
                discount = relevance[p]
                for k in range(p - 1, first[p] - 1, -1):
                    other = items[k]
                    slot = place[other]
                    if slot < start:
                        slot = end
                        place[other] = slot
                        indices[slot] = other
                        blocks[slot] = 0
                        end += 1
                    for h in range(n_heads):
                        votes[h] += norms[h, k] * discount  # of the prefix that ends at k
                        blocks[slot, 0, h] += votes[h] * weights[h, k]
                        votes[h] *= decays[h, k]
                    discount *= lookahead
            lengths[item] = end - start
    return lengths, indices, blocks
