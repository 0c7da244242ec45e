"""The closed form of the attention recommenders against dense references and known models."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import (
    AttentionRatingPredictor,
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.exceptions import IneffectiveParameterWarning


def ratings(n_users=60, n_items=12, density=0.4, seed=0, dtype=np.float64):
    """Random ratings from 1 to 5; nobody without a rating."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, size=(n_users, n_items)) * (rng.random((n_users, n_items)) < density)
    X[np.arange(n_users), rng.integers(n_items, size=n_users)] = 5
    return sp.csr_array(X.astype(dtype))


def ease(X, regularization):
    """Steck 2019, in plain numpy."""
    gram = X.T @ X + regularization * np.eye(X.shape[1])
    P = np.linalg.inv(gram)
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return B


def in_spreads(X):
    """Ratings less their median, divided by their winsorised standard deviation, cut at 2.5."""
    known = X[X > 0]
    low, center, high = np.quantile(known, [0.05, 0.5, 0.95])
    spread = np.clip(known, low, high).std()
    return np.clip((X - center) / spread, -2.5, 2.5)


def dense_weights(X, temperature, smoothing, content=None):
    """Attention by the formula of the docstring, a row at a time."""
    A = np.zeros(X.shape)
    for u, (row, z) in enumerate(zip(X, in_spreads(X), strict=True)):
        known = row > 0
        logits = z[known]
        if content is not None:
            K = content[known]
            loud = np.exp(logits / temperature)
            profile = loud @ K / loud.sum()
            logits = logits + np.clip(K @ profile / np.sqrt(K.shape[1]), -4, 4)
        e = np.exp(np.clip(logits / temperature, -8, 8))
        A[u, known] = e / e.sum() ** smoothing
    return A


def graded(X, temperature):
    """Relevance by the docstring: like attention, with a mean of 1 over the known ratings."""
    relevance = np.where(X > 0, np.exp(in_spreads(X) / temperature), 0)
    return relevance / relevance[X > 0].mean()


def constrained_ridge_reference(A, Y, regularization, dropout):
    """Leave the constrained columns out, item by item; A has H blocks of n columns."""
    n = Y.shape[1]
    item = np.arange(A.shape[1]) % n
    gram = A.T @ A
    penalty = regularization * np.eye(len(gram))
    penalty += dropout / (1 - dropout) * np.where(item[:, None] == item, gram, 0)
    V = np.zeros((A.shape[1], n))
    for i in range(n):
        free = item != i
        left = (gram + penalty)[np.ix_(free, free)]
        V[free, i] = np.linalg.solve(left, A[:, free].T @ Y[:, i])
    return V.reshape(-1, n, n)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-5)])
@pytest.mark.parametrize("recommender", [AttentionRecommender, MultiHeadAttentionRecommender])
def test_uniform_attention_is_ease(recommender, dtype, tolerance):
    X = ratings(dtype=dtype)
    heads = {} if recommender is AttentionRecommender else {"n_heads": 1}
    flat = {"temperature": np.inf, "smoothing": 0, "dropout": 0, "popularity_exponent": 0}
    model = recommender(regularization=7, **flat, **heads).fit(X)
    known = (X.toarray() > 0).astype(float)
    B = ease(known, 7)
    assert_allclose(model.values_[0], B, atol=tolerance)
    assert_allclose(model.predict(X), known @ B, atol=10 * tolerance)


def test_single_head_solves_the_documented_regression():
    X = ratings(seed=1)
    dense = X.toarray()
    model = AttentionRecommender(
        temperature=2,
        smoothing=0.3,
        dropout=0.4,
        regularization=11,
        popularity_exponent=0,
        relevance_threshold=4,
    ).fit(X)
    A = dense_weights(dense, 2, 0.3)
    liked = (dense >= 4).astype(float)
    V = constrained_ridge_reference(A, liked, 11 * np.mean(A[A > 0] ** 2), 0.4)
    assert_allclose(model.values_, V, atol=1e-8)
    assert_allclose(model.predict(X), A @ V[0], atol=1e-8)
    assert_allclose(model.attention_weights(X)[0].toarray(), A, atol=1e-12)


