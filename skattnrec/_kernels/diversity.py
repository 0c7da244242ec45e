"""Unlike items: one after the other is chosen, as relevant and as unlike those before as can be.

Lists are arrays of shape (n_rows, m) of item columns, best first, with -1 at places that are empty.
Kernels return places of these lists, so that items and scores can be taken alike.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ._compile import compiled, csr_arrays, read_only
from ._parallel import run_workers

__all__ = ["diversify_places"]

CSR: TypeAlias = "tuple[np.ndarray, np.ndarray, np.ndarray]"


def diversify_places(
    indices: np.ndarray,
    relevance: np.ndarray,
    weight: float,
    likeness: np.ndarray | tuple[CSR, CSR, int],
    k: int,
    *,
    add_up: bool,
) -> np.ndarray:
    """Choose one item after the other, each as relevant and as unlike those before as can be.

    Parameters
    ----------
    indices : ndarray of shape (n_rows, m), intp
    relevance : ndarray of shape (n_rows, m)
    weight : float in [0, 1]
        Of the likeness to the items chosen before; relevance has the rest.
    likeness : ndarray of shape (n_items, n_items), or tuple (left, right, n_columns)
        Of item i, chosen, to item j, a candidate: ``likeness[i, j]``, or the product of row i of
        ``left`` and row j of ``right``, CSR arrays (indptr, indices, data) of two matrices of shape
        (n_items, n_columns).
    k : int
    add_up : bool
        Count the likeness to all items chosen before, or else to the most alike of them.

    Returns
    -------
    ndarray of shape (n_rows, k), intp
        Places in the lists, -1 where there is nothing left. Of equals the first one is chosen.
    """
    places = np.full((len(indices), k), -1, np.intp)
    lists = read_only(indices), read_only(relevance.astype(np.float64, copy=False))
    given = *lists, float(weight), add_up
    if isinstance(likeness, np.ndarray):
        work = indices.size * k
        run_workers(
            _diversify_by_table, len(indices), *given, read_only(likeness), places, work=work
        )
        return places
    left, right, n_columns = likeness
    parts: list[np.ndarray] = []
    for indptr, columns, data in (left, right):
        data = data.astype(np.float64, copy=False)
        parts += csr_arrays(indptr.astype(np.int64, copy=False), columns, data)
    run_workers(_diversify_by_product, len(indices), *given, *parts, n_columns, places)
    return places


@compiled(inline="always")
def _count(before, likeness, add_up):
    """Likeness to the items chosen so far, and one more."""
    return before + likeness if add_up else max(before, likeness)


@compiled
def _choose(indices, relevance, counted, weight, is_taken, is_first):
    """Place of the best item that is left; -1 if there is none."""
    best, chosen = -np.inf, -1
    for place in range(len(indices)):
        if indices[place] < 0 or is_taken[place]:
            continue
        value = (1 - weight) * relevance[place]
        if not is_first:
            value -= weight * counted[place]
        if chosen < 0 or value > best:
            best, chosen = value, place
    return chosen


@compiled
def _diversify_by_table(share, n_shares, indices, relevance, weight, add_up, likeness, places):
    n_listed = indices.shape[1]
    counted, is_taken = np.empty(n_listed), np.empty(n_listed, np.bool_)
    for row in range(share, len(indices), n_shares):
        counted[:], is_taken[:] = 0.0 if add_up else -np.inf, False
        for rank in range(places.shape[1]):
            chosen = _choose(indices[row], relevance[row], counted, weight, is_taken, rank == 0)
            if chosen < 0:
                break
            places[row, rank] = chosen
            is_taken[chosen] = True
            item = indices[row, chosen]
            for place in range(n_listed):
                other = indices[row, place]
                if other >= 0 and not is_taken[place]:
                    counted[place] = _count(counted[place], likeness[item, other], add_up)


@compiled
def _diversify_by_product(
    share,
    n_shares,
    indices,
    relevance,
    weight,
    add_up,
    left_indptr,
    left_indices,
    left_data,
    right_indptr,
    right_indices,
    right_data,
    n_columns,
    places,
):
    n_listed = indices.shape[1]
    counted, is_taken = np.empty(n_listed), np.empty(n_listed, np.bool_)
    spread = np.zeros(n_columns)  # the chosen item's row of left, as a dense vector
    for row in range(share, len(indices), n_shares):
        counted[:], is_taken[:] = 0.0 if add_up else -np.inf, False
        for rank in range(places.shape[1]):
            chosen = _choose(indices[row], relevance[row], counted, weight, is_taken, rank == 0)
            if chosen < 0:
                break
            places[row, rank] = chosen
            is_taken[chosen] = True
            item = indices[row, chosen]
            for p in range(left_indptr[item], left_indptr[item + 1]):
                spread[left_indices[p]] = left_data[p]
            for place in range(n_listed):
                other = indices[row, place]
                if other < 0 or is_taken[place]:
                    continue
                product = 0.0
                for p in range(right_indptr[other], right_indptr[other + 1]):
                    product += right_data[p] * spread[right_indices[p]]
                counted[place] = _count(counted[place], product, add_up)
            for p in range(left_indptr[item], left_indptr[item + 1]):
                spread[left_indices[p]] = 0.0
