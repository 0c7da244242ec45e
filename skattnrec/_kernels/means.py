"""Means of groups, damped towards 0 where a group has few members."""

from __future__ import annotations

import numpy as np

__all__ = ["damped_means"]


def damped_means(
    groups: np.ndarray, values: np.ndarray, n_groups: int, damping: float = 0.0
) -> np.ndarray:
    """Mean of the values of each group, as if it had ``damping`` more members of value 0.

    Parameters
    ----------
    groups : ndarray of shape (n,), int
        The group of each value, in [0, n_groups).
    values : ndarray of shape (n,)
    n_groups : int
    damping : float

    Returns
    -------
    ndarray of shape (n_groups,), float64
        0 for groups without members.
    """
    sums = np.bincount(groups, values, minlength=n_groups)
    counts = np.bincount(groups, minlength=n_groups) + damping
    return np.divide(sums, counts, out=np.zeros(n_groups), where=counts > 0)