def test_two_heads_solve_the_joint_regression():
    X = ratings(seed=2)
    dense = X.toarray()
    model = MultiHeadAttentionRecommender(
        n_heads=2,
        temperature=1,
        temperature_ratio=4,
        smoothing=0.5,
        dropout=0.2,
        regularization=3,
        popularity_exponent=0,
    ).fit(X)
    assert_array_equal(model.temperatures_, [1, 4])
    A = np.hstack([dense_weights(dense, 1, 0.5), dense_weights(dense, 4, 0.5)])
    scale = np.repeat(
        [1 / np.sqrt(np.mean(head[head > 0] ** 2)) for head in (A[:, :12], A[:, 12:])], 12
    )
    V = constrained_ridge_reference(A * scale, graded(dense, 1), 3 * 2, 0.2)
    V *= scale.reshape(2, 12, 1)  # for the weights as they are
    assert_allclose(model.values_, V, atol=1e-8)
    assert_allclose(model.predict(X), A @ V.reshape(24, 12), atol=1e-8)
    diagonal = np.arange(12)
    assert_array_equal(model.values_[:, diagonal, diagonal], 0)


def standardized(features):
    """Numbers in spreads, as ratings are, cut at 4."""
    columns = []
    for column in features.T:
        low, center, high = np.quantile(column, [0.05, 0.5, 0.95])
        columns.append(np.clip((column - center) / np.clip(column, low, high).std(), -4, 4))
    return np.array(columns).T


def test_content_logits_read_the_profile():
    X = ratings(seed=3)
    features = np.random.default_rng(3).normal(size=(12, 4))
    model = AttentionRecommender(temperature=2, smoothing=1, item_features=features).fit(X)
    A = dense_weights(X.toarray(), 2, 1, content=standardized(features))
    assert_allclose(model.attention_weights(X)[0].toarray(), A, atol=1e-12)
    assert_allclose(A.sum(axis=1), 1)
    off = AttentionRecommender(
        temperature=2, smoothing=1, item_features=features, content_weight=0
    ).fit(X)
    plain = dense_weights(X.toarray(), 2, 1)
    assert_allclose(off.attention_weights(X)[0].toarray(), plain, atol=1e-12)


@pytest.mark.parametrize("solver", ["dense", "sparse"])
@pytest.mark.parametrize("has_features", [False, True])
def test_one_head_of_many_is_the_single_head(solver, has_features):
    X = ratings(seed=4)
    features = np.random.default_rng(4).normal(size=(12, 5)) if has_features else None
    shared = {"item_features": features, "learn_projections": has_features, "solver": solver}
    single = AttentionRecommender(**shared).fit(X)
    multi = MultiHeadAttentionRecommender(1, **shared).fit(X)
    assert_array_equal(multi.predict(X), single.predict(X))
    assert_array_equal(multi.prior_, single.prior_)


def test_one_set_of_defaults():
    single = AttentionRecommender().get_params()
    multi = MultiHeadAttentionRecommender().get_params()
    assert {name: multi[name] for name in single} == single
    for other in (SequentialAttentionRecommender(), AttentionRatingPredictor()):
        given = other.get_params()
        differ = {name for name in single if name in given and given[name] != single[name]}
        assert differ <= {"n_neighbors", "regularization", "temperature"}
    assert SequentialAttentionRecommender().temperature == np.inf


def test_equal_heads_are_one_head():
    X = ratings(seed=4)
    single = AttentionRecommender().fit(X).predict(X)
    with pytest.warns(IneffectiveParameterWarning, match="all heads are the same"):
        equal = MultiHeadAttentionRecommender(3, temperature_ratio=1).fit(X).predict(X)
    assert_allclose(equal, single, atol=1e-8)


def test_each_head_looks_through_its_projection():
    X = ratings(seed=5)
    features = np.random.default_rng(5).normal(size=(12, 4))
    model = MultiHeadAttentionRecommender(
        2, temperature=2.5, temperature_ratio=1, smoothing=1, item_features=features, random_state=0
    ).fit(X)
    W = model.projections_
    assert W.shape == (2, 4, 2)
    joined = np.hstack(W)
    assert_allclose(joined.T @ joined, np.eye(4), atol=1e-12)
    for head, A in zip(W, model.attention_weights(X), strict=True):
        expected = dense_weights(X.toarray(), 2.5, 1, content=standardized(features) @ head)
        assert_allclose(A.toarray(), expected, atol=1e-12)
    given = MultiHeadAttentionRecommender(
        2, temperature=2.5, temperature_ratio=1, smoothing=1, item_features=features, projections=W
    ).fit(X)
    assert_array_equal(given.predict(X), model.predict(X))


@pytest.mark.parametrize(("n_heads", "d", "d_head"), [(3, 2, 1), (2, 5, 2), (4, 4, 1)])
def test_random_projections_are_orthonormal(n_heads, d, d_head):
    X = ratings(seed=6)
    features = np.random.default_rng(6).normal(size=(12, d))
    model = MultiHeadAttentionRecommender(n_heads, item_features=features, random_state=1).fit(X)
    assert model.projections_.shape == (n_heads, d, d_head)
    for W in model.projections_:
        assert_allclose(W.T @ W, np.eye(d_head), atol=1e-12)


