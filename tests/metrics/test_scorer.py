import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone

from skattnrec import _blocks
from skattnrec.metrics import (
    RankingScorer,
    make_ranking_scorer,
    ndcg_at_k,
    rank_items,
    recall_at_k,
)
from skattnrec.model_selection import split_interactions


class Oracle(BaseEstimator):
    """Score row by row as a fixed matrix says."""

    def __init__(self, scores):
        self.scores = scores

    def predict(self, X, timestamps=None):
        self.seen_ = X
        self.seen_times_ = timestamps
        return np.asarray(self.scores)[: X.shape[0]]


class Favourites(BaseEstimator):
    """The same scores for everybody."""

    def __init__(self, scores):
        self.scores = scores

    def predict(self, X):
        return np.tile(np.asarray(self.scores, float), (X.shape[0], 1))


class Overlap(BaseEstimator):
    """Score items by how often they occur with those of the history."""

    def fit(self, X, y=None):
        X = sp.csr_array(X)
        self.counts_ = (X.T @ X).toarray()
        return self

    def predict(self, X):
        return X @ self.counts_


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return sp.csr_array((rng.random((80, 40)) < 0.2) * rng.integers(1, 6, (80, 40)).astype(float))


def with_times(X, seed=0):
    times = np.random.default_rng(seed).random(X.nnz)
    return sp.csr_array((times, X.indices, X.indptr), shape=X.shape)


# -- what is hidden -------------------------------------------------------------------------------


def test_hides_what_split_interactions_hides(X):
    oracle = Oracle(np.random.default_rng(0).random(X.shape))
    for random_state in (0, 1):
        history, held_out = split_interactions(X, test_size=0.3, random_state=random_state)
        scorer = RankingScorer("recall", k=5, holdout=0.3, random_state=random_state)
        score = scorer(oracle, X)
        assert (oracle.seen_ != history).nnz == 0
        expected = recall_at_k(rank_items(oracle.scores, history, k=5), held_out, k=5)
        assert score == pytest.approx(expected)


def test_holdout_depends_on_the_row_alone(X):
    model = Overlap().fit(X)
    scorer = RankingScorer(["ndcg@5", "map@10"])
    values = scorer.score_users(model, X)
    order = np.random.default_rng(1).permutation(X.shape[0])[:50]
    for name, part in scorer.score_users(model, X[order]).items():
        assert_allclose(part, values[name][order], rtol=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        lambda X: X.astype(np.float32),
        lambda X: sp.csc_array(X),
        lambda X: sp.csr_matrix(X),
        lambda X: X.toarray(),
        lambda X: (X > 0).astype(float),
    ],
    ids=["float32", "csc_array", "csr_matrix", "dense", "binary"],
)
def test_holdout_depends_on_the_set_of_items_alone(X, other):
    model = Favourites(np.random.default_rng(0).random(X.shape[1]))
    scorer = RankingScorer()
    assert_array_equal(
        scorer.score_users(model, other(X))["ndcg@10"], scorer.score_users(model, X)["ndcg@10"]
    )


def test_does_not_change_its_arguments(X):
    before, T = X.copy(), with_times(X)
    RankingScorer(holdout="last")(Oracle(np.zeros(X.shape)), X, timestamps=T)
    assert (before != X).nnz == 0
    assert (with_times(X) != T).nnz == 0


def test_holdout_last_hides_the_latest_entry():
    X = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0]])
    T = sp.csr_array(X, dtype=float)
    T.data[:] = [5, 9, 7, 3, 2, 1, 3, 4, 8]  # user 3: nothing to hide
    oracle = Oracle(np.tile([0.4, 0.3, 0.2, 0.1], (4, 1)))
    scorer = RankingScorer("hit_rate", k=1, holdout="last")
    values = scorer.score_users(oracle, X, timestamps=T)["hit_rate@1"]
    assert_array_equal(
        oracle.seen_.toarray(), [[1, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 1, 0]]
    )
    # user 0: 1 is best unseen and hidden; user 1: 0; user 2: 0 is better than hidden 2
    assert_array_equal(values, [1, 1, 0, np.nan])
    assert_array_equal(oracle.seen_times_.data, [5, 7, 2, 1, 3, 8])
    assert_array_equal(oracle.seen_times_.indices, oracle.seen_.indices)


def test_auto_hides_the_latest_entry_if_there_are_times_else_a_share(X):
    T, auto = with_times(X), RankingScorer()
    assert auto.holdout == "auto"
    for timestamps, holdout in ((None, 0.2), (T, "last")):
        expected = RankingScorer(holdout=holdout).hold_out(X, timestamps=timestamps)
        found = auto.hold_out(X, timestamps=timestamps)
        for one, other in zip(found[:2], expected[:2], strict=True):
            assert (one != other).nnz == 0


