"""The learned query-key projection against ridge regression on explicit queries."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from skattnrec import (
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)


def data(seed=0, n_users=50, n_items=10, d=4):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, (n_users, n_items)) * (rng.random((n_users, n_items)) < 0.5)
    X[np.arange(n_users), rng.integers(n_items, size=n_users)] = 5
    return sp.csr_array(X.astype(float)), rng.normal(size=(n_items, d))


def standardized(features):
    """Numbers in spreads, as ratings are."""
    columns = []
    for column in features.T:
        low, center, high = np.quantile(column, [0.05, 0.5, 0.95])
        columns.append((column - center) / np.clip(column, low, high).std())
    return np.array(columns).T


def ridge_of(gram):
    return gram + 0.03 * np.trace(gram) / len(gram) * np.eye(len(gram))


def test_projections_solve_the_documented_regression():
    X, features = data()
    K = standardized(features)
    make = {"content_weight": 0, "relevance_threshold": 4, "popularity_exponent": 0}
    model = MultiHeadAttentionRecommender(
        2, item_features=features, learn_projections=True, **make
    ).fit(X)
    A = [weights.toarray() for weights in model.attention_weights(X)]
    unit = [a / np.sqrt(np.mean(a[a > 0] ** 2)) for a in A]
    Q = np.hstack([a @ K for a in unit])
    Y = (X.toarray() >= 4).astype(float)
    # an item does not vote for itself, with content no more than without
    cross = np.vstack([K.T @ (a.T @ Y * (1 - np.eye(10))) @ K for a in unit])
    W = np.linalg.solve(ridge_of(Q.T @ Q), cross) @ np.linalg.inv(ridge_of(K.T @ K))
    assert_allclose(model.learned_projections_.reshape(8, 4), W, atol=1e-8)
    plain = MultiHeadAttentionRecommender(2, item_features=features, **make).fit(X)
    assert_allclose(model.predict(X), plain.predict(X) + Q @ W @ K.T, atol=1e-8)


@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_explanations_add_up(solver):
    X, K = data(1)
    T = sp.csr_array((np.arange(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
    model = SequentialAttentionRecommender(
        2, item_features=K, learn_projections=True, solver=solver, key_popularity_exponent=0.2
    ).fit(X, timestamps=T)
    row = {"timestamps": T[[3]]}
    explanation = model.explain(X[[3]], items=[0, 4], **row)
    assert_allclose(
        explanation.contributions.sum(axis=1), model.predict(X[[3]], **row)[0, [0, 4]], atol=1e-9
    )


def test_it_finds_which_feature_follows_which():
    """Groups of items follow each other; single items are too rare to tell."""
    rng = np.random.default_rng(2)
    n_groups, n_items = 4, 200
    group = np.arange(n_items) % n_groups
    K = np.eye(n_groups)[group]
    X, T = np.zeros((2, 150, n_items))
    for u in range(150):
        start = rng.integers(n_groups)
        steps = (start + np.arange(5)) % n_groups
        items = [rng.choice(np.flatnonzero(group == g)) for g in steps]
        X[u, items], T[u, items] = 1, np.arange(1, 6)
    T = sp.csr_array(T)
    plain, content = (
        SequentialAttentionRecommender(
            item_features=K, learn_projections=learn, regularization=200, popularity_exponent=0
        ).fit(X, timestamps=T)
        for learn in (False, True)
    )
    query = np.zeros((1, n_items))
    query[0, 5] = 1  # of group 1
    best, _ = content.recommend(query, k=40, timestamps=query)
    assert np.mean(group[best[0]] == 2) > 0.95
    best, _ = plain.recommend(query, k=40, timestamps=query)
    assert np.mean(group[best[0]] == 2) < 0.6


def test_it_needs_features():
    X, _ = data(3)
    with pytest.raises(ValueError, match="learn_projections=True has no effect without item"):
        AttentionRecommender(learn_projections=True).fit(X)
