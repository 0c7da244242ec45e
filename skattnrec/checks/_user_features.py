"""Laws of user features: read or ignored alike by every method, row by row, or refused."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ._agreement import assert_same_scores
from ._data import N_USERS, fresh, ratings
from ._refusing import assert_raises

__all__ = ["LAWS"]


def _features(n_rows: int = N_USERS, seed: int = 3) -> np.ndarray:
    """A one-hot group of three, a number, and a column that says nothing."""
    rng = np.random.default_rng(seed)
    groups = np.eye(3)[rng.integers(3, size=n_rows)]
    return np.column_stack([groups, rng.normal(40, 10, n_rows), np.zeros(n_rows)])


def check_user_feature_formats_agree(estimator):
    """Dense and sparse user features give the same scores, and are not changed."""
    X, features = ratings(), _features()
    before = features.copy()
    expected = fresh(estimator).fit(X, user_features=features).predict(X, user_features=features)
    assert np.isfinite(expected).all(), "scores with user features are not finite."
    for make in (sp.csr_array, sp.csc_matrix, sp.coo_array, np.asfortranarray):
        given = make(features)
        model = fresh(estimator).fit(X, user_features=given)
        actual = model.predict(X, user_features=given)
        assert_same_scores(actual, expected, f"user features as {type(given).__name__}")
    assert np.array_equal(features, before), "the array passed as user_features was changed."


def check_user_features_belong_to_rows(estimator):
    """A row is scored by its own user features alone, also where it has no history."""
    X, features = ratings(), _features()
    model = fresh(estimator).fit(X, user_features=features)
    for asked in (X, sp.csr_array(X.shape)):
        expected = model.predict(asked, user_features=features)
        order = np.random.default_rng(0).permutation(X.shape[0])
        permuted = model.predict(asked[order], user_features=features[order])
        assert_same_scores(permuted, expected[order], "rows in another order")
        alone = model.predict(asked[[4]], user_features=features[[4]])
        assert_same_scores(alone, expected[[4]], "a row alone")
        listed, scores = model.recommend(asked, 5, user_features=features)
        picked = np.take_along_axis(expected, listed.clip(0), axis=1)
        assert_same_scores(scores, np.where(listed < 0, np.nan, picked), "scores of the lists")


def check_mismatched_user_features_raise(estimator):
    """User features of other rows, or that are not finite numbers, are refused in every method."""
    X, features = ratings(), _features()
    nan, infinite, words = features.copy(), features.copy(), features.astype(object)
    nan[3, 1], infinite[3, 1], words[:, 0] = np.nan, np.inf, "young"
    wrong = {
        "of fewer rows": features[:-1],
        "that are NaN": nan,
        "that are infinite": infinite,
        "that are text": words,
        "of one dimension": features[:, 0],
    }
    model = fresh(estimator).fit(X, user_features=features)
    for what, bad in wrong.items():
        for verb in (fresh(estimator).fit, model.predict, model.recommend):
            assert_raises(verb, X, what=f"user features {what}", user_features=bad)


def check_user_features_are_those_of_fit(estimator):
    """A model that reads user features wants those of fit, and none if it was fitted without."""
    X, features = ratings(), _features()
    model = fresh(estimator).fit(X, user_features=features)
    if not getattr(estimator, "_reads_user_features", lambda: False)():
        bare = fresh(estimator).fit(X).predict(X)
        assert_same_scores(model.predict(X), bare, "user features that are not read")
        return
    bare = fresh(estimator).fit(X)
    for name in ("predict", "recommend"):
        asked = getattr(model, name)
        assert_raises(asked, X, what="no user features, which fit had")
        fewer = features[:, :-1]
        assert_raises(asked, X, what="fewer user features than in fit", user_features=fewer)
        what = "user features, which fit did not have"
        assert_raises(getattr(bare, name), X, what=what, user_features=features)


def check_contributions_with_user_features_sum_to_score(estimator):
    """An explanation with user features adds up to the score, with a history and without one."""
    X, features = ratings(), _features()
    model = fresh(estimator).fit(X, user_features=features)
    for asked in (X[[2]], sp.csr_array((1, X.shape[1]))):
        items = np.arange(X.shape[1])
        scores = model.predict(asked, user_features=features[[2]])[0]
        try:
            parts = model.explain(asked, items, user_features=features[[2]])
        except NotImplementedError:
            return
        assert_same_scores(parts.scores, scores, "scores of explain")
        size = np.abs(scores).max()
        assert np.abs(parts.remainder).max() <= 1e-3 * max(size, 1e-9), (
            "contributions and baseline do not add up to the score."
        )


LAWS = (
    check_user_feature_formats_agree,
    check_user_features_belong_to_rows,
    check_mismatched_user_features_raise,
    check_user_features_are_those_of_fit,
    check_contributions_with_user_features_sum_to_score,
)
