import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec.base import BaseRecommender
from skattnrec.baseline import PopularityRecommender
from skattnrec.metrics import RankingScorer
from skattnrec.model_selection import compare_recommenders, paired_tests
from skattnrec.model_selection._significance import mean_interval


class Overlap(BaseRecommender):
    """Score items by how often they occur with those of the history."""

    def _fit(self, X, context):
        self.counts_ = (X.T @ X).toarray()

    def _score(self, X, context):
        return X @ self.counts_


class NeedsTimes(Overlap):
    def _fit(self, X, context):
        assert context.times is not None
        super()._fit(X, context)

    def _score(self, X, context):
        assert context.times is not None
        return super()._score(X, context)


class LateColumns(Overlap):
    def _score(self, X, context):
        return np.tile(np.arange(X.shape[1], dtype=float), (X.shape[0], 1))


@pytest.fixture(scope="module")
def X():
    """Two tastes: users of each prefer their half of the catalogue."""
    rng = np.random.default_rng(0)
    likes = np.repeat([[0.4] * 10 + [0.05] * 10, [0.05] * 10 + [0.4] * 10], 40, axis=0)
    return sp.csr_array((rng.random((80, 20)) < likes).astype(float))


@pytest.fixture(scope="module")
def models():
    return {"popular": PopularityRecommender(), "overlap": Overlap()}


def user_values(model, X, scorer, splits):
    """Cross-validate as a user would by hand."""
    model = clone(model)
    values = {name: np.full(X.shape[0], np.nan) for name in scorer.score_users(model.fit(X), X)}
    for train, test in splits:
        model.fit(X[train])
        for name, value in scorer.score_users(model, X[test]).items():
            values[name][test] = value
    return pd.DataFrame(values).dropna()


def test_equals_cross_validation_by_hand(X, models):
    board = compare_recommenders(models, X, cv=4, random_state=3, confidence_level=0.9)
    assert list(board.index) == ["overlap", "popular"]
    assert board.index.name == "model"
    scorer = RankingScorer(["ndcg@10", "recall@20"], random_state=3)
    splits = list(KFold(4, shuffle=True, random_state=3).split(X))
    values = {name: user_values(model, X, scorer, splits) for name, model in models.items()}
    for metric in ("ndcg@10", "recall@20"):
        for name in models:
            columns = [metric, f"{metric}_low", f"{metric}_high"]
            expected = mean_interval(values[name][metric], 0.9)
            assert_allclose(board.loc[name, columns].astype(float), expected)
    by_model = pd.DataFrame({name: value["ndcg@10"] for name, value in values.items()})
    [expected] = paired_tests(by_model, 0.9).to_dict("records")
    [pair] = [pair for pair in board.attrs["pairs"] if pair["metric"] == "ndcg@10"]
    assert pair.pop("metric") == "ndcg@10"
    assert pair == pytest.approx(expected)
    assert board.loc["popular", "ndcg@10_p"] == pytest.approx(pair["p_value"])
    assert board.loc["overlap", "ndcg@10_p"] == 1
    assert board.attrs["n_users"] == len(by_model)


def test_tells_clear_differences_from_none(X, models):
    models = {**models, "same": Overlap(), "scaled": PopularityRecommender(popularity="sum")}
    board = compare_recommenders(models, X, scoring="ndcg@5")
    assert set(board.index[:2]) == {"overlap", "same"}
    assert (board.loc[["overlap", "same"], "ndcg@5_p"] == 1).all()
    assert (board.loc[["popular", "scaled"], "ndcg@5_p"] < 0.001).all()
    assert len(board.attrs["pairs"]) == 6


def test_columns(X, models):
    board = compare_recommenders(models, X, scoring=["map", "recall@5"], cv=2)
    assert list(board.columns) == [
        *("map@10", "map@10_low", "map@10_high", "map@10_p"),
        *("recall@5", "recall@5_low", "recall@5_high", "recall@5_p"),
        *("fit_seconds", "recommend_seconds"),
    ]
    assert np.isfinite(board.to_numpy()).all()
    pairs = pd.DataFrame(board.attrs["pairs"])
    assert list(pairs.columns) == [
        "metric",
        "better",
        "worse",
        "difference",
        "low",
        "high",
        "p_value",
    ]


