import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from skattnrec import (
    AttentionRatingPredictor,
    AttentionRecommender,
    BaselinePredictor,
    RatingRegressor,
)
from skattnrec.attention import _rating
from skattnrec.exceptions import IneffectiveParameterWarning


def make_ratings(n_users=150, n_items=30, density=0.5, seed=0):
    rng = np.random.default_rng(seed)
    biases = rng.normal(0, 0.3, (n_users, 1)) + rng.normal(0, 0.4, n_items)
    taste = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    ratings = 3 + biases + 0.7 * taste + 0.2 * rng.normal(size=taste.shape)
    known = rng.random(ratings.shape) < density
    return sp.csr_array(np.where(known, ratings, 0)), ratings, known


X, RATINGS, KNOWN = make_ratings()
MODELS = [
    AttentionRatingPredictor(regularization=5),
    AttentionRatingPredictor(2, regularization=5),
]


@pytest.mark.parametrize("recommender", MODELS)
def test_taste_is_learned(recommender):
    def error(model):
        return np.sqrt(np.mean((model.fit(X).predict(X) - RATINGS)[~KNOWN] ** 2))

    assert error(recommender) < 0.7 * error(BaselinePredictor())


def test_votes_by_definition():
    """Every other item may vote here: a ridge regression for each item, in dense numpy."""
    model = AttentionRatingPredictor(temperature=np.inf, regularization=8, smoothing=0.5)
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
@pytest.mark.parametrize("scale", [3.0, 1e-6, 1e9])
def test_predictions_scale_and_shift_with_the_ratings(recommender, scale):
    moved = X.copy()
    moved.data = (moved.data - 7) * scale
    expected = (clone(recommender).fit(X).predict(X) - 7) * scale
    found = clone(recommender).fit(moved).predict(moved)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [1, 4.1, -3e7])
def test_equal_ratings_have_no_variance(dtype, value):
    equal = X.copy().astype(dtype)
    equal.data[:] = value
    model = AttentionRatingPredictor(regularization=1e-3).fit(equal)
    np.testing.assert_array_equal(model.predict(equal), dtype(value))


def test_users_and_items_without_variance_have_no_taste():
    """What is off by rounding alone is no rating to learn from, whatever the unit."""
    levels = np.random.default_rng(1).normal(size=30)
    flat = X.copy()
    flat.data = levels[X.indices]  # the item tells all, but for the damping
    for scale in (1.0, 0.1, 1e-3):
        model = AttentionRatingPredictor().fit(flat * scale)
        np.testing.assert_allclose(
            model.predict(flat * scale) / scale,
            AttentionRatingPredictor().fit(flat).predict(flat),
            atol=1e-6,
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("odd", [1e6, 1e15, -1e15])
def test_one_odd_rating_leaves_the_others_alone(dtype, odd):
    broken = X.astype(dtype)
    broken.data[5] = odd
    model = AttentionRatingPredictor().fit(broken)
    ratings = model.predict(X.astype(dtype))
    assert np.isfinite(ratings).all()
    expected = AttentionRatingPredictor().fit(X).predict(X)
    others = np.arange(len(expected)) != 0  # the first user is the odd one
    assert np.abs(ratings - expected)[others].mean() < 0.05
    assert np.isfinite(model.predict(broken)).all()


def test_no_variance_and_no_effect():
    with pytest.warns(IneffectiveParameterWarning, match="temperature_ratio=3"):
        AttentionRatingPredictor(temperature_ratio=3).fit(X)
    with pytest.warns(IneffectiveParameterWarning, match="n_heads=2"):
        AttentionRatingPredictor(2, temperature=np.inf).fit(X)


def test_no_item_votes_for_itself():
    for votes in AttentionRatingPredictor().fit(X).values_:
        assert not votes.diagonal().any()


def test_support_is_what_is_most_like_or_unlike():
    rng = np.random.default_rng(0)
    R = sp.csr_array(np.where(rng.random((40, 12)) < 0.6, rng.normal(size=(40, 12)), 0))
    dense, known = R.toarray(), R.toarray() != 0
    common = known.T.astype(float) @ known
    norms = np.linalg.norm(dense, axis=0)
    cosines = np.abs(dense.T @ dense) / np.outer(norms, norms) * common / (common + 50)
    np.fill_diagonal(cosines, 0)
    support = _rating._support(R, 4)
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
    constant = AttentionRatingPredictor().fit([[3.0, 3, 0], [3, 0, 0]])
    np.testing.assert_allclose(constant.predict([[3.0, 0, 0]]), 3)
    empty = AttentionRatingPredictor().fit(np.zeros((2, 3)))
    np.testing.assert_array_equal(empty.predict(np.zeros((1, 3))), 0)


def test_similar_items_are_those_voted_for():
    model = MODELS[0].fit(X)
    indices, scores = model.similar_items([3], k=2)
    votes = model.values_[0][[3]].toarray()[0]
    assert indices[0].tolist() == np.argsort(-votes)[:2].tolist()
    np.testing.assert_allclose(scores[0], np.sort(votes)[::-1][:2])


def test_regressor_takes_it_and_refuses_what_ranks():
    rows, columns = X.nonzero()
    pairs = np.column_stack([rows, columns])
    model = RatingRegressor(AttentionRatingPredictor()).fit(pairs, X.data)
    assert model.score(pairs, X.data) > 0.5
    with pytest.raises(TypeError, match="must predict ratings"):
        RatingRegressor(AttentionRecommender()).fit(pairs, X.data)
