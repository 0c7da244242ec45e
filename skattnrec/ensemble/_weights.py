"""Weights of scores that are added up, by which what was held out would have been listed first."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from .._kernels.topk import mask_entries, top_k

__all__ = ["choices_of_block", "find_weights"]

_N_LISTED = 200  # of the best items of each member: what could be mistaken for what was held out
_SMALL = 1e-4  # weight of the penalty that decides between members which say the same


def choices_of_block(
    scores: list[np.ndarray], history: sp.csr_array, held_out: sp.csr_array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Collect what was held out, and the items that a list could hold in its place.

    Parameters
    ----------
    scores : list of ndarray of shape (n_rows, n_items)
        Standardised scores of each member.
    history, held_out : csr_array of shape (n_rows, n_items)

    Returns
    -------
    values : ndarray of shape (n_choices, n_members)
        Scores of items that are among the best of any member or were held out.
    counts : ndarray of shape (n_rows,)
        How many of them each row has; they come row by row.
    wanted : ndarray of shape (n_choices,), bool
        Which ones were held out.
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
    is_wanted[np.repeat(np.arange(n_rows), np.diff(held_out.indptr)), held_out.indices] = True
    is_choice |= is_wanted
    values = np.stack([member[is_choice] for member in scores], axis=1)
    return values.astype(np.float64), is_choice.sum(axis=1), is_wanted[is_choice]


def find_weights(values: np.ndarray, counts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    r"""Find the weights that make what was held out most likely.

    Minimises the convex function

    .. math::
        -\frac{1}{|U|} \sum_u \frac{1}{|T_u|} \sum_{t \in T_u}
        \log \frac{\exp(w^\top z_{ut})}{\sum_{i \in C_u} \exp(w^\top z_{ui})}
        + \epsilon \|w\|^2, \qquad w \geq 0

    with :math:`T_u` what was held out of row u, :math:`C_u` its choices and z the scores of the
    members (the conditional logit model of D. McFadden, "Conditional logit analysis of qualitative
    choice behavior", 1974).

    Parameters
    ----------
    values : ndarray of shape (n_choices, n_members)
    counts : ndarray of shape (n_rows,)
        Choices of each row, at least one.
    wanted : ndarray of shape (n_choices,), bool
        At least one in each row.

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative; their sum is 1. Equal where nothing speaks for any member.
    """
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    row = np.repeat(np.arange(len(counts)), counts)
    # the mean score of what was held out, over rows, (n_members,)
    share = wanted / np.add.reduceat(wanted, starts)[row] / len(counts)
    target = share @ values

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = values @ weights
        largest = np.maximum.reduceat(logits, starts)
        powers = np.exp(logits - largest[row])
        totals = np.add.reduceat(powers, starts)
        expected = (powers / totals[row]) @ values / len(counts)
        value = np.mean(largest + np.log(totals)) - target @ weights + _SMALL * weights @ weights
        return value, expected - target + 2 * _SMALL * weights

    n_members = values.shape[1]
    options = {"maxiter": 500, "ftol": 1e-14, "gtol": 1e-9}
    start, bounds = np.ones(n_members), [(0, None)] * n_members
    weights = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    total = weights.sum()
    return weights / total if total > 0 else np.full(n_members, 1 / n_members)