def test_is_sorted_by_the_first_metric(X):
    """The order of the rows is that of the means, not of the dict."""
    models = {f"by {by}": PopularityRecommender(by) for by in ("sum", "count")}
    ratings = X * np.random.default_rng(0).integers(1, 50, X.shape)
    board = compare_recommenders(models, ratings, scoring=["mrr", "precision"])
    backwards = compare_recommenders(
        dict(reversed(models.items())), ratings, scoring=["mrr", "precision"]
    )
    assert board["mrr@10"].is_monotonic_decreasing
    assert_allclose(board["mrr@10"], backwards["mrr@10"])


def test_all_models_meet_the_same_hidden_entries(X):
    """Even if the scorer draws anew on every call."""
    models = {"one": Overlap(), "two": Overlap()}
    for random_state in (None, np.random.RandomState(0)):
        board = compare_recommenders(
            models, X, scoring=RankingScorer(random_state=random_state), random_state=random_state
        )
        assert board["ndcg@10"].nunique() == 1


def test_processes_and_order_change_nothing(X, models):
    alone = compare_recommenders(models, X, cv=3)
    both = compare_recommenders(dict(reversed(models.items())), X, cv=3, n_jobs=2)
    columns = [c for c in alone.columns if not c.endswith("seconds")]
    pd.testing.assert_frame_equal(alone[columns], both[columns], check_names=False)


def test_reports_progress(X, models):
    calls = []
    compare_recommenders(models, X, cv=3, callback=lambda *call: calls.append(call))
    names = ["popular", "overlap"] * 3
    assert calls == [(done, 6, name) for done, name in enumerate(names, 1)]


def test_timestamps_go_through_pipelines_and_searches(X):
    T = X * np.random.default_rng(0).random(X.shape)
    models = {
        "plain": NeedsTimes(),
        "pipeline": make_pipeline(MaxAbsScaler(), NeedsTimes()),
        "search": GridSearchCV(
            make_pipeline(MaxAbsScaler(), NeedsTimes()),
            {"maxabsscaler__copy": [True]},
            scoring=RankingScorer(holdout="last"),
        ),
    }
    board = compare_recommenders(
        models, X, timestamps=T, scoring=RankingScorer(holdout="last"), cv=2
    )
    assert board["ndcg@10"].nunique() == 1


def test_held_out_ratings(X, models):
    rng = np.random.default_rng(0)
    hidden = X * (rng.random(X.shape) < 0.3)
    history = sp.csr_array(X - hidden)
    history.eliminate_zeros()
    board = compare_recommenders(models, history, sp.csr_array(hidden), cv=2)
    dense = compare_recommenders(models, history, hidden.toarray(), cv=2)
    assert board.loc["overlap", "ndcg@10"] == dense.loc["overlap", "ndcg@10"]
    assert board.attrs["n_users"] == np.count_nonzero(hidden.sum(axis=1))


@pytest.mark.parametrize("shape", [(81, 20), (79, 20), (80, 19)])
def test_held_out_ratings_have_the_shape_of_X(shape, X, models):
    with pytest.raises(ValueError, match=r"y has shape .*, X has \(80, 20\)"):
        compare_recommenders(models, X, np.ones(shape), cv=2)


def test_a_user_tested_twice_counts_once(X, models):
    everyone = np.arange(80)
    once = compare_recommenders(models, X, cv=[(everyone, everyone)])
    twice = compare_recommenders(models, X, cv=[(everyone, everyone)] * 2)
    columns = [c for c in once.columns if not c.endswith("seconds")]
    assert_allclose(once[columns], twice[columns])
    repeated = compare_recommenders(models, X, cv=RepeatedKFold(n_splits=2, n_repeats=2))
    assert repeated.attrs["n_users"] == once.attrs["n_users"]


