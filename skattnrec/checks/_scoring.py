"""Laws of ``predict`` and ``explain``."""

from __future__ import annotations

from unittest import SkipTest

import numpy as np

from ._agreement import assert_same_scores
from ._data import N_ITEMS, fresh, ratings

__all__ = ["LAWS"]


def check_scores_are_finite(estimator):
    """Every history gets a finite score for every item, also a bare or a full one."""
    X = ratings()
    histories = np.zeros((4, N_ITEMS))
    histories[0, 3] = 2.0
    histories[1] = 4.0
    histories[2, :4] = [1.0, 2.0, 3.0, 4.0]
    model = fresh(estimator).fit(X)
    for given in (X, histories):
        scores = model.predict(given)
        assert isinstance(scores, np.ndarray), f"predict returns a {type(scores).__name__}."
        assert scores.shape == given.shape, f"scores of shape {scores.shape}, X {given.shape}."
        assert np.isfinite(scores).all(), "predict returns NaN or infinite scores."


def check_dtype_is_kept(estimator):
    """Learned from float32, scores are float32; learned from float64 or integers, float64."""
    X = ratings()
    for dtype, expected in ((np.float32, np.float32), (np.float64, np.float64), (int, np.float64)):
        given = X.astype(dtype)
        model = fresh(estimator).fit(given)
        got = {"predict": model.predict(given).dtype, "recommend": model.recommend(given)[1].dtype}
        for verb, dtype_got in got.items():
            assert dtype_got == expected, (
                f"{verb} returns {dtype_got} for X of {np.dtype(dtype)}, not {np.dtype(expected)}."
            )


def check_empty_history_gets_prior(estimator):
    """A row without entries gets ``prior_``, and lists of the best by that score."""
    X = ratings()
    model = fresh(estimator).fit(X)
    rows = X[:3].toarray()
    rows[1] = 0
    scores = model.predict(rows)
    assert_same_scores(scores[1], model.prior_, "scores of an empty history and prior_")
    indices, _ = model.recommend(rows, k=3)
    best = np.argsort(-np.asarray(model.prior_), kind="stable")[:3]
    assert np.array_equal(indices[1], best), f"an empty history gets {indices[1]}, not {best}."


def check_contributions_sum_to_score(estimator):
    """Baseline and contributions add up to the scores of ``predict``, also those of heads."""
    X = ratings()
    model = fresh(estimator).fit(X)
    items = np.array([5, 0, 12])
    for row in (0, 7):
        history = X[[row]]
        try:
            parts = model.explain(history, items)
        except NotImplementedError as reason:
            raise SkipTest(str(reason)) from None
        scores = model.predict(history)[0, items]
        assert np.array_equal(parts.items, items), "explain answers for other items than asked."
        assert_same_scores(parts.scores, scores, "explained scores and predict")
        contributions = np.asarray(parts.contributions)
        assert contributions.shape == (len(items), len(parts.sources)), (
            f"{contributions.shape} contributions of {len(parts.sources)} sources."
        )
        total = parts.baseline + contributions.sum(axis=1)
        assert_same_scores(total, scores, "baseline plus contributions and predict")
        if parts.source == "item":
            assert np.isin(parts.sources, history.indices).all(), "a source was never seen."
        if parts.heads is not None:
            assert_same_scores(parts.heads.sum(axis=0), contributions, "sum over heads")
        if parts.weights is not None:
            weighed = parts.heads if np.ndim(parts.weights) == 3 else contributions
            assert np.shape(parts.weights) == np.shape(weighed), (
                f"weights of shape {np.shape(parts.weights)} for parts of {np.shape(weighed)}."
            )
            assert not weighed[parts.weights == 0].any(), "a source without weight contributes."


def check_default_explanation_is_of_recommendations(estimator):
    """Without ``items``, the recommended ones are explained; an empty history by its prior."""
    X = ratings()
    model = fresh(estimator).fit(X)
    try:
        parts = model.explain(X[[2]])
    except NotImplementedError as reason:
        raise SkipTest(str(reason)) from None
    _, scores = model.recommend(X[[2]], k=10)
    assert_same_scores(parts.scores, scores[0][~np.isnan(scores[0])], "explained and recommended")
    nothing = model.explain(np.zeros((1, N_ITEMS)), [0, 3])
    assert_same_scores(nothing.baseline, np.asarray(model.prior_)[[0, 3]], "empty history")
    assert nothing.contributions.shape == (2, 0), "an empty history has contributions."


def check_entries_add_up_where_said(estimator):
    """In models that say so, what is left of a history adds what it did, times one factor."""
    X = ratings()
    model = fresh(estimator).fit(X)
    if not model._entries_add_up():
        return
    for row in (0, 7):
        history = X[[row]].toarray()
        fewer = history.copy()
        fewer[0, np.flatnonzero(history[0])[::2]] = 0
        try:
            parts = model.explain(history, np.arange(N_ITEMS))
        except NotImplementedError as reason:
            raise SkipTest(str(reason)) from None
        stays = np.flatnonzero(fewer[0, parts.sources])
        left = parts.baseline + parts.contributions[:, stays].sum(axis=1)
        scores = model.predict(fewer)[0]
        size = left @ left
        factor = left @ scores / size if size > 0 else 0
        assert factor > 0 or not scores.any(), "without some entries scores change their sign."
        assert_same_scores(scores, factor * left, "scores of a part, and its contributions")


LAWS = (
    check_scores_are_finite,
    check_dtype_is_kept,
    check_empty_history_gets_prior,
    check_contributions_sum_to_score,
    check_default_explanation_is_of_recommendations,
    check_entries_add_up_where_said,
)