def test_of_equal_latest_times_columns_do_not_decide():
    """With all times equal, a model that knows nothing earns chance, whatever columns it likes."""
    rng = np.random.default_rng(0)
    X = (rng.random((2000, 40)) < 0.3).astype(float)
    T = sp.csr_array(X * 5)
    likes = np.tile(np.arange(40.0), (2000, 1)), np.tile(np.arange(40.0)[::-1], (2000, 1))
    low, high = (RankingScorer("recall@5")(Oracle(s), X, timestamps=T) for s in likes)
    chance = 5 / (40 * 0.7 + 1)
    assert low == pytest.approx(chance, rel=0.15)
    assert high == pytest.approx(chance, rel=0.15)
    history = RankingScorer().hold_out(X, timestamps=T)[0]
    other = RankingScorer(random_state=1).hold_out(X, timestamps=T)[0]
    assert (history != other).nnz > 0


def test_timestamps_are_passed_on_only_if_given(X):
    RankingScorer()(Favourites(np.arange(40)), X)  # its predict takes no timestamps
    oracle = Oracle(np.zeros(X.shape))
    RankingScorer(holdout=0.2)(oracle, X, timestamps=with_times(X))
    history, _ = split_interactions(with_times(X))
    assert (oracle.seen_times_ != history).nnz == 0


def test_a_given_y_is_held_out_and_all_of_X_is_history(X):
    history, held_out = split_interactions(X, random_state=3)
    oracle = Oracle(np.random.default_rng(0).random(X.shape))
    expected = ndcg_at_k(rank_items(oracle.scores, history, k=10), held_out)
    for y in (held_out, held_out.toarray(), sp.coo_matrix(held_out)):
        assert RankingScorer()(oracle, history, y) == pytest.approx(expected)
        assert (oracle.seen_ != history).nnz == 0


def test_items_of_the_history_are_no_targets():
    X, y = np.array([[1, 0, 0, 0]]), np.array([[1, 1, 0, 0]])
    assert RankingScorer("recall", k=1)(Favourites([4, 3, 2, 1]), X, y) == 1
    with pytest.raises(ValueError, match="no row has a relevant held-out item"):
        RankingScorer()(Favourites([4, 3, 2, 1]), X, X)


# -- what is relevant -----------------------------------------------------------------------------


def test_relevance_threshold():
    X = np.array([[1, 0, 0, 0, 0]] * 2)
    y = np.array([[0, 5, 4, 3, -1], [0, 0, 0, 0, 2]])
    model = Favourites([5, 4, 3, 2, 1])

    def recall(threshold):
        scorer = RankingScorer("recall", k=2, relevance_threshold=threshold)
        return scorer.score_users(model, X, y)["recall@2"]

    assert_allclose(recall(None), [2 / 3, 0])
    assert_allclose(recall(4), [2 / 2, np.nan])
    assert_allclose(recall(5), [1 / 1, np.nan])
    assert_allclose(recall(-1), [2 / 4, 0])
    with pytest.raises(ValueError, match="lower relevance_threshold=6"):
        RankingScorer(relevance_threshold=6)(model, X, y)


@pytest.mark.parametrize("gain", ["binary", "linear", "exp2"])
def test_gain(X, gain):
    history, held_out = split_interactions(X)
    scores = np.random.default_rng(0).random(X.shape)
    expected = ndcg_at_k(rank_items(scores, history, k=10), held_out, gain=gain)
    assert RankingScorer(gain=gain)(Oracle(scores), X) == pytest.approx(expected)


# -- several metrics ------------------------------------------------------------------------------


def test_a_list_of_metrics_is_a_dict_of_scores(X):
    model = Overlap().fit(X)
    names = ["ndcg", "ndcg@20", "precision@1", "recall@20", "map", "mrr@7", "hit_rate"]
    scores = RankingScorer(names, k=5)(model, X)
    keys = ["ndcg@5", "ndcg@20", "precision@1", "recall@20", "map@5", "mrr@7", "hit_rate@5"]
    assert list(scores) == keys
    for key, score in scores.items():
        assert RankingScorer(key)(model, X) == score
        metric, k = key.split("@")
        assert make_ranking_scorer(metric, k=int(k))(model, X) == score


def test_predicts_once_for_all_metrics(X):
    class Counting(Favourites):
        n_calls = 0

        def predict(self, X):
            Counting.n_calls += 1
            return super().predict(X)

    RankingScorer(["ndcg@1", "ndcg@10", "recall@20"])(Counting(np.arange(40)), X)
    assert Counting.n_calls == 1


def test_a_function_is_a_metric(X):
    model = Overlap().fit(X)
    scores = RankingScorer([recall_at_k, "recall"], k=7)(model, X)
    assert list(scores) == ["recall_at_k@7", "recall@7"]
    assert scores["recall_at_k@7"] == scores["recall@7"]
    assert make_ranking_scorer(recall_at_k, k=7)(model, X) == scores["recall@7"]


def test_two_metrics_of_one_name_are_refused(X):
    """The values of one would be lost."""

    def first(recommended, relevant, k, average):
        return np.ones(len(recommended))

    def second(recommended, relevant, k, average):
        return np.zeros(len(recommended))

    second.__name__ = "first"
    model = Favourites(np.arange(40))
    for twice in ([first, second], ["ndcg", "ndcg@10"], [partial(first), partial(second)]):
        with pytest.raises(ValueError, match="twice: the values of one would be lost"):
            RankingScorer(twice)(model, X)
    second.__name__ = "second"
    assert RankingScorer([first, second])(model, X) == {"first@10": 1, "second@10": 0}