def test_a_user_tested_under_several_fits_counts_with_the_mean(X, models):
    """Not with the first or the last value, nor with one for each fold."""
    scorer = RankingScorer("recall@3", random_state=1)
    trainings = [np.arange(0, 10), np.arange(20, 60), np.arange(60, 80)]
    tested = np.arange(0, 80, 2)
    by_hand = {
        name: np.mean(
            [
                scorer.score_users(clone(model).fit(X[train]), X[tested])["recall@3"]
                for train in trainings
            ],
            axis=0,
        )
        for name, model in models.items()
    }
    board = compare_recommenders(
        models, X, scoring=scorer, cv=[(train, tested) for train in trainings]
    )
    for name, values in by_hand.items():
        columns = ["recall@3", "recall@3_low", "recall@3_high"]
        assert_allclose(
            board.loc[name, columns].astype(float), mean_interval(values[~np.isnan(values)])
        )
    assert board.attrs["n_users"] == np.count_nonzero(~np.isnan(by_hand["popular"]))
    pair = board.attrs["pairs"][0]
    differences = by_hand[pair["better"]] - by_hand[pair["worse"]]
    expected = mean_interval(differences[~np.isnan(differences)])
    assert_allclose([pair["difference"], pair["low"], pair["high"]], expected)


def test_with_times_the_latest_entry_is_hidden(X, models):
    T = sp.csr_array(X * np.random.default_rng(0).random(X.shape))
    last = RankingScorer(["ndcg@10", "recall@20"], holdout="last", random_state=0)
    for scoring in (None, ["ndcg@10", "recall@20"], RankingScorer(["ndcg@10", "recall@20"])):
        board = compare_recommenders(models, X, timestamps=T, scoring=scoring, cv=2)
        expected = compare_recommenders(models, X, timestamps=T, scoring=last, cv=2)
        columns = [c for c in board.columns if not c.endswith("seconds")]
        assert_allclose(board[columns], expected[columns])


def test_on_noise_with_equal_times_no_model_beats_chance(models):
    """Were equal times ordered by column, whoever learns that high columns come last would win."""
    rng = np.random.default_rng(0)
    X = sp.csr_array((rng.random((400, 30)) < 0.2).astype(float))
    T = sp.csr_array((np.full(X.nnz, 7.0), X.indices, X.indptr), shape=X.shape)
    candidates = {**models, "late columns": LateColumns()}
    board = compare_recommenders(candidates, X, timestamps=T, scoring="hit_rate@5", cv=2)
    chance = np.mean(5 / (31 - np.diff(X.indptr)[np.diff(X.indptr) > 1]))
    assert_allclose(board["hit_rate@5"], chance, atol=0.08)


def test_frames_in_another_order_are_refused(X, models):
    frame = pd.DataFrame(X.toarray(), columns=[f"i{i}" for i in range(20)])
    with pytest.raises(ValueError, match="timestamps and X are DataFrames whose columns differ"):
        compare_recommenders(models, frame, timestamps=frame[frame.columns[::-1]])


def test_one_model_is_a_leaderboard_too(X):
    board = compare_recommenders({"alone": Overlap()}, X, cv=2)
    assert board.shape[0] == 1
    assert board["ndcg@10_p"].item() == 1
    assert board.attrs["pairs"] == []


def test_does_not_fit_what_it_is_given(X, models):
    compare_recommenders(models, X, cv=2)
    assert not any(hasattr(model, "prior_") for model in models.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimators": {}}, "estimators must not be empty"),
        ({"estimators": [Overlap()]}, "'estimators' parameter"),
        ({"scoring": "auc"}, "metric must be one of"),
        ({"confidence_level": 95}, "'confidence_level' parameter"),
        ({"cv": 81}, "cv=81 folds need as many users, X has 80"),
        ({"callback": "bar"}, "'callback' parameter"),
        ({"scoring": RankingScorer(relevance_threshold=6)}, "0 users have relevant held-out items"),
    ],
    ids=str,
)
def test_refuses_wrong_parameters(X, models, options, message):
    with pytest.raises(ValueError, match=message):
        compare_recommenders(**{"estimators": models, "X": X, **options})
