r"""Ridge regression of each item on a few others, its support; many small systems in parallel.

For target i with support :math:`S_i` (never i itself) the votes solve

.. math:: (C_S^\top C_S + D_{SS}) \, v_i = C_S^\top y_i

with the penalty D of :mod:`~skattnrec._kernels.ridge`. With all other items as support this is its
solution: leaving an item out of its own regression is what its constraint says.

The blocks of C'C that a support needs are gathered from a sparse triangle. Each pair of items is
kept in the row of the less popular one, so that no row is longer than the item has partners that
are more popular: the rows of popular items, which are in many supports, are short. A row that is
well filled has a place for all of them, and none needs to be looked for.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers
from .cholesky import factorize, substitute
from .topk import keep

__all__ = ["keep_by_rank", "select_supports", "solve_supports"]

_FULL = 0.3  # of the items of lower rank: a row with as many elements has a place for each of them


def select_supports(indptr, indices, blocks, strength, n_neighbors):
    """Choose the items that vote for each target.

    Parameters
    ----------
    indptr, indices, blocks : ndarray
        Y'C by target; see :mod:`~skattnrec._kernels.pairs`.
    strength : ndarray of shape (n_items, n_heads)
        What co-occurrence with an item is multiplied with before it is summed over heads.
    n_neighbors : int
        Size of a support. At least ``n_items - 1``: all other items, whether they co-occur or not.

    Returns
    -------
    supports : ndarray of shape (n_items, n_neighbors), int32
        Item columns; -1 where there are fewer.
    cross : ndarray of shape (n_items, n_neighbors, n_heads)
        Their entries of Y'C.
    """
    n_items, n_heads = len(indptr) - 1, blocks.shape[2]
    supports = np.full((n_items, n_neighbors), -1, np.int32)
    cross = np.zeros((n_items, n_neighbors, n_heads), blocks.dtype)
    inputs = (*csr_arrays(indptr, indices, blocks), read_only(strength))
    run_workers(_select, n_items, *inputs, supports, cross, work=8 * blocks.size)
    return supports, cross


@compiled
def _select(share, n_shares, indptr, indices, blocks, strength, supports, cross):
    n_items, n_neighbors, n_heads = cross.shape
    votes = np.empty(n_neighbors, blocks.dtype)
    place = np.full(n_items, -1, np.int32)
    for item in range(share, n_items, n_shares):
        size = 0
        if n_neighbors >= n_items - 1:
            for j in range(n_items):
                if j != item:
                    supports[item, size] = j
                    size += 1
        else:
            for q in range(indptr[item], indptr[item + 1]):
                if indices[q] == item:
                    continue
                vote = blocks.dtype.type(0)
                for h in range(n_heads):
                    vote += blocks[q, 0, h] * strength[indices[q], h]
                size = keep(votes, supports[item], size, vote, indices[q])
        for m in range(size):
            place[supports[item, m]] = m
        for q in range(indptr[item], indptr[item + 1]):
            m = place[indices[q]]
            if m >= 0:
                for h in range(n_heads):
                    cross[item, m, h] = blocks[q, 0, h]
        for m in range(size):
            place[supports[item, m]] = -1


def keep_by_rank(indptr, indices, blocks, rank, scale):
    """Add up C'C from its half, each pair of items in the row of the one of higher rank.

    Parameters
    ----------
    indptr, indices, blocks : ndarray
        Half of C'C; see :class:`~skattnrec._kernels.pairs.Pairs`.
    rank : ndarray of shape (n_items,)
        0 for the most popular item.
    scale : ndarray of shape (n_items, n_heads)
        What the columns of C are multiplied with.

    Returns
    -------
    starts, lengths : ndarray of shape (n_items,)
        Where the row of each item begins, and how many partners it lists.
    is_full : ndarray of shape (n_items,), bool
        A full row lists nothing: the block of each item of lower rank stands at
        ``starts[i] + rank[j]``.
    partners : ndarray, int32
        Items of lower rank that are met, in the order of the blocks.
    blocks : ndarray of shape (len(partners), n_heads, n_heads)
    diagonal : ndarray of shape (n_items, n_heads, n_heads)
    """
    n_items, n_heads = len(rank), blocks.shape[1]
    indptr, indices, blocks = csr_arrays(indptr, indices, blocks)
    rank, scale = read_only(rank), read_only(scale)
    *columns, room = _by_column(indptr, indices, rank)
    is_full = room >= _FULL * rank
    starts = np.zeros(n_items + 1, np.int64)
    np.cumsum(np.where(is_full, rank, room), out=starts[1:])
    lengths = np.zeros(n_items, np.int64)
    partners = np.empty(starts[-1], np.int32)
    merged = np.zeros((starts[-1], n_heads, n_heads), blocks.dtype)
    diagonal = np.zeros((n_items, n_heads, n_heads), blocks.dtype)
    half = indptr, indices, blocks, tuple(columns)
    triangle = starts[:-1], lengths, is_full, partners, merged
    run_workers(_merge_rows, n_items, half, rank, scale, triangle, diagonal, work=4 * blocks.size)
    return *triangle, diagonal


@compiled
def _by_column(indptr, indices, rank):
    """Rows and places of the elements, column by column, and the elements for each triangle row."""
    n_items = len(indptr) - 1
    starts = np.zeros(n_items + 1, np.int64)
    for j in indices:
        starts[j + 1] += 1
    starts = np.cumsum(starts)
    free = starts[:-1].copy()
    rows = np.empty(len(indices), np.int32)
    places = np.empty(len(indices), np.int64)
    room = np.zeros(n_items, np.int64)
    for i in range(n_items):
        for q in range(indptr[i], indptr[i + 1]):
            j = indices[q]
            rows[free[j]], places[free[j]] = i, q
            free[j] += 1
            if j != i:
                room[i if rank[i] > rank[j] else j] += 1
    return starts, rows, places, room


@compiled
def _merge_rows(share, n_shares, half, rank, scale, triangle, diagonal):
    """Fill the triangle of :func:`keep_by_rank`, a row at a time."""
    indptr, indices, blocks, columns = half
    column_starts, column_rows, column_places = columns
    starts, lengths, is_full, partners, merged = triangle
    n_items, n_heads = scale.shape
    place = np.full(n_items, -1, np.int64)
    for i in range(share, n_items, n_shares):
        start = starts[i]
        end = start
        n_own = indptr[i + 1] - indptr[i]
        n_found = n_own + column_starts[i + 1] - column_starts[i]
        for m in range(n_found):
            is_own = m < n_own
            if is_own:
                q = indptr[i] + m
                j = indices[q]
            else:
                q = column_places[column_starts[i] + m - n_own]
                j = column_rows[column_starts[i] + m - n_own]
            if rank[j] > rank[i]:
                continue
            if j == i:  # met in its row and in its column: the half and its transpose
                for g in range(n_heads):
                    for h in range(n_heads):
                        product = blocks[q, g, h] if is_own else blocks[q, h, g]
                        diagonal[i, g, h] += scale[i, g] * product * scale[i, h]
                continue
            if is_full[i]:
                slot = start + rank[j]
            else:
                slot = place[j]
                if slot < start:
                    slot = end
                    place[j] = slot
                    partners[slot] = j
                    end += 1
            for g in range(n_heads):
                for h in range(n_heads):
                    product = blocks[q, g, h] if is_own else blocks[q, h, g]
                    merged[slot, g, h] += scale[i, g] * product * scale[j, h]
        lengths[i] = end - start


@compiled
def _gather(support, rank, triangle, place, system):
    """Fill the lower triangle of C'C between the items of a support, its diagonal left out."""
    starts, lengths, is_full, partners, blocks = triangle
    n_heads = blocks.shape[1]
    for a in range(len(support)):
        j = support[a]
        top = a * n_heads
        if is_full[j]:
            for b in range(a):
                q = starts[j] + rank[support[b]]
                for g in range(n_heads):
                    for h in range(n_heads):
                        system[top + g, b * n_heads + h] = blocks[q, g, h]
            continue
        for q in range(starts[j], starts[j] + lengths[j]):
            b = place[partners[q]]
            if b < 0:
                continue
            for g in range(n_heads):
                for h in range(n_heads):
                    system[top + g, b * n_heads + h] = blocks[q, g, h]


