"""The scorer inside scikit-learn's tools: searches, curves, pipelines, metadata routing."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, Normalizer

from skattnrec.base import BaseRecommender
from skattnrec.baseline import PopularityRecommender
from skattnrec.metrics import RankingScorer


class Overlap(BaseRecommender):
    """Score items by how often they occur with those of the history, plus a little popularity."""

    def __init__(self, popularity=0.0):
        self.popularity = popularity

    def _fit(self, X, context):
        self.counts_ = (X.T @ X).toarray()

    def _score(self, X, context):
        return X @ self.counts_ + self.popularity * self.prior_


class Latest(BaseRecommender):
    """Score items by how often they followed the latest one; needs timestamps everywhere."""

    def _fit(self, X, context):
        assert context.times is not None
        n_items = X.shape[1]
        self.counts_ = np.zeros((n_items, n_items))
        for row in range(X.shape[0]):
            entries = slice(X.indptr[row], X.indptr[row + 1])
            sequence = X.indices[entries][np.argsort(context.times[entries])]
            np.add.at(self.counts_, (sequence[:-1], sequence[1:]), 1)

    def _score(self, X, context):
        assert context.times is not None
        scores = np.zeros(X.shape)
        for row in range(X.shape[0]):
            entries = slice(X.indptr[row], X.indptr[row + 1])
            if entries.stop > entries.start:
                scores[row] = self.counts_[X.indices[entries][np.argmax(context.times[entries])]]
        return scores


@pytest.fixture(scope="module")
def X():
    """Two tastes: users of each prefer their half of the catalogue."""
    rng = np.random.default_rng(0)
    likes = np.repeat([[0.4] * 10 + [0.05] * 10, [0.05] * 10 + [0.4] * 10], 40, axis=0)
    known = rng.permuted(np.arange(80)) % 80
    ratings = (rng.random((80, 20)) < likes) * rng.integers(1, 6, (80, 20))
    return sp.csr_array(ratings[known].astype(float))


@pytest.fixture(scope="module")
def T():
    """Times of a catalogue that everybody walks through in the same order."""
    order = np.random.default_rng(1).permutation(20)
    known = np.random.default_rng(2).random((80, 20)) < 0.5
    return sp.csr_array(known * (1.0 + np.argsort(order)))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_cross_val_score_is_the_scorer_on_each_fold(X):
    scorer, cv = RankingScorer("recall", k=5), KFold(4)
    scores = cross_val_score(Overlap(), X, scoring=scorer, cv=cv)
    for score, (train, test) in zip(scores, cv.split(X)):
        assert score == scorer(Overlap().fit(X[train]), X[test])


def test_the_default_score_is_ndcg_at_10(X):
    assert_allclose(
        cross_val_score(Overlap(), X), cross_val_score(Overlap(), X, scoring=RankingScorer())
    )


def test_taste_beats_popularity(X):
    taste, popularity = (
        cross_val_score(model, X, scoring=RankingScorer()).mean()
        for model in (Overlap(), PopularityRecommender())
    )
    assert taste > 1.2 * popularity


def test_cross_validate_with_several_metrics(X):
    results = cross_validate(
        Overlap(), X, scoring=RankingScorer(["ndcg@10", "recall@5"]), return_train_score=True
    )
    for name in ("ndcg@10", "recall@5"):
        assert_allclose(
            results[f"test_{name}"], cross_val_score(Overlap(), X, scoring=RankingScorer(name))
        )
        assert len(results[f"train_{name}"]) == 5


def test_a_dict_of_scorers(X):
    scoring = {"ndcg": RankingScorer(), "hits": RankingScorer("hit_rate", k=1)}
    results = cross_validate(Overlap(), X, scoring=scoring)
    assert_allclose(results["test_hits"], cross_val_score(Overlap(), X, scoring=scoring["hits"]))


GRID = {"popularity": [0.0, 1.0, 1000.0]}


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(Overlap(), GRID, scoring=RankingScorer()),
        RandomizedSearchCV(Overlap(), GRID, n_iter=3, scoring=RankingScorer(), random_state=0),
        HalvingGridSearchCV(Overlap(), GRID, scoring=RankingScorer(), cv=3, random_state=0),
        GridSearchCV(
            Overlap(), GRID, scoring=RankingScorer(["ndcg@10", "recall@5"]), refit="ndcg@10"
        ),
    ],
    ids=lambda search: type(search).__name__,
)
def test_searches_find_that_taste_matters(X, search):
    search = clone(search).fit(X)
    assert search.best_params_["popularity"] < 1000
    lists, _ = search.best_estimator_.recommend(X, k=3)
    assert lists.shape == (80, 3)


def test_search_with_two_processes(X):
    search = GridSearchCV(Overlap(), GRID, scoring=RankingScorer(), n_jobs=2).fit(X)
    alone = GridSearchCV(Overlap(), GRID, scoring=RankingScorer()).fit(X)
    assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], rtol=1e-12
    )


def test_score_of_a_search_is_the_scorer(X):
    scorer = RankingScorer("recall@3")
    search = GridSearchCV(Overlap(), GRID, scoring=scorer).fit(X)
    assert search.score(X) == scorer(search.best_estimator_, X)


def test_data_frames_keep_their_names(X):
    """Otherwise scikit-learn would warn, and warnings are errors here."""
    frame = pd.DataFrame(X.toarray(), columns=[f"item {i}" for i in range(20)])
    scores = cross_val_score(Overlap(), frame, scoring=RankingScorer())
    assert_allclose(scores, cross_val_score(Overlap(), X, scoring=RankingScorer()))


def test_curves(X):
    sizes, train, test = learning_curve(Overlap(), X, y=None, scoring=RankingScorer(), cv=3)
    assert train.shape == test.shape == (len(sizes), 3)
    assert np.isfinite(test).all()
    train, test = validation_curve(
        Overlap(), X, None, param_name="popularity", param_range=[0, 1], scoring=RankingScorer()
    )
    assert test.shape == (2, 5)


@pytest.mark.parametrize(
    "transformer",
    [
        TfidfTransformer(),
        MaxAbsScaler(),
        Normalizer(),
        FunctionTransformer(np.log1p, accept_sparse=True),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
@pytest.mark.parametrize(
    "model", [Overlap(), PopularityRecommender()], ids=["Overlap", "Popularity"]
)
def test_inside_a_pipeline(X, transformer, model):
    pipeline = make_pipeline(transformer, model)
    scores = cross_val_score(pipeline, X, scoring=RankingScorer())
    assert ((scores > 0) & (scores <= 1)).all()
    step = type(model).__name__.lower()
    values = ["count", "sum"] if "pop" in step else [0, 1]
    grid = {f"{step}__popularity": values}
    search = GridSearchCV(pipeline, grid, scoring=RankingScorer()).fit(X)
    assert search.best_score_ >= scores.mean() - 1e-12


def test_held_out_y_is_sliced_with_X(X):
    rng = np.random.default_rng(0)
    hidden = rng.random(X.nnz) < 0.3
    history, y = X.copy(), X.copy()
    history.data[hidden], y.data[~hidden] = 0, 0
    history.eliminate_zeros()
    y.eliminate_zeros()
    scorer, cv = RankingScorer(), KFold(4)
    # cross_val_score takes no sparse y, searches do
    scores = cross_val_score(Overlap(), history, y.toarray(), scoring=scorer, cv=cv)
    for score, (train, test) in zip(scores, cv.split(X)):
        assert score == scorer(Overlap().fit(history[train]), history[test], y[test])
    search = GridSearchCV(Overlap(), {}, scoring=scorer, cv=cv).fit(history, y)
    assert search.best_score_ == pytest.approx(scores.mean())


@pytest.mark.parametrize(
    "model", [Overlap(), PopularityRecommender()], ids=["Overlap", "Popularity"]
)
def test_y_does_not_leak(X, model):
    """Random held-out items score at chance, though fit and score see the same y."""
    rng = np.random.default_rng(0)
    everyone = np.arange(X.shape[0])
    scorer = RankingScorer("recall", k=5)
    scores, chances = [], []
    for _ in range(20):
        y = (rng.random(X.shape) < 0.3).astype(float)
        [score] = cross_val_score(model, X, y, scoring=scorer, cv=[(everyone, everyone)])
        scores.append(score)
        unseen = 20 - np.diff(X.indptr)
        chances.append(np.mean(5 / unseen))
    assert np.mean(scores) == pytest.approx(np.mean(chances), rel=0.05)


# -- metadata routing -----------------------------------------------------------------------------


def test_timestamps_reach_the_scorer_without_a_request(T, routing):
    X, scorer, cv = (T > 0).astype(float), RankingScorer("hit_rate", k=1, holdout="last"), KFold(4)
    expected = [
        scorer(Latest().fit(X[train], timestamps=T[train]), X[test], timestamps=T[test])
        for train, test in cv.split(X)
    ]
    results = cross_validate(Latest(), X, params={"timestamps": T}, scoring=scorer, cv=cv)
    assert_allclose(results["test_score"], expected)
    search = GridSearchCV(Latest(), {}, scoring=scorer, cv=cv).fit(X, timestamps=T)
    assert search.best_score_ == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("holdout", ["last", 0.2])
def test_timestamps_reach_a_pipeline(T, routing, holdout):
    X = (T > 0).astype(float)
    pipeline = Pipeline(
        [("log", FunctionTransformer(np.log1p, accept_sparse=True)), ("latest", Latest())]
    )
    scorer = RankingScorer(["ndcg@3", "mrr"], holdout=holdout)
    search = GridSearchCV(
        pipeline, {"log__validate": [False, True]}, scoring=scorer, refit="mrr@10"
    )
    search.fit(X, timestamps=T)
    assert search.best_score_ > 0.2
    # a search is scored through its best pipeline, since its own predict takes no metadata
    assert scorer(search, X, timestamps=T) == scorer(search.best_estimator_, X, timestamps=T)


def test_routing_without_timestamps(X, routing):
    GridSearchCV(Overlap(), GRID, scoring=RankingScorer()).fit(X)
    pipeline = make_pipeline(MaxAbsScaler(), Overlap())
    # scikit-learn 1.6 does not take params=None here
    assert np.isfinite(cross_val_score(pipeline, X, scoring=RankingScorer(), params={})).all()


def test_a_dict_of_scorers_with_routing(T, routing):
    X = (T > 0).astype(float)
    scoring = {"last": RankingScorer(holdout="last"), "some": RankingScorer()}
    search = GridSearchCV(Latest(), {}, scoring=scoring, refit="last").fit(X, timestamps=T)
    assert search.best_score_ > 0


def test_requests_can_be_changed(T, routing):
    X = (T > 0).astype(float)
    requests = RankingScorer().get_metadata_routing().score.requests
    assert requests == {"timestamps": True, "user_features": True}
    scorer = RankingScorer(holdout="last").set_score_request(timestamps="when")
    assert clone(scorer).get_metadata_routing().score.requests["timestamps"] == "when"
    model = Latest().set_fit_request(timestamps="when").set_predict_request(timestamps="when")
    search = GridSearchCV(model, {}, scoring=scorer).fit(X, when=T)
    assert search.best_score_ > 0


def test_without_routing_the_error_says_what_to_do(T):
    X = (T > 0).astype(float)
    with pytest.raises(ValueError, match=r"holdout='last' needs timestamps.*metadata routing"):
        cross_val_score(Overlap(), X, scoring=RankingScorer(holdout="last"), error_score="raise")


class Sequential(Latest):
    """Says that it needs timestamps."""

    def _needs_times(self):
        return True


@pytest.mark.parametrize(
    "model", [Sequential(), make_pipeline(MaxAbsScaler(), Sequential())], ids=["alone", "pipeline"]
)
@pytest.mark.parametrize("scoring", [None, RankingScorer(), RankingScorer(holdout=0.3)])
def test_a_model_that_needs_times_is_not_scored_without(T, model, scoring):
    """Without routing a search passes timestamps to fit and to nothing else."""
    X = (T > 0).astype(float)
    names = {"timestamps": T} if isinstance(model, Sequential) else {"sequential__timestamps": T}
    search = GridSearchCV(model, {}, scoring=scoring, cv=3, error_score="raise")
    with pytest.raises(ValueError, match=r"needs timestamps.*enable_metadata_routing=True"):
        search.fit(X, **names)
    with pytest.raises(ValueError, match=r"needs timestamps.*enable_metadata_routing=True"):
        cross_val_score(model, X, scoring=scoring, error_score="raise", params=names)
    fitted = model.fit(X, **names)
    with pytest.raises(ValueError, match="needs timestamps"):
        (scoring or RankingScorer())(fitted, X)


@pytest.mark.parametrize("scoring", [None, RankingScorer(), RankingScorer(["map", "mrr"])])
@pytest.mark.parametrize("search", [GridSearchCV(Overlap(), {}, error_score="raise"), Overlap()])
def test_times_are_not_lost_between_fit_and_score(T, search, scoring):
    """Entries hidden at random where times were given would be an answer to another question."""
    X = (T > 0).astype(float)
    lost = r"Overlap was fitted with timestamps, the scorer got none.*routing=True.*set holdout"
    scored = clone(search)
    if isinstance(search, GridSearchCV):
        scored.set_params(scoring=scoring)
        if isinstance(scoring, RankingScorer) and isinstance(scoring.metric, list):
            scored.set_params(refit="map@10")
        with pytest.raises(ValueError, match=lost):
            scored.fit(X, timestamps=T)
        scored.set_params(scoring=RankingScorer(holdout=0.2), refit=True).fit(X, timestamps=T)
    else:
        scored.fit(X, timestamps=T)
    with pytest.raises(ValueError, match=lost):
        (scoring or RankingScorer())(scored, X)
    assert RankingScorer(holdout=0.2)(scored, X) > 0
    assert RankingScorer()(scored, X, timestamps=T) > 0
    even = np.arange(20) % 2 == 0
    history, held_out = X.toarray() * even, X.toarray() * ~even
    assert RankingScorer()(scored, history, held_out) > 0  # nothing is hidden
    without = Overlap().fit(X, timestamps=T).fit(X)
    assert RankingScorer()(without, X) > 0


def test_a_model_that_needs_times_is_scored_on_the_latest_entry(T, routing):
    X = (T > 0).astype(float)
    last = RankingScorer(holdout="last")
    for model in (Sequential(), make_pipeline(MaxAbsScaler(), Sequential())):
        scores = [
            cross_val_score(model, X, scoring=scoring, cv=3, params={"timestamps": T})
            for scoring in (None, RankingScorer(), last)
            if scoring is not None or isinstance(model, Sequential)
        ]
        for score in scores:
            assert_allclose(score, scores[-1])


class Plain(BaseEstimator):
    """Not a recommender of this package: fit and predict are all that the scorer needs."""

    def fit(self, X, y=None):
        self.popularity_ = np.asarray(X.sum(axis=0)).ravel()
        return self

    def predict(self, X):
        return np.tile(self.popularity_, (X.shape[0], 1))


def test_any_estimator_with_a_score_per_item(X):
    scores = cross_val_score(Plain(), X, scoring=RankingScorer())
    expected = cross_val_score(PopularityRecommender(popularity="sum"), X, scoring=RankingScorer())
    assert_allclose(scores, expected)
