"""Laws of units: how large ratings are, and in which precision they come, decides nothing.

A law of units is broken by design where a model takes ratings at their word, such as a confidence
that grows with them: say so with ``expected_failed``.
"""

from __future__ import annotations

from unittest import SkipTest

import numpy as np
from sklearn.utils import get_tags

from ._agreement import assert_lists_as_good, assert_same_scores, overlap
from ._data import counts, fresh, stars, times_for

__all__ = ["LAWS"]

_FACTORS = (4.0, 0.5, 20.0, 0.01, 1000 / 7)
_STEADY = 0.85  # share of the lists that one outlier must leave, and single precision


def check_unit_of_ratings_does_not_matter(estimator):
    """X and c X give the same lists, for every c > 0.

    Broken by design: confidences and saturations that are functions of the rating itself.
    """
    X = stars()
    times = times_for(estimator, X)
    model = fresh(estimator).fit(X, **times)
    scores = np.array(model.predict(X, **times))
    lists, _ = model.recommend(X, 10, **times)
    for factor in _FACTORS:
        scaled = X * factor
        actual, _ = fresh(estimator).fit(scaled, **times).recommend(scaled, 10, **times)
        assert_lists_as_good(actual, lists, scores, f"lists of X and {factor:g} X")


def check_zero_of_ratings_does_not_matter(estimator):
    """X and X + c give the same lists to models that take ratings of any sign.

    A model that does not, by its tags, is exempt: to it a rating is an amount. Broken by design:
    models of ratings without a centre.
    """
    if get_tags(estimator).input_tags.positive_only:
        raise SkipTest("ratings are amounts, which have a zero.")
    X = stars()
    times = times_for(estimator, X)
    model = fresh(estimator).fit(X, **times)
    scores = np.array(model.predict(X, **times))
    lists, _ = model.recommend(X, 10, **times)
    for constant in (-3.0, 10.0, 2.5):
        shifted = X.copy()
        shifted.data = shifted.data + constant
        actual, _ = fresh(estimator).fit(shifted, **times).recommend(shifted, 10, **times)
        assert_lists_as_good(actual, lists, scores, f"lists of X and X + {constant:g}")


def check_one_outlier_changes_little(estimator):
    """One rating of a million among hundreds of others leaves the lists of other users.

    Broken by design: sums, means and least squares of the ratings themselves, which no robust
    measure comes before.
    """
    X = stars()
    times = times_for(estimator, X)
    expected, _ = fresh(estimator).fit(X, **times).recommend(X, 5, **times)
    row = int(np.argmax(np.diff(X.indptr)))
    wrong = X.copy()
    wrong.data[X.indptr[row]] = 1e6
    others = np.arange(X.shape[0]) != row
    actual, _ = fresh(estimator).fit(wrong, **times).recommend(X, 5, **times)
    shared = overlap(actual[others], expected[others])
    assert shared >= _STEADY, (
        f"one rating of 10^6 changes {1 - shared:.0%} of what other users are recommended."
    )


def check_counts_give_finite_scores(estimator):
    """Counts up to a million, few of them large, give finite scores in either precision."""
    X = counts()
    for dtype in (np.float32, np.float64):
        given = X.astype(dtype)
        times = times_for(estimator, given)
        model = fresh(estimator).fit(given, **times)
        assert np.isfinite(model.predict(given, **times)).all(), (
            f"counts of {np.dtype(dtype)} lead to scores that are not finite."
        )
        _, scores = model.recommend(given, 5, **times)
        assert np.isfinite(scores).all(), f"counts of {np.dtype(dtype)} lead to short lists."


def check_precision_does_not_matter(estimator):
    """Learned from float32 or float64, lists are the same but for a few near ties."""
    X = stars()
    times = times_for(estimator, X)
    wide = fresh(estimator).fit(X, **times)
    narrow = fresh(estimator).fit(X.astype(np.float32), **times)
    lists = [model.recommend(X, 5, **times)[0] for model in (narrow, wide)]
    shared = overlap(*lists)
    assert shared >= _STEADY, f"float32 and float64 share only {shared:.0%} of the lists."
    assert_same_scores(narrow.prior_, wide.prior_.astype(np.float32), "priors of two precisions")


LAWS = (
    check_unit_of_ratings_does_not_matter,
    check_zero_of_ratings_does_not_matter,
    check_one_outlier_changes_little,
    check_counts_give_finite_scores,
    check_precision_does_not_matter,
)
