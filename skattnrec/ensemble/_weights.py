"""Weights of scores that are added up, by which what was held out is listed first."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import scipy.sparse as sp

from .._kernels.topk import mask_entries, top_k

__all__ = ["choices_of_block", "find_weights", "simplex"]

_LENGTH = 10  # of the lists that are judged
_N_LISTED = 50  # best items of each member: what could be listed by a blend
_MOST_POINTS = 300  # weights that are tried
_FINEST = 20  # steps from no weight to all of it


def choices_of_block(
    scores: list[np.ndarray], history: sp.csr_array, held_out: sp.csr_array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Collect the items that blends could list, and which of them were held out.

    Parameters
    ----------
    scores : list of ndarray of shape (n_rows, n_items)
        Standardised scores of each member.
    history, held_out : csr_array of shape (n_rows, n_items)

    Returns
    -------
    values : ndarray of shape (n_rows, n_choices, n_members), float32
        Scores of the best items of any member; -inf where a row has fewer than others.
    wanted : ndarray of shape (n_rows, n_choices), bool
        Which ones were held out.
    n_wanted : ndarray of shape (n_rows,)
        How many were held out of each row, among the choices or not.
    """
    n_rows, n_items = history.shape
    is_choice = np.zeros((n_rows, n_items), np.bool_)
    for member in scores:
        masked = member.copy()
        mask_entries(masked, history.indptr, history.indices)
        best, _ = top_k(masked, None, min(_N_LISTED, n_items))
        row, place = np.nonzero(best >= 0)
        is_choice[row, best[row, place]] = True
    is_wanted = np.zeros((n_rows, n_items), np.bool_)
    n_wanted = np.diff(held_out.indptr)
    is_wanted[np.repeat(np.arange(n_rows), n_wanted), held_out.indices] = True
    row, item = np.nonzero(is_choice)
    counts = is_choice.sum(axis=1)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = n_rows, len(scores) * min(_N_LISTED, n_items)
    values = np.full((*shape, len(scores)), -np.inf, np.float32)
    values[row, place] = np.stack([member[row, item] for member in scores], axis=1)
    wanted = np.zeros(shape, np.bool_)
    wanted[row, place] = is_wanted[row, item]
    return values, wanted, n_wanted


def find_weights(values: np.ndarray, wanted: np.ndarray, n_wanted: np.ndarray) -> np.ndarray:
    """Find the weights of the best NDCG@10.

    Weights on a grid are tried. The result is the mean of those that are not worse than the best by
    more than a standard error over rows: near equal weights where little speaks for any.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_choices, n_members)
    wanted : ndarray of shape (n_rows, n_choices), bool
    n_wanted : ndarray of shape (n_rows,)
        At least 1.

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative; their sum is 1.
    """
    points = simplex(values.shape[2])
    found = np.stack([_ndcg(values, wanted, n_wanted, weights) for weights in points])
    best = found[np.argmax(found.mean(axis=1))]
    worse = best - found  # (n_points, n_rows)
    errors = worse.std(axis=1) / np.sqrt(len(n_wanted))
    return points[worse.mean(axis=1) <= errors].mean(axis=0)


def simplex(n_members: int) -> np.ndarray:
    """List weights of sum 1 on a grid, (n_points, n_members), as fine as time allows for."""
    finest = (n for n in range(_FINEST, 1, -1) if comb(n + n_members - 1, n) <= _MOST_POINTS)
    n_steps = next(finest, 1)
    bars = np.array(list(combinations(range(n_steps + n_members - 1), n_members - 1)), np.int64)
    bars = bars.reshape(comb(n_steps + n_members - 1, n_steps), n_members - 1)
    ends = np.ones((len(bars), 1), np.int64)
    edges = np.hstack([-ends, bars, ends * (n_steps + n_members - 1)])
    return (np.diff(edges, axis=1) - 1) / n_steps


def _ndcg(
    values: np.ndarray, wanted: np.ndarray, n_wanted: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """NDCG@10 of each row for a weighted sum; items without score come last."""
    used = np.flatnonzero(weights)
    total = values[:, :, used] @ weights[used].astype(np.float32)
    length = min(_LENGTH, total.shape[1])
    order = np.argsort(-total, axis=1, kind="stable")[:, :length]
    discounts = 1 / np.log2(np.arange(2, _LENGTH + 2))
    hits = np.take_along_axis(wanted, order, axis=1)
    return hits @ discounts[:length] / np.cumsum(discounts)[np.minimum(n_wanted, _LENGTH) - 1]