def test_heads_of_the_explanation_sum_to_the_score():
    X = ratings(seed=8)
    model = MultiHeadAttentionRecommender(3, regularization=5).fit(X)
    explanation = model.explain(X[[0]], items=[3, 1])
    assert explanation.heads.shape == (3, 2, X[[0]].nnz)
    assert_allclose(explanation.heads.sum(axis=0), explanation.contributions)
    assert_allclose(explanation.contributions.sum(axis=1), model.predict(X[[0]])[0, [3, 1]])
    weights = model.attention_weights(X[[0]])
    j = explanation.sources[1]
    assert_allclose(explanation.heads[2, 0, 1], weights[2][0, j] * model.values_[2, j, 3])


def test_relevance_is_graded_like_attention_unless_there_is_a_threshold():
    X = np.array([[5.0, 3.0], [5.0, 1.0]])
    given = {"rating_center": 5, "rating_spread": 1}
    graded_model = AttentionRecommender(temperature=2, **given).fit(X)
    expected = np.array([2, np.exp(-1) + np.exp(-2.5 / 2)])  # 4 stars off count as 2.5
    assert_allclose(graded_model.prior_, expected * 4 / expected.sum())
    assert_array_equal(AttentionRecommender(relevance_threshold=3).fit(X).prior_, [2, 1])


def test_binary_data_do_not_depend_on_temperature():
    X = ratings(seed=9)
    X.data[:] = 1
    default = AttentionRecommender().fit(X).predict(X)
    with pytest.warns(IneffectiveParameterWarning, match=r"temperature=0.1 .* ratings are equal"):
        cold = AttentionRecommender(0.1).fit(X).predict(X)
    assert_allclose(cold, default, rtol=1e-5)  # what sums are rounded to depends on it


def test_sharp_temperatures_stay_finite():
    X = ratings(seed=10, dtype=np.float32)
    for temperature in (1e-3, 1e-2):
        model = AttentionRecommender(temperature, smoothing=0).fit(X)
        assert np.isfinite(model.predict(X)).all()
        assert np.isfinite(model.predict(X * np.float32(100))).all()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"temperature": 0}, ValueError, r"'temperature' .* in the range \(0.0, inf\]. Got 0"),
        ({"smoothing": 1.5}, ValueError, r"'smoothing' .* in the range \[0.0, 1.0\]. Got 1.5"),
        ({"dropout": 1}, ValueError, r"'dropout' .* in the range \[0.0, 1.0\). Got 1"),
        ({"regularization": 0}, ValueError, "'regularization'"),
        ({"item_features": np.ones((3, 2))}, ValueError, "the 12 items of X, it has 3 rows"),
        ({"item_features": np.full((12, 2), np.nan)}, ValueError, "item_features contains NaN"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        AttentionRecommender(**parameters).fit(ratings())


def test_projections_of_the_wrong_shape_are_named():
    model = MultiHeadAttentionRecommender(
        2, item_features=np.ones((12, 3)), projections=np.ones((2, 4, 1))
    )
    with pytest.raises(ValueError, match=r"shape \(n_heads=2, d=3, d_head\), got \(2, 4, 1\)"):
        model.fit(ratings())


def test_vanishing_regularization_is_named():
    X = np.ones((3, 4), dtype=np.float32)  # four equal columns: a singular system
    model = AttentionRecommender(smoothing=0, dropout=0, regularization=1e-12)
    with pytest.raises(ValueError, match="regularization=1e-12 is too small for float32"):
        model.fit(X)


def test_what_cannot_fit_in_memory_is_refused():
    X = sp.csr_array((np.ones(1, np.float32), ([0], [0])), shape=(2, 2_000_000))
    with pytest.raises(MemoryError, match=r"2000000 items need .* Use solver='sparse'"):
        AttentionRecommender(solver="dense").fit(X)


@pytest.mark.parametrize("length", [3, 12, 100])
def test_penalty_follows_the_length_of_histories(length):
    rng = np.random.default_rng(11)
    X = np.zeros((40, 150))
    for row in X[:30]:
        row[rng.permutation(150)[:length]] = rng.integers(1, 6, length)
    model = AttentionRecommender().fit(X)  # ten users without a rating do not count
    assert model.regularization_ == max(1.5 * length, 50)
    given = AttentionRecommender(regularization=model.regularization_).fit(X)
    assert_array_equal(model.predict(X), given.predict(X))
