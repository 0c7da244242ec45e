"""Probabilities and samples of the next item."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import AttentionRecommender
from skattnrec.metrics import LikelihoodScorer
from skattnrec.model_selection import split_interactions


def ratings(seed=0, n_users=30, n_items=8):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, (n_users, n_items)) * (rng.random((n_users, n_items)) < 0.5)
    X[np.arange(n_users), rng.integers(n_items, size=n_users)] = 5
    return X.astype(float)


def test_probabilities_are_a_softmax_of_standardized_scores():
    X = ratings()
    model = AttentionRecommender().fit(X)
    scores = model.predict(X)
    e = np.exp(scores / scores.std(axis=1, keepdims=True) / 0.7)
    assert_allclose(
        model.predict_proba(X, temperature=0.7, exclude_seen=False),
        e / e.sum(axis=1, keepdims=True),
        atol=1e-12,
    )
    e[X > 0] = 0
    expected = e / e.sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X, temperature=0.7), expected, atol=1e-12)


def test_scale_and_shift_of_scores_change_nothing():
    X = ratings(1)
    one = AttentionRecommender(relevance_threshold=1).fit(X)
    other = AttentionRecommender(relevance_threshold=1).fit(X)
    other._votes = other._votes.times(np.full(8, 100.0))
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-12)


def test_temperature_goes_from_the_best_item_to_all_alike():
    X = ratings(2)
    best = AttentionRecommender().fit(X)
    probabilities = best.predict_proba(X, temperature=1e-5)
    indices, _ = best.recommend(X, k=1)
    assert_array_equal(probabilities.argmax(axis=1), indices[:, 0])
    assert probabilities.max(axis=1).min() > 0.99
    for extreme in (1e-320, 1e300):
        assert np.isfinite(best.predict_proba(X, temperature=extreme)).all()
        assert np.isfinite(best.predict_proba(X.astype("f"), temperature=extreme)).all()
    flat = best.predict_proba(X, temperature=1e6)
    unseen = X == 0
    assert_allclose(flat, unseen / unseen.sum(axis=1, keepdims=True), atol=1e-5)


def test_full_and_empty_histories_have_probabilities():
    X = ratings(3)
    model = AttentionRecommender().fit(X)
    full = model.predict_proba(np.full((1, 8), 5.0))
    empty = model.predict_proba(np.zeros((1, 8)))
    for probabilities in (full, empty):
        assert_allclose(probabilities.sum(), 1)
    assert_array_equal(np.argsort(-empty[0]), np.argsort(-model.prior_))


def test_samples_follow_the_probabilities():
    X = ratings(4)[:1]
    model = AttentionRecommender().fit(ratings(4))
    rows = np.repeat(X, 20000, axis=0)
    drawn = model.sample(rows, random_state=0, temperature=2)
    shares = np.bincount(drawn, minlength=8) / 20000
    assert_allclose(
        shares, model.predict_proba(X, temperature=2)[0], atol=0.015
    )  # 4 standard errors
    assert not shares[X[0] > 0].any()
    assert_array_equal(drawn, model.sample(rows, random_state=0, temperature=2))


class Fixed:
    """Probabilities by hand."""

    def __init__(self, probabilities):
        self.probabilities = np.asarray(probabilities)

    def predict_proba(self, X):
        return np.tile(self.probabilities, (X.shape[0], 1))


def test_log_loss_and_perplexity_by_hand():
    X = np.array([[1.0, 0, 0, 0], [0, 0, 0, 1]])
    held_out = np.array([[0.0, 1, 1, 0], [1, 0, 0, 0]])
    model = Fixed([0.5, 0.25, 0.125, 0.125])
    loss = np.log([4, 8, 2]).mean()
    assert_allclose(LikelihoodScorer("log_loss")(model, X, held_out), -loss)
    assert_allclose(LikelihoodScorer("perplexity")(model, X, held_out), -np.exp(loss))
    uniform = LikelihoodScorer("perplexity", holdout=0.5)(Fixed([0.25] * 4), ratings()[:, :4])
    assert_allclose(uniform, -4)


def test_certainty_that_is_wrong_costs_a_finite_amount():
    X, held_out = np.array([[1.0, 0]]), np.array([[0.0, 1]])
    assert np.isfinite(LikelihoodScorer()(Fixed([1.0, 0.0]), X, held_out))


def test_a_model_is_better_than_popularity_and_than_guessing():
    rng = np.random.default_rng(5)
    taste = rng.integers(2, size=300)
    likes = np.where(np.arange(20)[None] // 10 == taste[:, None], 0.6, 0.05)
    X = (rng.random((300, 20)) < likes).astype(float)
    X[np.arange(300), taste * 10] = 1
    history, held_out = split_interactions(X, test_size=0.3, random_state=0)
    scorer = LikelihoodScorer("perplexity")
    model = AttentionRecommender(regularization=20).fit(history)
    blind = Fixed(history.sum(axis=0) / history.sum())
    assert scorer(model, history, held_out) > scorer(blind, history, held_out) > -25


def test_models_without_probabilities_are_refused():
    with pytest.raises(TypeError, match="object has no predict_proba"):
        LikelihoodScorer(holdout=0.5)(object(), ratings())
    with pytest.raises(ValueError, match="no row has a held-out item"):
        LikelihoodScorer()(Fixed([1]), np.eye(3), np.eye(3))


def test_temperature_of_probabilities_is_checked():
    model = AttentionRecommender().fit(ratings())
    for wrong in (0, -1, "warm"):
        with pytest.raises(ValueError, match="'temperature'"):
            model.predict_proba(ratings(), temperature=wrong)


def test_the_scorer_hands_its_temperature_on():
    X = ratings(6)
    model = AttentionRecommender().fit(X)
    history, held_out = split_interactions(X, test_size=0.3, random_state=0)
    scores = [LikelihoodScorer(temperature=t)(model, history, held_out) for t in (1, 1e9)]
    known = history.shape[1] - np.diff(history.indptr)
    even = np.log(known)[np.repeat(np.arange(30), np.diff(held_out.indptr))].mean()
    assert_allclose(scores[1], -even, rtol=1e-6)
    assert scores[0] != scores[1]