def solve_supports(supports, cross, rank, triangle, diagonal, regularization, dropout):
    """Solve the regression of the module docstring for all targets.

    Parameters
    ----------
    supports, cross : ndarray
        From :func:`select_supports`, supports by ascending rank.
    rank : ndarray of shape (n_items,)
    triangle, diagonal : tuple of ndarray, ndarray
        C'C from :func:`keep_by_rank`.
    regularization : float
        The penalty lambda, on all votes alike.
    dropout : float
        Probability p that an entry is dropped from a history, with its weights in all heads.

    Returns
    -------
    ndarray of shape (n_items, n_neighbors, n_heads)
        The vote of each supporting item for the target; NaN where there is no factorization.
    """
    values = np.zeros_like(cross)
    penalty = cross.dtype.type(regularization), cross.dtype.type(1 - dropout)
    triangle = tuple(read_only(part) for part in triangle)
    inputs = tuple(read_only(part) for part in (supports, cross, rank, diagonal))
    run_workers(_solve, len(cross), inputs, triangle, penalty, values)
    return values


@compiled
def _solve(share, n_shares, inputs, triangle, penalty, values):
    supports, cross, rank, diagonal = inputs
    regularization, kept = penalty
    n_items, n_neighbors, n_heads = cross.shape
    place = np.full(n_items, -1, np.int32)
    for item in range(share, n_items, n_shares):
        size = 0
        while size < n_neighbors and supports[item, size] >= 0:
            place[supports[item, size]] = size
            size += 1
        if size == 0:
            continue
        support = supports[item, :size]
        system = np.zeros((size * n_heads, size * n_heads), cross.dtype)
        _gather(support, rank, triangle, place, system)
        for a in range(size):
            top = a * n_heads
            for g in range(n_heads):
                for h in range(n_heads):
                    system[top + g, top + h] = diagonal[support[a], g, h] / kept
                system[top + g, top + g] += regularization
            place[support[a]] = -1
        votes = cross[item, :size].copy().reshape(size * n_heads)
        factor = factorize(system)
        if len(factor) > 0:
            substitute(factor, votes)
        else:
            votes[:] = np.nan
        values[item, :size] = votes.reshape(size, n_heads)
