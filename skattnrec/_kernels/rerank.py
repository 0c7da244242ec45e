"""Lists in another order: few of a group, places for what is to be tried, scores that fit.

Lists are arrays of shape (n_rows, m) of item columns, best first, with -1 at places that are empty.
Kernels return places of these lists, so that items and scores can be taken alike.
"""

from __future__ import annotations

import numpy as np

from ._compile import compiled, read_only
from ._parallel import run_workers
from .entries import mix

__all__ = ["deal_scores", "hash_sets", "limit_places", "promote_items"]

_STEP = np.uint64(0x9E3779B97F4A7C15)

# -- few of a group --------------------------------------------------------------------------------


def limit_places(
    indices: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    n_groups: int,
    most: int,
    k: int,
    *,
    defer: bool,
) -> np.ndarray:
    """Take items from the first to the last, at most ``most`` of each group.

    Parameters
    ----------
    indices : ndarray of shape (n_rows, m), intp
    groups : tuple of (indptr, indices)
        CSR pattern of the groups of each item, n_items x n_groups. An item may have none.
    n_groups, most, k : int
    defer : bool
        What is over the limit comes afterwards, again at most ``most`` of each group, and so on.
        False: it is left out.

    Returns
    -------
    ndarray of shape (n_rows, k), intp
        Places in the lists; -1 where nothing is left.
    """
    places = np.full((len(indices), k), -1, np.intp)
    indptr, members = groups
    pattern = read_only(indptr.astype(np.int64)), read_only(members.astype(np.int64))
    run_workers(
        _limit_rows, len(indices), read_only(indices), *pattern, n_groups, most, defer, places,
        work=10 * indices.size,
    )  # fmt: skip
    return places


@compiled
def _limit_rows(share, n_shares, indices, indptr, groups, n_groups, most, defer, places):
    n_listed, k = indices.shape[1], places.shape[1]
    counts, is_taken = np.zeros(n_groups, np.int64), np.empty(n_listed, np.bool_)
    for row in range(share, len(indices), n_shares):
        for place in range(n_listed):
            is_taken[place] = indices[row, place] < 0
        n_chosen, before = 0, -1
        while n_chosen < k and n_chosen > before:
            before = n_chosen
            counts[:] = 0
            for place in range(n_listed):
                if n_chosen == k or is_taken[place]:
                    continue
                item = indices[row, place]
                fits = True
                for p in range(indptr[item], indptr[item + 1]):
                    fits = fits and counts[groups[p]] < most
                if not fits:
                    continue
                for p in range(indptr[item], indptr[item + 1]):
                    counts[groups[p]] += 1
                is_taken[place] = True
                places[row, n_chosen] = place
                n_chosen += 1
            if not defer:
                break


# -- what is to be tried ---------------------------------------------------------------------------


