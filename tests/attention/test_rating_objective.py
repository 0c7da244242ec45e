import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import (
    AttentionRecommender,
    BaselinePredictor,
    MultiHeadAttentionRecommender,
    RatingRegressor,
)
from skattnrec.attention import _rating


def make_ratings(n_users=150, n_items=30, density=0.5, seed=0):
    rng = np.random.default_rng(seed)
    biases = rng.normal(0, 0.3, (n_users, 1)) + rng.normal(0, 0.4, n_items)
    taste = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    ratings = 3 + biases + 0.7 * taste + 0.2 * rng.normal(size=taste.shape)
    known = rng.random(ratings.shape) < density
    return sp.csr_array(np.where(known, ratings, 0)), ratings, known


X, RATINGS, KNOWN = make_ratings()
MODELS = [
    AttentionRecommender(objective="rating", regularization=5),
    MultiHeadAttentionRecommender(objective="rating", regularization=5),
]


@pytest.mark.parametrize("recommender", MODELS)
def test_taste_is_learned(recommender):
    def error(model):
        return np.sqrt(np.mean((model.fit(X).predict(X) - RATINGS)[~KNOWN] ** 2))

    assert error(recommender) < 0.7 * error(BaselinePredictor())


def test_votes_by_definition():
    """Every other item may vote here: a ridge regression for each item, in dense numpy."""
    model = AttentionRecommender(np.inf, objective="rating", regularization=8, smoothing=0.5)
    model.fit(X)
    baseline = BaselinePredictor(max_iter=10, tol=0).fit(X)
    B = baseline.predict(X)
    residuals = np.where(KNOWN, RATINGS - B, 0)
    attention = KNOWN / np.sqrt(KNOWN.sum(axis=1, keepdims=True))
    scale = np.sqrt(np.mean(residuals[KNOWN] ** 2))
    penalty = 8 * np.mean(attention[KNOWN] ** 2) * scale**2
    expected = B.copy()
    for item in range(30):
        others = np.arange(30) != item
        A = np.hstack([(attention * residuals)[:, others], scale * attention[:, others]])
        own = KNOWN[:, item]
        system = A[own].T @ A[own] + penalty * np.eye(58)
        votes = np.linalg.solve(system, A[own].T @ residuals[own, item])
        expected[:, item] += A @ votes
        found = [
            V[0][:, [item]].toarray()[others, 0] for V in (model.values_, model.presence_values_)
        ]
        np.testing.assert_allclose(np.concatenate(found), votes, atol=1e-6)
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-6)


@pytest.mark.parametrize("recommender", MODELS)
def test_contributions_split_the_rating(recommender):
    model = recommender.fit(X)
    parts = model.explain(X[[4]], [0, 7, 21])
    np.testing.assert_allclose(parts.baseline + parts.contributions.sum(axis=1), parts.scores)
    np.testing.assert_allclose(parts.heads.sum(axis=0), parts.contributions)
    expected = BaselinePredictor(max_iter=10, tol=0).fit(X).predict(X[[4]])[0, [0, 7, 21]]
    np.testing.assert_allclose(parts.baseline, expected)


@pytest.mark.parametrize("recommender", MODELS)
def test_scaled_and_negative_ratings(recommender):
    """Shifting ratings shifts predictions; scaling scales them where attention ignores ratings."""
    shifted = X.copy()
    shifted.data -= 7
    moved = recommender.fit(shifted).predict(shifted)
    np.testing.assert_allclose(recommender.fit(X).predict(X), moved + 7, atol=1e-6)
    flat = AttentionRecommender(np.inf, objective="rating")
    scaled = 3 * X
    np.testing.assert_allclose(flat.fit(scaled).predict(scaled), 3 * flat.fit(X).predict(X))


def test_no_item_votes_for_itself():
    for votes in AttentionRecommender(objective="rating").fit(X).values_:
        assert not votes.diagonal().any()


def test_support_is_what_is_most_like_or_unlike(monkeypatch):
    monkeypatch.setattr(_rating, "_N_SUPPORT", 4)
    rng = np.random.default_rng(0)
    R = sp.csr_array(np.where(rng.random((40, 12)) < 0.6, rng.normal(size=(40, 12)), 0))
    dense, known = R.toarray(), R.toarray() != 0
    common = known.T.astype(float) @ known
    norms = np.linalg.norm(dense, axis=0)
    cosines = np.abs(dense.T @ dense) / np.outer(norms, norms) * common / (common + 50)
    np.fill_diagonal(cosines, 0)
    support = _rating._support(R)
    assert np.diff(support.indptr).tolist() == [4] * 12
    for item in range(12):
        expected = np.sort(np.argsort(-cosines[item])[:4])
        np.testing.assert_array_equal(support[[item]].indices, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    model = MODELS[1].fit(X.astype(dtype))
    assert model.predict(X.astype(dtype)).dtype == dtype
    assert {votes.dtype for votes in model.values_ + model.presence_values_} == {np.dtype(dtype)}
    assert model.prior_.dtype == dtype


def test_nothing_to_learn_from():
    constant = AttentionRecommender(objective="rating").fit([[3.0, 3, 0], [3, 0, 0]])
    np.testing.assert_allclose(constant.predict([[3.0, 0, 0]]), 3)
    empty = AttentionRecommender(objective="rating").fit(np.zeros((2, 3)))
    np.testing.assert_array_equal(empty.predict(np.zeros((1, 3))), 0)


def test_similar_items_are_those_voted_for():
    model = MODELS[0].fit(X)
    indices, scores = model.similar_items([3], k=2)
    votes = model.values_[0][[3]].toarray()[0]
    assert indices[0].tolist() == np.argsort(-votes)[:2].tolist()
    np.testing.assert_allclose(scores[0], np.sort(votes)[::-1][:2])


def test_regressor_asks_for_ratings():
    rows, columns = X.nonzero()
    pairs = np.column_stack([rows, columns])
    model = RatingRegressor(AttentionRecommender()).fit(pairs, X.data)
    assert model.recommender_.objective == "rating"
    assert model.score(pairs, X.data) > 0.5
