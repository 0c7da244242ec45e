r"""The fewest entries whose absence lets enough rivals get ahead, where what entries add is fixed.

Rival r leads by :math:`g_r` and gains :math:`d_{rj}` when entry j is gone, so that without the set
S it is ahead if

.. math:: g_r + \sum_{j \in S} d_{rj} > 0.

Asked for is the smallest S for which at least m rivals are ahead. What a single rival needs bounds
the size of S from below; the set itself is the solution of an integer programme.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

__all__ = ["Smallest", "greedy_order", "least_sizes", "smallest_set"]

_SOLVED, _INFEASIBLE = 0, 2  # of scipy.optimize.milp


class Smallest(NamedTuple):
    """What a search for the smallest set found."""

    entries: np.ndarray | None  # ascending; None if nothing was found
    lower_bound: int  # no smaller set will do
    is_exhausted: bool  # whether there is none, or none smaller, for certain


def least_sizes(lead: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Count the entries that have to go for each rival to get ahead, were there no others.

    Parameters
    ----------
    lead : ndarray of shape (n_rivals,)
    gains : ndarray of shape (n_rivals, n_entries)

    Returns
    -------
    ndarray of shape (n_rivals,), intp
        ``n_entries + 1`` for those that never do.
    """
    n_entries = gains.shape[1]
    largest = -np.sort(-gains, axis=1)
    reached = lead[:, None] + np.cumsum(np.maximum(largest, 0), axis=1)
    ahead = np.hstack([lead[:, None], reached]) > 0
    return np.where(ahead.any(axis=1), ahead.argmax(axis=1), n_entries + 1)


def greedy_order(lead: np.ndarray, gains: np.ndarray, needed: int) -> np.ndarray:
    """Order entries by what brings the rivals that are next to get ahead forward most.

    Parameters
    ----------
    lead : ndarray of shape (n_rivals,)
    gains : ndarray of shape (n_rivals, n_entries)
    needed : int
        How many rivals have to be ahead; at most ``n_rivals``.

    Returns
    -------
    ndarray of shape (n_entries,), intp
    """
    lead, order = lead.copy(), []
    left = np.ones(gains.shape[1], bool)
    while left.any():
        near = np.argpartition(-lead, needed - 1)[:needed]
        after = lead[near, None] + gains[near]  # (needed, n_entries)
        short = np.minimum(after, 0).sum(axis=0)
        # once all are ahead, the one that is ahead least counts
        progress = np.where(short < 0, short, after.min(axis=0, initial=np.inf))
        progress[~left] = -np.inf
        chosen = int(progress.argmax())
        left[chosen] = False
        order.append(chosen)
        lead += gains[:, chosen]
    return np.array(order, dtype=np.intp)


def smallest_set(
    lead: np.ndarray,
    gains: np.ndarray,
    needed: int,
    at_most: int,
    failed: list[np.ndarray],
    max_nodes: int,
) -> Smallest:
    """Find the smallest set of at most so many entries, or show that there is none.

    Parameters
    ----------
    lead : ndarray of shape (n_rivals,)
    gains : ndarray of shape (n_rivals, n_entries)
    needed, at_most : int
    failed : list of ndarray
        Sets that are no answer, whatever the numbers say.
    max_nodes : int
        After how many nodes of the search tree to give up.
    """
    n_entries = gains.shape[1]
    sizes = least_sizes(lead, gains)
    lower = int(np.partition(sizes, needed - 1)[needed - 1])
    if lower > at_most:
        return Smallest(None, at_most + 1, True)
    losses = np.sort(gains, axis=1)[:, :at_most]
    lowest = lead + np.minimum(losses, 0).sum(axis=1)  # without any set of that size
    open_ = (sizes <= at_most) & (lowest <= 0)
    needed -= int((lowest > 0).sum())  # those are ahead whatever goes
    if needed <= 0:
        return Smallest(np.empty(0, np.intp), 0, True)
    lead, gains, lowest = lead[open_], gains[open_], lowest[open_]
    n_rivals = len(lead)
    size = np.maximum(np.abs(lead), np.abs(gains).max(axis=1, initial=0))
    size[size == 0] = 1
    # lead + gains x >= lowest (1 - z), in units of each rival
    rows = np.hstack([gains, np.diag(lowest)]) / size[:, None]
    ahead = LinearConstraint(rows, (lowest - lead) / size, np.inf)
    counts = np.zeros((2, n_entries + n_rivals))
    counts[0, :n_entries] = counts[1, n_entries:] = 1
    constraints = [ahead, LinearConstraint(counts, [max(lower, 1), needed], [at_most, n_rivals])]
    for entries in failed:  # at least one of them stays, or another one goes
        differs = np.zeros((1, n_entries + n_rivals))
        differs[0, :n_entries] = 1
        differs[0, entries] = -1
        constraints.append(LinearConstraint(differs, 1 - len(entries), np.inf))
    found = milp(
        counts[0],
        integrality=np.ones(n_entries + n_rivals),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"node_limit": max_nodes},
    )
    if found.status == _INFEASIBLE:
        return Smallest(None, at_most + 1, True)
    if found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound):
        lower = max(lower, int(np.ceil(found.mip_dual_bound - 1e-6)))
    chosen = None if found.x is None else np.flatnonzero(found.x[:n_entries] > 0.5)
    return Smallest(chosen, lower, found.status == _SOLVED)