def hash_sets(indptr: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Hash the set of columns of every row of a CSR pattern, (n_rows,) uint64."""
    hashes = np.empty(len(indptr) - 1, np.uint64)
    starts, columns = read_only(indptr.astype(np.int64)), read_only(indices.astype(np.uint64))
    run_workers(_hash_sets, len(hashes), starts, columns, hashes, work=len(indices))
    return hashes


@compiled
def _hash_sets(share, n_shares, indptr, columns, hashes):
    for row in range(share, len(hashes), n_shares):
        state = np.uint64(0)
        for p in range(indptr[row], indptr[row + 1]):
            # a sum, so that the order of the entries does not matter
            state += mix(_STEP * (columns[p] + np.uint64(1)))
        hashes[row] = mix(state + _STEP)


def promote_items(
    indices: np.ndarray,
    keys: np.ndarray,
    items: np.ndarray,
    hidden: tuple[np.ndarray, np.ndarray],
    positions: np.ndarray,
    share: float,
    seed: int,
    n_shown: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put items drawn at random at some positions of the lists of a share of the rows.

    Parameters
    ----------
    indices : ndarray of shape (n_rows, m), intp
    keys : ndarray of shape (n_rows,), uint64
        What, with the seed, decides of a row.
    items : ndarray of int
        To draw from.
    hidden : tuple of (indptr, indices)
        CSR pattern, sorted, n_rows x n_items, of what must not be drawn.
    positions : ndarray of int, ascending
        In a list that is shorter than a position, the item goes to its end.
    share : float
    seed : int
    n_shown : int
        Items among the first ``n_shown`` of a list are not drawn: they are shown anyway.

    Returns
    -------
    lists : ndarray of shape (n_rows, m), intp
        The lists with what was drawn; the others keep their order, and the last ones fall off.
    n_drawn : ndarray of shape (n_rows,)
        How many items a row is given if it is one of the share.
    n_eligible : ndarray of shape (n_rows,)
        How many they are drawn from.
    """
    lists = indices.copy()
    n_drawn, n_eligible = np.zeros(len(indices), np.int64), np.zeros(len(indices), np.int64)
    pattern = (part.astype(np.int64) for part in hidden)
    fixed = [read_only(part) for part in (indices, keys, items.astype(np.int64), *pattern)]
    run_workers(
        _promote_rows, len(indices), *fixed, read_only(positions.astype(np.int64)), share,
        np.uint64(seed), n_shown, lists, n_drawn, n_eligible,
        work=len(indices) * (len(items) * n_shown + indices.shape[1] * len(positions)),
    )  # fmt: skip
    return lists, n_drawn, n_eligible


@compiled
def _is_in(items, start, stop, item):
    """Tell whether an item is among sorted ones."""
    place = start + np.searchsorted(items[start:stop], item)
    return place < stop and items[place] == item


@compiled
def _promote_rows(
    share_number,
    n_shares,
    indices,
    keys,
    items,
    hidden_indptr,
    hidden_items,
    positions,
    share,
    seed,
    n_shown,
    lists,
    n_drawn,
    n_eligible,
):
    n_places = len(positions)
    draws, drawn = np.empty(n_places, np.uint64), np.empty(n_places, np.int64)
    for row in range(share_number, len(indices), n_shares):
        state = mix(mix(seed + _STEP) + _STEP * keys[row])
        size = 0
        for item in items:
            if _is_in(hidden_items, hidden_indptr[row], hidden_indptr[row + 1], item):
                continue
            is_shown = False
            for place in range(min(n_shown, indices.shape[1])):
                is_shown = is_shown or indices[row, place] == item
            if is_shown:
                continue
            n_eligible[row] += 1
            # the smallest numbers are drawn, in their order
            number = mix(state + _STEP * (np.uint64(item) + np.uint64(1)))
            place = size
            while place > 0 and draws[place - 1] > number:
                place -= 1
            if place == n_places:
                continue
            size = min(size + 1, n_places)
            for later in range(size - 1, place, -1):
                draws[later], drawn[later] = draws[later - 1], drawn[later - 1]
            draws[place], drawn[place] = number, item
        n_drawn[row] = size
        if np.float64(mix(state) >> np.uint64(11)) * 2.0**-53 < share:
            _insert(indices[row], drawn[:size], positions, lists[row])


@compiled
def _insert(own, drawn, positions, listed):
    """Write the own items of a list, and those drawn at their positions."""
    n_own = 0
    for item in own:
        n_own += item >= 0
    n_given, source = 0, 0
    for rank in range(len(listed)):
        while source < n_own and (drawn == own[source]).any():
            source += 1
        is_due = n_given < len(drawn) and (rank >= positions[n_given] or source >= n_own)
        if is_due:
            listed[rank] = drawn[n_given]
            n_given += 1
        elif source < n_own:
            listed[rank] = own[source]
            source += 1
        else:
            listed[rank] = -1


# -- scores that fit the order ---------------------------------------------------------------------


def deal_scores(scores: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    """Give the items of new lists the scores of the old ones, in place, best first.

    Where equal scores would bring items into another order, the later ones get slightly lower
    scores.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_items)
    before : ndarray of shape (n_rows, m), intp
        The best items by these scores, ties to the lower index; -1 at places that are empty.
    after : ndarray of shape (n_rows, m), intp
        The items that shall be the best, in their order. Those that were and are not any more
        keep their scores.
    """
    run_workers(
        _deal_rows, len(scores), read_only(before), read_only(after), scores, work=before.size
    )


@compiled
def _deal_rows(share, n_shares, before, after, scores):
    n_listed = before.shape[1]
    dealt = np.empty(n_listed, scores.dtype)
    lowest = scores.dtype.type(-np.inf)
    for row in range(share, len(before), n_shares):
        for rank in range(n_listed):
            if before[row, rank] >= 0:
                dealt[rank] = scores[row, before[row, rank]]
        for rank in range(n_listed):
            if before[row, rank] < 0 or after[row, rank] < 0:
                break
            value = dealt[rank]
            if rank > 0:
                last, item = scores[row, after[row, rank - 1]], after[row, rank]
                if value > last or (value == last and item < after[row, rank - 1]):
                    value = np.nextafter(last, lowest)
            scores[row, after[row, rank]] = value
