"""Scores of rows and of pairs, by recommenders and by what wraps them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler

from skattnrec import ItemItemCF, PopularityRecommender, _blocks, recommend
from skattnrec._context import Context
from skattnrec._scores import scores_of_pairs, scores_of_rows
from skattnrec.base import BaseRecommender

rng = np.random.default_rng(2)
X = sp.csr_array(
    np.where(
        (rng.random((12, 9)) < 0.4) | np.eye(12, 9, -3, dtype=bool) | np.eye(12, 9, dtype=bool),
        rng.uniform(1, 5, (12, 9)),
        0,
    )
)
assert (np.diff(X.indptr) > 0).all()
T = sp.csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
ROWS, ITEMS = rng.integers(0, 12, 40), rng.integers(0, 9, 40)


class Latest(BaseRecommender):
    """Votes of the entries, weighted by their times; knows which rows it was asked for."""

    def _fit(self, X, context):
        self.votes_ = np.cos(np.arange(X.shape[1] ** 2).reshape(X.shape[1], -1))

    def _score(self, X, context):
        self.n_scored_ = getattr(self, "n_scored_", 0) + X.shape[0]
        weights = X.data if context.times is None else X.data * context.times
        return sp.csr_array((weights, X.indices, X.indptr), shape=X.shape) @ self.votes_


class Pairwise(Latest):
    def _score_pairs(self, X, context, rows, items):
        return np.einsum("pj,jp->p", X.toarray()[rows], self.votes_[:, items])

    def _score(self, X, context):
        raise AssertionError("scores whole rows")


class OnlyPredicts(BaseEstimator):
    """A scorer of items from elsewhere."""

    def predict(self, X):
        return np.asarray(X @ np.cos(np.arange(81).reshape(9, 9)))


def search(model):
    return GridSearchCV(model, {}, scoring=lambda *_: 0.0, cv=2)


MODELS = {
    "recommender": Latest(),
    "pipeline": make_pipeline(MaxAbsScaler(), Latest()),
    "search": search(Latest()),
    "search of a pipeline": search(make_pipeline(MaxAbsScaler(), Latest())),
    "pipeline with a search": make_pipeline(MaxAbsScaler(), search(Latest())),
}


def scores_of(model, X, T=None):
    """What ``predict`` of the model at the end says of transformed rows."""
    while not isinstance(model, BaseRecommender):
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            X, model = model[:-1].transform(X), model[-1]
    return model.predict(X, timestamps=T)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("times", [None, T])
@pytest.mark.parametrize("block", [9, 40, 2**23])
def test_scores_of_pairs_and_rows(monkeypatch, name, times, block):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", block)
    model = MODELS[name].fit(X)
    expected = scores_of(model, X, times)
    pairs = scores_of_pairs(model, X, ROWS, ITEMS, times)
    np.testing.assert_allclose(pairs, expected[ROWS, ITEMS], rtol=1e-12)
    context = Context(None if times is None else T.data)
    parts = list(scores_of_rows(model, X, X, context, lambda scores, start: (start, scores)))
    np.testing.assert_allclose(np.vstack([scores for _, scores in parts]), expected, rtol=1e-12)
    assert [start for start, _ in parts] == list(range(0, 12, max(1, block // 9)))


def test_only_rows_of_pairs_are_scored():
    model = Latest().fit(X)
    scores_of_pairs(model, X, [3, 7, 3], [0, 0, 1])
    assert model.n_scored_ == 2


def test_models_that_score_pairs_are_asked_for_these():
    model = Pairwise().fit(X)
    expected = Latest().fit(X).predict(X)
    np.testing.assert_allclose(scores_of_pairs(model, X, ROWS, ITEMS), expected[ROWS, ITEMS])


def test_pairs_of_empty_histories_get_the_prior():
    model = Latest().fit(X)
    rows = np.zeros((2, 9))
    rows[0, 3] = 1
    values = scores_of_pairs(model, rows, [1, 0, 1], [2, 2, 5])
    assert values[[0, 2]].tolist() == model.prior_[[2, 5]].tolist()
    assert values[1] == model.votes_[3, 2]


def test_no_pairs():
    assert scores_of_pairs(Latest().fit(X), X, [], []).shape == (0,)


def test_pairs_are_checked():
    for model in (Latest().fit(X), OnlyPredicts()):
        with pytest.raises(ValueError, match="rows must be in"):
            scores_of_pairs(model, X, [12], [0])


def test_estimators_from_elsewhere():
    model = OnlyPredicts()
    values = scores_of_pairs(model, X, ROWS, ITEMS)
    np.testing.assert_allclose(values, model.predict(X)[ROWS, ITEMS])
    for options in ({}, {"items": [3, 8, 0]}, {"exclude": T > 20}, {"items": T > 20}):
        lists = recommend(model, X, 4, **options)
        expected = Latest().fit(X).recommend(X, 4, **options)
        np.testing.assert_array_equal(lists[0], expected[0])
        np.testing.assert_allclose(lists[1], expected[1])


def test_estimators_that_do_not_fit():
    with pytest.raises(TypeError, match="MaxAbsScaler has no predict, which is needed to score"):
        recommend(MaxAbsScaler(), X)
    one_each = FunctionTransformer()
    one_each.predict = lambda X: np.zeros(X.shape[0])
    with pytest.raises(ValueError, match="returned scores of shape"):
        recommend(one_each, X)


@pytest.mark.parametrize("name", MODELS)
def test_recommend_of_any_estimator(name):
    model = MODELS[name].fit(X)
    options = {"items": [1, 5, 3, 2], "exclude": T > 30, "timestamps": T}
    actual = recommend(model, X, 3, **options)
    scores = np.where((X.toarray() != 0) | (T > 30).toarray(), -np.inf, scores_of(model, X, T))
    candidates = np.array([1, 2, 3, 5])
    best = candidates[np.argsort(-scores[:, candidates], axis=1, kind="stable")[:, :3]]
    values = np.take_along_axis(scores, best, axis=1)
    np.testing.assert_array_equal(actual[0], np.where(values == -np.inf, -1, best))


def test_recommend_with_names():
    frame = pd.DataFrame(X.toarray(), columns=list("abcdefghi"))
    model = make_pipeline(ItemItemCF()).fit(frame)
    expected = ItemItemCF().fit(X).recommend(X, 4)
    np.testing.assert_array_equal(recommend(model, frame, 4)[0], expected[0])
    values = scores_of_pairs(model, frame, ROWS, ITEMS)
    np.testing.assert_allclose(values, model.predict(frame)[ROWS, ITEMS])
    counts = scores_of_pairs(PopularityRecommender().fit(frame), frame, ROWS, ITEMS)
    assert counts.tolist() == (X.toarray() != 0).sum(axis=0)[ITEMS].tolist()
