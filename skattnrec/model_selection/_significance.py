"""Confidence intervals and paired tests on scores of the same users."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["holm", "mean_interval", "paired_tests"]

_ROUNDING = 1e-12  # differences that are the same for every user, relative to their size


def holm(p_values: Any) -> np.ndarray:
    r"""Adjust p-values for the number of tests by Holm's step-down method.

    With the m p-values in ascending order, the adjusted ones are

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1) \, p_{(j)})

    Rejecting where :math:`\tilde p \le \alpha` makes one or more false rejections with a
    probability of at most :math:`\alpha`, whatever the dependence between the tests.

    Parameters
    ----------
    p_values : array-like of shape (m,)
        In [0, 1].

    Returns
    -------
    ndarray of shape (m,)
        In the order given.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).

    Examples
    --------
    >>> from skattnrec.model_selection._significance import holm
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return adjusted


def mean_interval(values: Any, confidence_level: float = 0.95) -> tuple[float, float, float]:
    r"""Mean of a sample with Student's t interval.

    .. math:: \bar x \pm t_{n - 1, (1 + c) / 2} \; s / \sqrt n

    Parameters
    ----------
    values : array-like of shape (n,)
        At least two values.
    confidence_level : float in (0, 1), default=0.95
        The c of the formula.

    Returns
    -------
    mean, low, high : float
        The mean and the ends of the interval.

    Raises
    ------
    ValueError
        If there are fewer than two values.

    Examples
    --------
    >>> from skattnrec.model_selection._significance import mean_interval
    >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        raise ValueError(f"a confidence interval needs at least two users, got {len(values)}.")
    mean, error = float(values.mean()), float(stats.sem(values))
    if error == 0:  # of which scipy makes NaN
        return mean, mean, mean
    low, high = stats.t.interval(confidence_level, len(values) - 1, loc=mean, scale=error)
    return mean, float(low), float(high)


def paired_tests(values: pd.DataFrame, confidence_level: float = 0.95) -> pd.DataFrame:
    """Test for every pair of models whether their mean scores differ.

    Student's t test on the differences of each user's two scores, two-sided, with p-values
    adjusted by Holm's method over all pairs.

    Parameters
    ----------
    values : DataFrame of shape (n_users, n_models)
        The score of every user (row) under every model (column), without NaN.
    confidence_level : float in (0, 1), default=0.95
        Of the intervals of the differences, each on its own.

    Returns
    -------
    DataFrame with a row for each pair of models
        Columns "better" and "worse" (the names), "difference" of the means (>= 0), "low" and
        "high" (its confidence interval) and "p_value" (adjusted). Models without any difference
        have a p-value of 1.

    Raises
    ------
    ValueError
        If there are fewer than two users, or a score is NaN or infinite.

    Notes
    -----
    A test on users asks whether the difference would hold up on other users; that of hidden
    entries and of training rows is not part of it.

    Examples
    --------
    >>> import pandas as pd
    >>> from skattnrec.model_selection import paired_tests
    >>> values = pd.DataFrame({"a": [0.1, 0.2, 0.3, 0.4], "b": [0.2, 0.3, 0.4, 0.6]})
    >>> paired_tests(values).round(3)
      better worse  difference    low   high  p_value
    0      b     a       0.125  0.045  0.205    0.015
    """
    wrong = values.index[~np.isfinite(values.to_numpy(dtype=np.float64)).all(axis=1)]
    if len(wrong):
        raise ValueError(
            f"values must be finite: {len(wrong)} users lack a score, the first is {wrong[0]!r}. "
            "Leave out users whom a model has no score for, as by values.dropna()."
        )
    means = values.mean()
    rows = []
    for one, other in combinations(values.columns, 2):
        better, worse = (one, other) if means[one] >= means[other] else (other, one)
        difference = mean_interval(values[better] - values[worse], confidence_level)
        rows.append((better, worse, *difference, _p_value(values[better], values[worse])))
    tests = pd.DataFrame(rows, columns=["better", "worse", "difference", "low", "high", "p_value"])
    tests["p_value"] = holm(tests["p_value"])
    return tests


def _p_value(better: pd.Series, worse: pd.Series) -> float:
    differences = better - worse
    largest = differences.abs().max()
    if differences.max() - differences.min() <= _ROUNDING * largest:  # scipy would divide by 0
        return 1.0 if largest == 0 else 0.0
    return float(stats.ttest_rel(better, worse).pvalue)
