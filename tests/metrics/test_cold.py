"""Scorers of cold users and items: so many entries given, some items ranked."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import ContentRecommender, PopularityRecommender
from skattnrec.attention import AttentionRecommender
from skattnrec.metrics import LikelihoodScorer, RankingScorer, ndcg_at_k, rank_items, recall_at_k
from skattnrec.model_selection import compare_recommenders, split_interactions


class Oracle(BaseEstimator):
    """Score row by row as a fixed matrix says."""

    def __init__(self, scores):
        self.scores = scores

    def predict(self, X, timestamps=None):
        self.seen_ = X
        return np.asarray(self.scores)[: X.shape[0]]


def interactions(n_users=40, n_items=30, seed=0):
    rng = np.random.default_rng(seed)
    known = rng.random((n_users, n_items)) < 0.3
    return sp.csr_array(known * rng.integers(1, 6, known.shape).astype(float))


def times_of(X):
    times = np.random.default_rng(5).random(X.nnz)
    return sp.csr_array((times, X.indices, X.indptr), shape=X.shape)


X = interactions()
SCORES = np.random.default_rng(1).random(X.shape)
COLD = np.array([3, 4, 11, 17, 25, 29])


# -- so many entries given ------------------------------------------------------------------------


@pytest.mark.parametrize("n_given", [0, 1, 4, 9])
@pytest.mark.parametrize("T", [None, times_of(X)], ids=["random", "by time"])
def test_n_given_hides_what_split_interactions_hides(n_given, T):
    history, held_out = split_interactions(
        X, method="given_n", n_given=n_given, timestamps=T, random_state=3
    )
    oracle = Oracle(SCORES)
    scorer = RankingScorer("recall@5", n_given=n_given, random_state=3)
    score = scorer(oracle, X, timestamps=T)
    assert_array_equal(oracle.seen_.toarray(), history.toarray())
    assert score == pytest.approx(recall_at_k(rank_items(SCORES, history, k=5), held_out, k=5))


def test_rows_with_no_more_entries_are_not_scored():
    R = np.tril(np.ones((6, 6)))  # 1 to 6 entries
    values = RankingScorer("recall@6", n_given=3).score_users(Oracle(np.ones((6, 6))), R)
    assert_array_equal(np.isnan(values["recall@6"]), [True] * 3 + [False] * 3)
    with pytest.raises(ValueError, match="no row has a relevant held-out item"):
        RankingScorer(n_given=6)(Oracle(np.ones((6, 6))), R)


def test_likelihood_with_n_given():
    model = AttentionRecommender(regularization=5).fit(X)
    history, held_out = split_interactions(X, method="given_n", n_given=2, random_state=0)
    expected = LikelihoodScorer()(model, history, held_out)
    assert LikelihoodScorer(n_given=2)(model, X) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"holdout=0.2 has no effect beside n_given=2"):
        LikelihoodScorer(holdout=0.2, n_given=2)(model, X)


def test_two_ways_to_hide_are_refused():
    for holdout in (0.2, "last"):
        with pytest.raises(ValueError, match=r"holdout=.* has no effect beside n_given=2"):
            RankingScorer(holdout=holdout, n_given=2)(Oracle(SCORES), X)
    with pytest.raises(ValueError, match="n_given=2 has no effect: y says what is held out"):
        RankingScorer(n_given=2)(Oracle(SCORES), X, X)
    with pytest.raises(ValueError, match="'n_given' parameter"):
        RankingScorer(n_given=-1)(Oracle(SCORES), X)


def test_times_that_got_lost_are_missed():
    model = PopularityRecommender().fit(X, timestamps=times_of(X))
    with pytest.raises(ValueError, match="was fitted with timestamps, the scorer got none"):
        RankingScorer(n_given=2)(model, X)


# -- some items ranked ----------------------------------------------------------------------------


def test_items_are_ranked_among_themselves():
    history, held_out = split_interactions(X, test_size=0.4)
    scorer = RankingScorer(["ndcg@3", "recall@3"], items=COLD)
    result = scorer(Oracle(SCORES), history, held_out)
    # in the terms of a catalogue that has no other items
    ranked = rank_items(SCORES[:, COLD], history[:, COLD], k=3)
    assert result["ndcg@3"] == pytest.approx(ndcg_at_k(ranked, held_out[:, COLD], k=3))
    assert result["recall@3"] == pytest.approx(recall_at_k(ranked, held_out[:, COLD], k=3))


def test_the_order_of_items_does_not_matter():
    history, held_out = split_interactions(X, test_size=0.4)
    one, other = (
        RankingScorer(items=items)(Oracle(SCORES), history, held_out)
        for items in (COLD, list(COLD[::-1]))
    )
    assert one == other
    everything = RankingScorer(items=np.arange(30))(Oracle(SCORES), history, held_out)
    assert everything == RankingScorer()(Oracle(SCORES), history, held_out)


def test_a_perfect_model_of_the_items_scores_one():
    history, held_out = split_interactions(X, method="items", test_size=0.2)
    cold = np.flatnonzero(held_out.sum(axis=0))
    perfect = held_out.toarray() - 10.0  # all others, known in training, come first
    perfect[:, np.setdiff1d(np.arange(30), cold)] = 5
    assert RankingScorer(items=cold)(Oracle(perfect), history, held_out) == 1
    assert RankingScorer()(Oracle(perfect), history, held_out) < 0.5


@pytest.mark.parametrize(
    ("items", "message"),
    [([30], "columns in"), ([1, 1], "must not repeat"), ([], "non-empty"), ([0.5], "integers")],
)
def test_items_that_make_no_sense(items, message):
    with pytest.raises(ValueError, match=message):
        RankingScorer(items=items)(Oracle(SCORES), X)


def test_nothing_to_find_among_the_items():
    history, held_out = split_interactions(X, method="items", test_size=0.2)
    warm = np.flatnonzero(history.sum(axis=0))
    with pytest.raises(ValueError, match=f"held-out item among the {len(warm)} of items"):
        RankingScorer(items=warm)(Oracle(SCORES), history, held_out)


# -- inside of scikit-learn -----------------------------------------------------------------------

FEATURES = np.random.default_rng(2).normal(size=(30, 4))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_search_for_cold_items(routing, wrapped):
    """Users are in folds, items are held out: what is hidden in y is in no fit."""
    history, held_out = split_interactions(X, method="items", test_size=0.2)
    cold = np.flatnonzero(held_out.sum(axis=0))
    model, name = ContentRecommender(FEATURES), "rating_weight"
    if wrapped:
        model, name = make_pipeline(MaxAbsScaler(), model), "contentrecommender__rating_weight"
    scorer, folds = RankingScorer("recall@3", items=cold), KFold(3)
    with sklearn.config_context(enable_metadata_routing=routing):
        search = GridSearchCV(model, {name: [0.0, 0.5]}, scoring=scorer, cv=folds)
        search.fit(history, held_out)
    expected = [
        scorer(clone(model).set_params(**{name: 0.5}).fit(history[a]), history[b], held_out[b])
        for a, b in folds.split(history)
    ]
    found = [search.cv_results_[f"split{fold}_test_score"][1] for fold in range(3)]
    assert found == expected


@pytest.mark.parametrize("routing", [False, True])
def test_cross_validation_with_n_given(routing):
    scorer, folds = RankingScorer("recall@5", n_given=2), KFold(3)
    given = {"params": {"timestamps": times_of(X)}} if routing else {}
    with sklearn.config_context(enable_metadata_routing=routing):
        found = cross_validate(PopularityRecommender(), X, scoring=scorer, cv=folds, **given)
    T = times_of(X)
    expected = [
        scorer(PopularityRecommender().fit(X[a]), X[b], timestamps=T[b] if routing else None)
        for a, b in folds.split(X)
    ]
    assert list(found["test_score"]) == expected


def test_models_are_compared_on_cold_items():
    history, held_out = split_interactions(X, method="items", test_size=0.3)
    cold = np.flatnonzero(held_out.sum(axis=0))
    board = compare_recommenders(
        {"content": ContentRecommender(FEATURES), "popularity": PopularityRecommender()},
        history,
        held_out,
        scoring=RankingScorer("recall@3", items=cold),
        cv=2,
    )
    assert set(board.index) == {"content", "popularity"}
    assert board["recall@3"].between(0, 1).all()