def test_frames_in_another_order_are_refused(X):
    frame = pd.DataFrame(X.toarray(), columns=[f"i{j}" for j in range(40)])
    y = frame.mask(frame > 0, 0) + 1.0
    model = Favourites(np.arange(40))
    expected = RankingScorer()(model, X.toarray(), y.to_numpy())
    assert RankingScorer()(model, frame, y) == expected
    with pytest.raises(ValueError, match=r"y and X are DataFrames whose columns differ.*reindex"):
        RankingScorer()(model, frame, y[y.columns[::-1]])
    with pytest.raises(ValueError, match="timestamps and X are DataFrames whose index differ"):
        RankingScorer()(model, frame, timestamps=frame[::-1])


# -- edges ----------------------------------------------------------------------------------------


def test_works_in_blocks(X, monkeypatch):
    model, T = Overlap().fit(X), with_times(X)
    expected = RankingScorer().score_users(model, X)["ndcg@10"]
    oracle = Oracle(np.zeros((7, X.shape[1])))
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 7 * X.shape[1])
    assert_allclose(RankingScorer().score_users(model, X)["ndcg@10"], expected)
    RankingScorer(holdout="last")(oracle, X, timestamps=T)
    assert oracle.seen_.shape[0] == 80 % 7
    last_rows = split_interactions(T, method="leave_k_out", timestamps=T)[0][77:]
    assert (oracle.seen_times_ != last_rows).nnz == 0


def test_cutoffs_beyond_the_catalogue_mean_all_items(X):
    model = Overlap().fit(X)
    scores = RankingScorer(["recall@1000", "recall@40", "ndcg@1000", "ndcg@40"])(model, X)
    assert scores["recall@1000"] == scores["recall@40"] == 1
    assert scores["ndcg@1000"] == scores["ndcg@40"]


def test_constant_scores_earn_chance():
    """Neither ties nor the items of the history flatter a model that knows nothing."""
    rng = np.random.default_rng(0)
    X = (rng.random((3000, 50)) < 0.2).astype(float)
    same = RankingScorer()(Favourites(np.zeros(50)), X)
    chance = RankingScorer()(Oracle(rng.random(X.shape)), X)
    assert same == pytest.approx(chance, rel=0.1)


def test_rows_with_one_entry_are_not_scored():
    X = np.array([[1, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    values = RankingScorer().score_users(Favourites([4, 3, 2, 1]), X)["ndcg@10"]
    assert_array_equal(np.isnan(values), [False, True, True])
    with pytest.raises(ValueError, match=r"ndcg@10 is undefined.*more entries"):
        RankingScorer()(Favourites([4, 3, 2, 1]), X[1:])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"metric": "auc"}, "metric must be one of ndcg, precision.*got 'auc'"),
        ({"metric": "ndcg@0"}, "got 'ndcg@0'"),
        ({"metric": "ndcg@ten"}, "got 'ndcg@ten'"),
        ({"metric": []}, "empty"),
        ({"k": 0}, "'k' parameter"),
        ({"holdout": 1.0}, "'holdout' parameter"),
        ({"holdout": "first"}, "'holdout' parameter"),
        ({"gain": "cubic"}, "'gain' parameter"),
        ({"holdout": "last"}, "holdout='last' needs timestamps"),
        ({"k": 5, "metric": ["ndcg@10", "recall@20"]}, "k=5 has no effect"),
        ({"gain": "exp2", "metric": ["recall", "map"]}, "gain='exp2' has no effect"),
    ],
)
def test_refuses_wrong_parameters(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        RankingScorer(**parameters)(Favourites(np.arange(40)), X)


def test_refuses_wrong_data(X):
    model, scorer = Favourites(np.arange(40)), RankingScorer()
    with pytest.raises(ValueError, match="y must be None or a matrix"):
        scorer(model, X, np.ones(80))
    with pytest.raises(ValueError, match=r"y has shape \(80, 39\), X has \(80, 40\)"):
        scorer(model, X, X[:, :39])
    with pytest.raises(ValueError, match="timestamps has shape"):
        scorer(model, X, timestamps=with_times(X)[:5])
    with pytest.raises(ValueError, match=r"predict of Favourites returned scores of shape"):
        scorer(Favourites(np.arange(39)), X)
    with pytest.raises(ValueError, match="NaN at row 0, column 1"):
        scorer(Favourites([0, np.nan] + [0] * 38), X)


def test_is_a_parameter_object(X):
    scorer = RankingScorer("recall@20", holdout="last", relevance_threshold=4)
    shown = "RankingScorer(holdout='last', metric='recall@20', relevance_threshold=4)"
    assert repr(scorer) == shown
    for copy in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert repr(copy) == shown
        assert copy.get_params() == scorer.get_params()
    model = Overlap().fit(X)
    copy = pickle.loads(pickle.dumps(RankingScorer(["ndcg", "map"])))
    assert copy(model, X) == RankingScorer(["ndcg", "map"])(model, X)
    assert copy.score(model, X) == copy(model, X)
