"""From interactions at numbered rows and columns to one sparse matrix without duplicates.

Places in the matrix are counted row by row: ``row * n_columns + column``.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

__all__ = ["assemble_csr", "group", "merge"]


def group(places: np.ndarray, times: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Sort interactions by place, and those of one place by time, then by their order.

    Parameters
    ----------
    places : ndarray of shape (n_interactions,), int64
        Negative ones are left out.
    times : ndarray of shape (n_interactions,) or None
        None leaves the interactions of one place in their order.

    Returns
    -------
    order : ndarray of shape (n,)
        The numbers of the interactions, sorted.
    starts : ndarray of shape (n_places,)
        Where in ``order`` each distinct place begins.
    """
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    n_left_out = np.searchsorted(ordered, 0)
    order, ordered = order[n_left_out:], ordered[n_left_out:]
    is_start = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_start[1:])
    starts = np.flatnonzero(is_start)
    if times is not None and len(starts) < len(order):
        lengths = np.diff(np.append(starts, len(order)))
        shared = np.repeat(lengths > 1, lengths)  # sorting by two keys is slow: only where needed
        order[shared] = order[shared][np.lexsort((times[order[shared]], ordered[shared]))]
    return order, starts


def merge(
    values: np.ndarray | None, order: np.ndarray, starts: np.ndarray, policy: str
) -> np.ndarray:
    """Make one value of all interactions at a place.

    Parameters
    ----------
    values : ndarray of shape (n_interactions,) or None
        None stands for ones.
    order, starts : ndarray
        From :func:`group`.
    policy : {"last", "sum", "mean", "max", "error"}
        "error" promises that no place is repeated.

    Returns
    -------
    ndarray of shape (n_places,)
        In the order of the places.
    """
    lengths = np.diff(np.append(starts, len(order)))
    if values is None:
        return lengths if policy == "sum" else np.ones(len(starts))
    values = values[order]
    if len(starts) == len(order):
        return values
    if policy == "max":
        return np.maximum.reduceat(values, starts)
    if policy in ("sum", "mean"):
        totals = np.add.reduceat(values, starts, dtype=np.float64)
        return totals / lengths if policy == "mean" else totals
    return values[starts + lengths - 1]


def assemble_csr(places: np.ndarray, data: np.ndarray, shape: tuple[int, int]) -> sp.csr_array:
    """Make a canonical CSR array of values at distinct, ascending places."""
    fits = max(len(places), *shape) <= np.iinfo(np.int32).max
    index_type = np.int32 if fits else np.int64
    indices = (places % shape[1]).astype(index_type)
    bounds = np.arange(shape[0] + 1, dtype=np.int64) * shape[1]
    indptr = np.searchsorted(places, bounds).astype(index_type)
    return sp.csr_array((data, indices, indptr), shape=shape)
