"""The next-item objective against the regression over an explicit matrix of all prefixes."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import AttentionRecommender, MultiHeadAttentionRecommender
from skattnrec.metrics import RankingScorer


def sequences(seed=0, n_users=25, n_items=9, dtype=np.float64, longest=7):
    """Ratings with distinct times; histories of one item and more."""
    rng = np.random.default_rng(seed)
    X, T = np.zeros((2, n_users, n_items))
    for u in range(n_users):
        length = rng.integers(1, longest + 1)
        items = rng.permutation(n_items)[:length]
        X[u, items] = rng.integers(1, 6, length)
        T[u, items] = np.cumsum(rng.integers(1, 9, length)) + 100
    return sp.csr_array(X.astype(dtype)), sp.csr_array(T)


def prefix_regression(model, X, T):
    """C and Y by the docstring's formulas, a row for each prefix that has a next item.

    Columns are those of head 0, then those of head 1, and so on.
    """
    X, T = X.toarray(), T.toarray()
    n_items = X.shape[1]
    top = X.max()
    mean_relevance = np.exp((X[X > 0] - top) / model.temperatures_[0]).mean()
    C, Y = [], []
    for x, times in zip(X, T, strict=True):
        order = np.flatnonzero(x)[np.argsort(times[x > 0])]
        for last in range(len(order) - 1):
            past = order[: last + 1]
            age = (
                np.arange(last, -1, -1.0) if model.age == "rank" else times[past[-1]] - times[past]
            )
            row = []
            for temperature in model.temperatures_:
                e = np.exp((x[past] - top - model.recency_weight * age) / temperature)
                weights = np.zeros(n_items)
                weights[past] = e / e.sum() ** model.smoothing
                row.append(weights)
            target = np.zeros(n_items)
            ahead = order[last + 1 :]
            discount = float(model.lookahead) ** np.arange(len(ahead))
            target[ahead] = discount * np.exp((x[ahead] - top) / model.temperatures_[0])
            C.append(np.concatenate(row))
            Y.append(target / mean_relevance)
    return np.array(C), np.array(Y)


def reverse_times(X, T):
    return sp.csr_array((-T.data, X.indices, X.indptr), shape=X.shape)


PARAMETERS = [
    {},
    {"smoothing": 0.0, "recency_weight": 0.7},
    {"smoothing": 1.0},
    {"age": "time", "recency_weight": 0.2},
    {"lookahead": 0.6, "temperature_ratio": 4.0},
    {"recency_weight": 0.0, "lookahead": 0.3, "smoothing": 0.5},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_statistics_are_those_of_all_prefixes(parameters):
    X, T = sequences()
    model = MultiHeadAttentionRecommender(2, solver="dense", **parameters).fit(X, timestamps=T)
    C, Y = prefix_regression(model, X, T)
    n = X.shape[1]
    by_item = C.reshape(len(C), 2, n).transpose(0, 2, 1).reshape(len(C), 2 * n)
    half = model.statistics_.gram.toarray()
    assert_allclose(half + half.T, by_item.T @ by_item, atol=1e-6)  # what is cut is below 1e-7
    scale = model.statistics_.n_entries / model.statistics_.relevance.sum()
    cross = Y.T @ by_item
    assert_allclose(model.statistics_.cross.toarray() * scale, cross, atol=1e-6)
    assert_array_equal(model.statistics_.item_counts, (X.toarray() > 0).sum(axis=0))


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_votes_solve_the_regression_over_prefixes(parameters):
    X, T = sequences(1)
    model = MultiHeadAttentionRecommender(
        2, dropout=0.2, regularization=3, solver="dense", **parameters
    ).fit(X, timestamps=T)
    C, Y = prefix_regression(model, X, T)
    n = X.shape[1]
    squares = (C**2).sum(axis=0).reshape(2, n).sum(axis=1)
    scale = np.repeat(np.sqrt(X.nnz / squares), n)
    C = C * scale
    item = np.arange(2 * n) % n
    gram = C.T @ C
    gram += 6 * np.eye(2 * n) + 0.25 * np.where(item[:, None] == item, gram, 0)
    V = np.zeros((2 * n, n))
    for i in range(n):
        free = item != i
        V[free, i] = np.linalg.solve(gram[np.ix_(free, free)], C[:, free].T @ Y[:, i])
    V *= scale[:, None]
    assert_allclose(model.values_.reshape(2 * n, n), V, atol=1e-6)


def test_reversed_histories_are_added_with_their_weight():
    X, T = sequences(2)
    make = {"lookahead": 0.4, "age": "time", "recency_weight": 0.1}
    forward = MultiHeadAttentionRecommender(2, **make).fit(X, timestamps=T)
    backward = MultiHeadAttentionRecommender(2, **make).fit(X, timestamps=reverse_times(X, T))
    both = MultiHeadAttentionRecommender(2, reverse_weight=0.3, **make).fit(X, timestamps=T)
    for name in ("gram", "cross"):
        a, b, c = (getattr(m.statistics_, name).toarray() for m in (forward, backward, both))
        if name == "gram":  # halves differ, wholes do not
            a, b, c = a + a.T, b + b.T, c + c.T
        assert_allclose(c, a + 0.3 * b, atol=1e-9)


@given(st.integers(0, 10**6), st.sampled_from(["rank", "time"]))
@settings(deadline=None, max_examples=15)
def test_scores_are_those_of_the_last_prefix(seed, age):
    X, T = sequences(seed)
    model = MultiHeadAttentionRecommender(
        2, age=age, recency_weight=0.5, solver="dense", regularization=5
    ).fit(X, timestamps=T)
    rows, times = X.toarray(), T.toarray()
    x, t = rows[0], times[0]
    known = np.flatnonzero(x)
    ages = t[known].max() - t[known]
    if age == "rank":
        ages = len(known) - 1 - np.argsort(np.argsort(t[known]))
    expected = np.zeros(X.shape[1])
    for head, temperature in enumerate(model.temperatures_):
        e = np.exp((x[known] - rows.max() - 0.5 * ages) / temperature)
        expected += e / e.sum() ** model.smoothing @ model.values_[head][known]
    assert_allclose(model.predict(X[[0]], timestamps=T[[0]])[0], expected, atol=1e-9)


@pytest.mark.parametrize("age", ["rank", "time"])
@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_shifted_times_change_nothing(age, solver):
    X, T = sequences(3)
    shifted = sp.csr_array((T.data + 1e4, T.indices, T.indptr), shape=T.shape)
    models = [
        MultiHeadAttentionRecommender(2, age=age, solver=solver, reverse_weight=0.2)
        .fit(X, timestamps=times)
        .predict(X, timestamps=times)
        for times in (T, shifted)
    ]
    assert_allclose(models[0], models[1], atol=1e-9)


def test_the_future_is_not_used():
    """Statistics of a target hold what came before it only."""
    X, T = sequences(4)
    order = np.argsort(T[[0]].data)
    history, times = X[[0]], T[[0]]
    changed = history.copy()
    changed.data[order[-1]] = 6 - changed.data[order[-1]]  # another rating of the last item
    # the weights are of the row, so compare models of one row: all votes but those for the last
    # item, and all statistics but those that need it, stay as they are
    models = [
        AttentionRecommender(relevance_threshold=1, smoothing=0, rating_weight=0.1).fit(
            sp.vstack([row, X[1:]], format="csr"), timestamps=T
        )
        for row in (history, changed)
    ]
    assert len(order) > 1
    last_item = history.indices[order[-1]]
    for name in ("gram", "cross"):
        a, b = (getattr(m.statistics_, name).toarray() for m in models)
        assert_allclose(a, b, atol=1e-9)
    prefix = history.copy()
    prefix.data[order[-1]] = 0
    prefix.eliminate_zeros()
    before = sp.csr_array(np.where(prefix.toarray() > 0, times.toarray(), 0))
    a, b = (m.predict(prefix, timestamps=before) for m in models)
    assert_allclose(a, b, atol=1e-9)
    assert last_item not in prefix.indices


def test_order_matters_and_can_be_learned():
    """Item i is always followed by item i + 1: recommended from the last item, not the first."""
    n = 8
    X, T = np.zeros((2, 200, n))
    rng = np.random.default_rng(5)
    for u in range(200):
        start = rng.integers(n)
        items = (start + np.arange(4)) % n
        X[u, items], T[u, items] = 1, np.arange(1, 5)
    model = AttentionRecommender(regularization=1).fit(X, timestamps=sp.csr_array(T))
    history, times = np.zeros((2, 1, n))
    history[0, [1, 2, 3]], times[0, [1, 2, 3]] = 1, [1, 2, 3]
    assert model.recommend(history, k=1, timestamps=sp.csr_array(times))[0][0, 0] == 4
    score = RankingScorer("hit_rate", k=1, holdout="last")
    assert score(model, sp.csr_array(X), timestamps=sp.csr_array(T)) == 1


def test_without_times_entries_are_equally_old():
    X, T = sequences(6)
    model = AttentionRecommender().fit(X, timestamps=T)
    weights = model.attention_weights(X)[0]
    flat = AttentionRecommender(recency_weight=0).fit(X, timestamps=T)
    assert_allclose(weights.toarray(), flat.attention_weights(X, timestamps=T)[0].toarray())
    unordered = AttentionRecommender().fit(X)
    assert_array_equal(unordered.predict(X), unordered.predict(X, timestamps=T))


def test_times_may_tie_and_histories_may_be_empty():
    X = sp.csr_array(np.array([[1.0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]))
    T = sp.csr_array((np.array([5.0, 5, 7, 1]), X.indices, X.indptr), shape=X.shape)
    ranked = sp.csr_array((np.array([1.0, 2, 3, 1]), X.indices, X.indptr), shape=X.shape)
    tied, strict = (AttentionRecommender().fit(X, timestamps=t) for t in (T, ranked))
    assert_array_equal(tied.values_, strict.values_)  # ties in the order of the columns
    assert np.isfinite(tied.values_).all()
    alone = AttentionRecommender().fit(X[1:], timestamps=T[1:])  # no prefix has a next item
    assert_array_equal(alone.values_, 0)
