"""A recommender with rules is a recommender: what it answers, and how its parts are reached."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import skattnrec
from skattnrec import (
    AttentionRecommender,
    ItemItemCF,
    PopularityRecommender,
    RerankedRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.checks import check_recommender
from skattnrec.checks._data import default_times, ratings, stars
from skattnrec.metrics import diversity_at_k
from skattnrec.reranking import Diversify, LimitPerGroup, ListRule, Promote, diversify

X = ratings()
GENRES = np.arange(16) % 4


class LimitByHalves(LimitPerGroup):
    """Groups for a catalogue of any size: those of items known by many, and by few."""

    def __init__(self, max_per_group=2):
        super().__init__(None, max_per_group)

    def fit(self, X, model):
        counts = np.bincount(X.indices, minlength=X.shape[1])
        self._members = sp.csr_array(np.stack([counts > np.median(counts)] * 2, axis=1))
        return self


class Reverse(ListRule):
    """The worst candidates first."""

    def reorder(self, indices, scores, X):
        lengths = (indices >= 0).sum(axis=1)[:, None]
        places = np.arange(indices.shape[1])
        return np.where(
            places < lengths, np.take_along_axis(indices, (lengths - 1 - places) % 16, 1), -1
        )


def test_laws_with_groups():
    check_recommender(
        RerankedRecommender(AttentionRecommender(), [("halves", LimitByHalves())], n_candidates=9)
    )


def test_lists_are_those_of_the_function():
    model = RerankedRecommender(ItemItemCF(), n_candidates=6).fit(X)
    lists = model.estimator_.recommend(X, 6)
    expected, _ = diversify(*lists, 6, item_similarity=model.estimator_)
    assert np.array_equal(model.recommend(X, 6)[0], expected)
    assert not np.array_equal(expected, lists[0])


def test_scores_are_dealt_out_anew():
    """Candidates trade their scores; all others, and what is known, keep theirs."""
    inner = ItemItemCF().fit(X)
    model = RerankedRecommender(ItemItemCF(), [("turn", Reverse())], n_candidates=4).fit(X)
    before, after = inner.predict(X), model.predict(X)
    lists, scores = inner.recommend(X, 4)
    for row in range(len(before)):
        others = np.setdiff1d(np.arange(16), lists[row])
        assert np.array_equal(after[row, others], before[row, others])
        found = lists[row][lists[row] >= 0]
        assert np.allclose(after[row, found[::-1]], scores[row][: len(found)])


def test_equal_scores_do_not_undo_a_rule():
    even = sp.csr_array(np.array([[1.0, 1, 1, 1, 0], [0, 0, 0, 0, 1.0]]))
    groups = ["a", "a", "b", "b", "c"]
    for dtype in (np.float32, np.float64):
        model = RerankedRecommender(PopularityRecommender(), [("g", LimitPerGroup(groups))])
        model.fit(even.astype(dtype))
        lists, scores = model.recommend(np.zeros((1, 5), dtype), 5)
        assert lists.tolist() == [[0, 2, 4, 1, 3]]
        assert scores.dtype == dtype
        assert (np.diff(scores) <= 0).all()
        assert np.allclose(scores, 1, rtol=1e-6)


def test_rules_keep_what_they_promise():
    features = np.eye(4)[GENRES]
    options = {"item_features": features, "diversity": 0.8}
    rules = [("unlike", Diversify(**options)), ("genres", LimitPerGroup(GENRES, 2))]
    plain = ItemItemCF().fit(X)
    model = RerankedRecommender(ItemItemCF(), rules, n_candidates=16).fit(X)
    lists, _ = model.recommend(X, 6)
    left = X.toarray() == 0
    for items, is_left in zip(lists, left):
        # two of each genre are listed before a third of any
        available = np.minimum(np.bincount(GENRES[is_left], minlength=4), 2).sum()
        counts = np.bincount(GENRES[items[: min(available, 6)]], minlength=4)
        assert counts.max() <= 2
    before = diversity_at_k(plain.recommend(X, 4)[0], features, 4)
    assert diversity_at_k(model.recommend(X, 4)[0], features, 4) > before


def test_promotion_reaches_its_share():
    many = stars(400, 60)
    rule = Promote([50, 51], share=0.25, positions=[2])
    model = RerankedRecommender(PopularityRecommender(), [("new", rule)], n_candidates=20)
    lists, _ = model.fit(many).recommend(many, 5)
    met = np.isin(lists[:, 2], [50, 51])
    assert 0.15 < met.mean() < 0.35
    again, _ = clone(model).fit(many[200:]).recommend(many[:50], 5)
    assert np.array_equal(np.isin(again[:, 2], [50, 51]), met[:50]), "a refit meets the same users"
    assert not np.isin(lists[~met], [50, 51])[:, 2].any()


def test_explanation_is_that_of_the_recommender():
    model = RerankedRecommender(AttentionRecommender()).fit(X)
    parts, inner = model.explain(X[[0]]), model.estimator_
    same = inner.explain(X[[0]], parts.items)
    assert np.allclose(parts.contributions, same.contributions)
    assert np.allclose(parts.baseline - same.baseline, parts.scores - same.scores)
    assert np.allclose(parts.scores, model.predict(X[[0]])[0, parts.items])
    assert np.array_equal(parts.weights, same.weights)


def test_explanation_says_what_rules_moved():
    model = RerankedRecommender(ItemItemCF(), [("turn", Reverse())], n_candidates=4).fit(X)
    lists, _ = model.estimator_.recommend(X[[0]], 5)
    parts = model.explain(X[[0]], lists[0])
    assert parts.moves.tolist() == [[0, 3], [1, 2], [2, 1], [3, 0], [-1, -1]]
    text = parts.to_text()
    assert text[0].endswith("; moved by rules from place 1 to place 4")
    assert "moved" not in text[4]
    assert parts.only(1).moves.tolist() == [[1, 2]]
    last = [("new", Promote(lists[0, 4:], share=1.0, positions=[0]))]
    model = RerankedRecommender(ItemItemCF(), last, n_candidates=4).fit(X)
    text = model.explain(X[[0]], lists[0]).to_text()
    assert text[4].endswith("; moved by rules to place 1")
    assert text[3].endswith("; moved by rules from place 4 to the others")
    assert model.explain(X[[0]]).items[0] == lists[0, 4]


def test_parameters_of_parts_are_reached():
    model = RerankedRecommender(AttentionRecommender(), [("unlike", Diversify())])
    names = {"estimator__temperature", "unlike", "unlike__diversity", "n_candidates"}
    assert names <= set(model.get_params())
    model.set_params(estimator__temperature=2.0, unlike__diversity=0.7)
    assert model.estimator.temperature == 2.0
    assert model.rules[0][1].diversity == 0.7
    model.set_params(unlike="drop").fit(X)
    assert np.array_equal(model.predict(X), model.estimator_.predict(X))
    assert model.named_rules_ == {}


def test_grid_search():
    many = stars()
    model = RerankedRecommender(AttentionRecommender(), [("unlike", Diversify())])
    grid = {"estimator__temperature": [1.0, 3.0], "unlike__diversity": [0.0, 0.9]}
    search = GridSearchCV(model, grid, cv=2).fit(many)
    assert search.best_params_["unlike__diversity"] == 0.0
    assert skattnrec.recommend(search, many[:3], 4)[0].shape == (3, 4)


def test_fitted_and_piped_recommenders():
    inner = ItemItemCF().fit(X)
    frozen = RerankedRecommender(FrozenEstimator(inner)).fit(X[:5])
    fresh = RerankedRecommender(ItemItemCF()).fit(X)
    assert np.array_equal(frozen.predict(X), fresh.predict(X))
    piped = RerankedRecommender(make_pipeline(MaxAbsScaler(), ItemItemCF())).fit(X)
    assert piped.recommend(X, 3)[0].shape == (30, 3)
    assert piped.explain(X[[1]]).sources.size
    with pytest.raises(ValueError, match="estimator was fitted on 16 items, X has 12"):
        RerankedRecommender(FrozenEstimator(inner)).fit(ratings(n_items=12))


def test_frozen_model_of_a_table():
    import pandas as pd

    table = pd.DataFrame(X.toarray(), columns=[f"item {n}" for n in range(16)])
    inner = ItemItemCF().fit(table)
    model = RerankedRecommender(FrozenEstimator(inner)).fit(table)
    assert np.array_equal(model.predict(table), RerankedRecommender(ItemItemCF()).fit(X).predict(X))
    with pytest.raises(ValueError, match="other names"):
        RerankedRecommender(FrozenEstimator(inner)).fit(table[table.columns[::-1]])


def test_times_reach_the_recommender(monkeypatch):
    times = default_times(X)
    model = RerankedRecommender(SequentialAttentionRecommender(), [("turn", Reverse())])
    with pytest.raises(ValueError, match="needs timestamps"):
        model.fit(X)
    model.fit(X, timestamps=times)
    inner = SequentialAttentionRecommender().fit(X, timestamps=times)
    got = model.estimator_.predict(X, timestamps=times)
    assert np.array_equal(got, inner.predict(X, timestamps=times))
    for estimator in (make_pipeline(SequentialAttentionRecommender()),):
        piped = RerankedRecommender(estimator, [("turn", Reverse())]).fit(X, timestamps=times)
        assert np.array_equal(
            piped.predict(X, timestamps=times), model.predict(X, timestamps=times)
        )


def test_negative_ratings_and_ratings_as_scores():
    signed = X.copy()
    signed.data -= 3
    model = RerankedRecommender(ItemItemCF(feedback="explicit")).fit(signed)
    assert not model._predicts_ratings()
    assert np.isfinite(model.predict(signed)).all()
    with pytest.raises(ValueError, match="Negative"):
        RerankedRecommender(ItemItemCF()).fit(signed)


class Careless(ListRule):
    """Returns something else than lists of the same size."""

    def __init__(self, what="short"):
        self.what = what

    def reorder(self, indices, scores, X):
        return {"short": indices[:, :1], "floats": scores, "fewer": np.full_like(indices, -1)}[
            self.what
        ]


@pytest.mark.parametrize("what", ["short", "floats", "fewer"])
def test_careless_rule_is_refused(what):
    with pytest.raises(ValueError, match="rule 'mine' must return"):
        RerankedRecommender(ItemItemCF(), [("mine", Careless(what))]).fit(X)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rules": [Diversify()]}, ValueError, "pairs"),
        ({"rules": [("a", Diversify()), ("a", Diversify())]}, ValueError, "not unique"),
        ({"rules": [("estimator", Diversify())]}, ValueError, "conflict"),
        ({"rules": [("a", "keep")]}, ValueError, "'drop' or objects"),
        ({"rules": [("a", ItemItemCF())]}, ValueError, "ListRule"),
        ({"rules": [("a", Diversify(diversity=2))]}, ValueError, "diversity"),
        ({"rules": [("a", Diversify(item_features=np.eye(3)))]}, ValueError, "tell of 3 items"),
        ({"rules": [("a", LimitPerGroup(["x"]))]}, ValueError, "groups tell of 1 items"),
        ({"rules": [("a", Promote([16]))]}, ValueError, "columns in"),
        ({"rules": [("a", Promote(positions=[-1]))]}, ValueError, "positions"),
        ({"n_candidates": 0}, ValueError, "n_candidates"),
        ({"estimator": 3}, ValueError, "estimator"),
    ],
)
def test_errors(change, error, words):
    model = RerankedRecommender(ItemItemCF()).set_params(**change)
    with pytest.raises(error, match=words):
        model.fit(X)
