"""Votes from supports: the dense solution with all items, a regression on a few otherwise."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import (
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.attention import _votes


def ratings(seed=0, n_users=40, n_items=12, dtype=np.float64):
    rng = np.random.default_rng(seed)
    popularity = np.linspace(0.2, 0.8, n_items)
    X = rng.integers(1, 6, (n_users, n_items)) * (rng.random((n_users, n_items)) < popularity)
    X = sp.csr_array(X.astype(dtype))
    T = sp.csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
    return X, T


def stacked(model):
    return model.values_.toarray().reshape(-1, *[model.n_features_in_] * 2)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 2e-4)])
@pytest.mark.parametrize("n_neighbors", [11, 500])
def test_all_items_as_support_is_the_dense_solution(ordered, dtype, tolerance, n_neighbors):
    X, T = ratings(dtype=dtype)
    times = {"timestamps": T} if ordered else {}
    parameters = {"regularization": 5, "key_popularity_exponent": 0.4, "dropout": 0.3}
    kind = SequentialAttentionRecommender if ordered else MultiHeadAttentionRecommender
    dense = kind(2, solver="dense", **parameters).fit(X, **times)
    sparse = kind(2, solver="sparse", n_neighbors=n_neighbors, **parameters).fit(X, **times)
    assert_allclose(stacked(sparse), dense.values_, atol=tolerance)
    assert_allclose(sparse.predict(X, **times), dense.predict(X, **times), atol=10 * tolerance)
    assert sparse.predict(X, **times).dtype == dtype
    for one, other in zip(
        sparse.recommend(X, 4, **times), dense.recommend(X, 4, **times), strict=True
    ):
        assert_allclose(one, other, atol=10 * tolerance)


def test_each_target_is_regressed_on_its_strongest_partners():
    X, _ = ratings(1)
    A = (X.toarray() > 0).astype(float)
    plain = {"smoothing": 0, "dropout": 0, "popularity_exponent": 0}
    model = AttentionRecommender(
        np.inf, regularization=3, solver="sparse", n_neighbors=4, **plain
    ).fit(X)
    V = model.values_.toarray()
    together = A.T @ A
    for i in range(12):
        support = np.flatnonzero(V[:, i])
        assert len(support) == 4
        assert i not in support
        others = np.setdiff1d(np.arange(12), [*support, i])
        strength = together[:, i] / (np.diag(together) + 3) ** 0.25
        assert strength[others].max() <= strength[support].min()
        system = A[:, support].T @ A[:, support] + 3 * np.eye(4)
        assert_allclose(V[support, i], np.linalg.solve(system, A[:, support].T @ A[:, i]))


def test_memory_is_bounded_by_the_supports():
    X, T = ratings(2, n_items=30)
    model = SequentialAttentionRecommender(3, solver="sparse", n_neighbors=5).fit(X, timestamps=T)
    assert model.values_.shape == (90, 30)
    assert np.diff(model.values_.tocsc().indptr).max() <= 15


def test_key_popularity_exponent_scales_the_keys():
    X, _ = ratings(3)
    A = (X.toarray() > 0).astype(float)
    counts = A.sum(axis=0)
    keys = (counts / counts.mean()) ** -0.5
    plain = {"smoothing": 0, "dropout": 0, "popularity_exponent": 0}
    model = AttentionRecommender(
        np.inf, regularization=3, key_popularity_exponent=0.5, **plain
    ).fit(X)
    K = A * keys
    gram = K.T @ K + 3 * np.mean(K[A > 0] ** 2) * np.eye(12)
    P = np.linalg.inv(gram)
    V = P @ K.T @ A
    V -= P * (np.diag(V) / np.diag(P))
    assert_allclose(model.values_[0], keys[:, None] * V, atol=1e-9)


@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_popularity_exponent_scales_the_scores(solver):
    X, _ = ratings(6)
    counts = (X.toarray() > 0).sum(axis=0)
    features = np.random.default_rng(6).normal(size=(12, 3))
    options = {"solver": solver, "item_features": features, "learn_projections": True}
    plain = AttentionRecommender(popularity_exponent=0, **options).fit(X)
    model = AttentionRecommender(popularity_exponent=0.3, **options).fit(X)
    expected = plain.predict(X) * (counts / counts.mean()) ** -0.3
    assert_allclose(model.predict(X), expected, atol=1e-9)


def test_auto_depends_on_the_number_of_items_only(monkeypatch):
    for n_heads in (1, 2, 4):
        assert _votes.choose_solver("auto", 3000, n_heads, 4) == "dense"
        assert _votes.choose_solver("auto", 5001, n_heads, 4) == "sparse"
    assert _votes.choose_solver("sparse", 10, 1, 4) == "sparse"
    monkeypatch.setattr(_votes, "_memory", lambda: 2.0**20)
    with pytest.warns(UserWarning, match=r"dense one would need .* for 4 head\(s\) on 1000 items"):
        assert _votes.choose_solver("auto", 1000, 4, 4) == "sparse"
    with pytest.raises(MemoryError, match="1000 items need"):
        _votes.choose_solver("dense", 1000, 1, 4)


@pytest.mark.parametrize("solver", ["dense", "auto"])
def test_neighbors_are_refused_where_all_items_vote(solver):
    X, _ = ratings(7)
    with pytest.raises(ValueError, match=r"n_neighbors=3 has no effect under the dense solver"):
        AttentionRecommender(solver=solver, n_neighbors=3).fit(X)


def test_cold_items_borrow_the_same_votes_as_dense():
    X, _ = ratings(4)
    X = X.toarray()
    X[:, [2, 7]] = 0
    features = np.random.default_rng(4).normal(size=(12, 3))
    dense, sparse = (
        AttentionRecommender(item_features=features, solver=solver).fit(X)
        for solver in ("dense", "sparse")
    )
    assert_allclose(stacked(sparse), dense.values_, atol=1e-9)
    assert np.abs(dense.values_[0][:, [2, 7]]).max() > 0


def test_vanishing_regularization_is_named():
    X = np.ones((3, 4), dtype=np.float32)  # four equal columns: singular systems
    model = AttentionRecommender(smoothing=0, dropout=0, regularization=1e-12, solver="sparse")
    with pytest.raises(ValueError, match="regularization=1e-12 is too small for float32"):
        model.fit(X)


def test_explanations_add_up():
    X, T = ratings(5)
    model = SequentialAttentionRecommender(2, solver="sparse", n_neighbors=4).fit(X, timestamps=T)
    explanation = model.explain(X[[0]], items=[3, 1], timestamps=T[[0]])
    scores = model.predict(X[[0]], timestamps=T[[0]])[0, [3, 1]]
    assert_allclose(explanation.contributions.sum(axis=1), scores, atol=1e-12)
    assert_array_equal(explanation.heads.shape, (2, 2, X[[0]].nnz))
