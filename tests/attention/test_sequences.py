"""The next-item objective against the regression over an explicit matrix of all prefixes."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import SequentialAttentionRecommender
from skattnrec.metrics import RankingScorer


def sequences(seed=0, n_users=25, n_items=9, dtype=np.float64, longest=7, ties=False):
    """Ratings with times; histories of one item and more."""
    rng = np.random.default_rng(seed)
    X, T = np.zeros((2, n_users, n_items))
    for u in range(n_users):
        length = rng.integers(1, longest + 1)
        items = rng.permutation(n_items)[:length]
        X[u, items] = rng.integers(1, 6, length)
        T[u, items] = np.cumsum(rng.integers(0 if ties else 1, 3 if ties else 9, length)) + 100
    return sp.csr_array(X.astype(dtype)), sp.csr_array(T)


def exponentials(model, ratings):
    """Of the rating logits."""
    z = np.clip((ratings - model.rating_center_) / model.rating_spread_, -2.5, 2.5)
    return np.exp(np.clip(z / model.temperature, -8, 8))


def ages_of(model, times):
    """Entries of later times, or time until the latest entry."""
    if model.age == "time":
        return times.max() - times
    return (times[None] > times[:, None]).sum(axis=1)


def attention(model, x, times, n_items, past):
    """Attention of each head to some entries of a history, side by side."""
    row = []
    for half_life in model.half_lives_:
        e = exponentials(model, x[past]) * 0.5 ** (ages_of(model, times[past]) / half_life)
        weights = np.zeros(n_items)
        weights[past] = e / e.sum() ** model.smoothing
        row.append(weights)
    return np.concatenate(row)


def prefix_regression(model, X, T):
    """C and Y by the docstring's formulas, a row for each time that a later one follows.

    Columns are those of head 0, then those of head 1, and so on.
    """
    X, T = X.toarray(), T.toarray()
    n_items = X.shape[1]
    mean_relevance = exponentials(model, X[X > 0]).mean()
    C, Y = [], []
    for x, times in zip(X, T, strict=True):
        known = np.flatnonzero(x)
        for now in np.unique(times[known])[:-1]:
            past, ahead = known[times[known] <= now], known[times[known] > now]
            C.append(attention(model, x, times, n_items, past))
            between = (times[ahead][None] < times[ahead][:, None]).sum(axis=1)
            target = np.zeros(n_items)
            target[ahead] = float(model.lookahead) ** between * exponentials(model, x[ahead])
            Y.append(target / mean_relevance)
    return np.array(C), np.array(Y)


def reverse_times(X, T):
    return sp.csr_array((-T.data, X.indices, X.indptr), shape=X.shape)


PARAMETERS = [
    {},
    {"temperature": 2.5},
    {"smoothing": 0.0, "half_life": 3.0, "temperature": 1.0},
    {"smoothing": 1.0, "n_heads": 3},
    {"age": "time", "half_life": 4.0},
    {"lookahead": 0.6, "half_life_ratio": 4.0, "temperature": 0.3},
    {"half_life": 1e6, "lookahead": 0.0, "smoothing": 0.5},
]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_statistics_are_those_of_all_prefixes(parameters, ties):
    X, T = sequences(ties=ties)
    model = SequentialAttentionRecommender(solver="dense", **parameters).fit(X, timestamps=T)
    C, Y = prefix_regression(model, X, T)
    n, H = X.shape[1], model.n_heads
    # (n_rows, H * n) -> (n_rows, n * H)
    by_item = C.reshape(len(C), H, n).transpose(0, 2, 1).reshape(len(C), H * n)
    half = model.statistics_.gram.toarray()
    assert_allclose(half + half.T, by_item.T @ by_item, atol=1e-6)  # what is cut is below 1e-7
    scale = model.statistics_.n_entries / model.statistics_.relevance.sum()
    cross = Y.T @ by_item
    assert_allclose(model.statistics_.cross.toarray() * scale, cross, atol=1e-6)
    assert_array_equal(model.statistics_.item_counts, (X.toarray() > 0).sum(axis=0))


@pytest.mark.parametrize("age", ["rank", "time"])
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_statistics_of_long_histories(age, smoothing):
    """Attention of sharp heads ends long before the history does: what is cut must not matter."""
    X, T = sequences(7, n_users=12, n_items=120, longest=120)
    model = SequentialAttentionRecommender(
        2, half_life=1.5, half_life_ratio=6, age=age, smoothing=smoothing, lookahead=0.5
    ).fit(X, timestamps=T)
    C, Y = prefix_regression(model, X, T)
    n = X.shape[1]
    # (n_rows, H * n) -> (n_rows, n * H)
    by_item = C.reshape(len(C), 2, n).transpose(0, 2, 1).reshape(len(C), 2 * n)
    half = model.statistics_.gram.toarray()
    gram = by_item.T @ by_item
    assert_allclose(half + half.T, gram, atol=3e-6)
    scale = model.statistics_.n_entries / model.statistics_.relevance.sum()
    assert_allclose(model.statistics_.cross.toarray() * scale, Y.T @ by_item, atol=3e-6)
    # sharp: one head sees hardly farther than 35 entries, the other farther than there are
    assert model.statistics_.pairs.indptr[-1] < np.count_nonzero(gram)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_votes_solve_the_regression_over_prefixes(parameters, ties):
    X, T = sequences(1, ties=ties)
    model = SequentialAttentionRecommender(
        dropout=0.2, regularization=3, popularity_exponent=0, solver="dense", **parameters
    ).fit(X, timestamps=T)
    C, Y = prefix_regression(model, X, T)
    n, H = X.shape[1], model.n_heads
    squares = (C**2).sum(axis=0).reshape(H, n).sum(axis=1)
    scale = np.repeat(np.sqrt(X.nnz / squares), n)
    C = C * scale
    item = np.arange(H * n) % n
    gram = C.T @ C
    gram += 3 * H * np.eye(H * n) + 0.25 * np.where(item[:, None] == item, gram, 0)
    V = np.zeros((H * n, n))
    for i in range(n):
        free = item != i
        V[free, i] = np.linalg.solve(gram[np.ix_(free, free)], C[:, free].T @ Y[:, i])
    V *= scale[:, None]
    assert_allclose(model.values_.reshape(H * n, n), V, atol=1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_reversed_histories_are_added_with_their_weight(ties):
    X, T = sequences(2, ties=ties)
    make = {"lookahead": 0.4, "age": "time", "half_life": 7.0}
    forward = SequentialAttentionRecommender(**make).fit(X, timestamps=T)
    backward = SequentialAttentionRecommender(**make).fit(X, timestamps=reverse_times(X, T))
    both = SequentialAttentionRecommender(reverse_weight=0.3, **make).fit(X, timestamps=T)
    for name in ("gram", "cross"):
        a, b, c = (getattr(m.statistics_, name).toarray() for m in (forward, backward, both))
        if name == "gram":  # halves differ, wholes do not
            a, b, c = a + a.T, b + b.T, c + c.T
        assert_allclose(c, a + 0.3 * b, atol=1e-8)


@given(st.integers(0, 10**6), st.sampled_from(["rank", "time"]), st.booleans())
@settings(deadline=None, max_examples=15)
def test_scores_are_those_of_the_last_prefix(seed, age, ties):
    X, T = sequences(seed, ties=ties)
    model = SequentialAttentionRecommender(age=age, solver="dense", regularization=5)
    model.fit(X, timestamps=T)
    x, times = X.toarray()[0], T.toarray()[0]
    weights = attention(model, x, times, X.shape[1], np.flatnonzero(x))
    expected = weights @ model.values_.reshape(-1, X.shape[1])  # (H, n, n) -> (H * n, n)
    assert_allclose(model.predict(X[[0]], timestamps=T[[0]])[0], expected, atol=1e-9)


@pytest.mark.parametrize("age", ["rank", "time"])
@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_shifted_times_change_nothing(age, solver):
    X, T = sequences(3, ties=True)
    shifted = sp.csr_array((T.data + 1e4, T.indices, T.indptr), shape=T.shape)
    models = [
        SequentialAttentionRecommender(age=age, solver=solver, reverse_weight=0.2)
        .fit(X, timestamps=times)
        .predict(X, timestamps=times)
        for times in (T, shifted)
    ]
    assert_array_equal(models[0], models[1])


@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_entries_of_one_time_have_no_order(solver):
    """Permuted columns give permuted answers, however many times are equal."""
    X, T = sequences(8, n_users=60, ties=True)
    columns = np.random.default_rng(8).permutation(X.shape[1])
    one, other = (
        SequentialAttentionRecommender(solver=solver, n_neighbors=n, reverse_weight=0.1)
        for n in ([None] * 2 if solver == "dense" else [50] * 2)
    )
    one.fit(X, timestamps=T)
    P, S = (sp.csr_array(M.toarray()[:, columns]) for M in (X, T))
    other.fit(P, timestamps=S)
    assert_allclose(
        other.predict(P, timestamps=S), one.predict(X, timestamps=T)[:, columns], atol=1e-7
    )


def test_noise_of_one_time_teaches_nothing():
    """Where all times are equal nothing follows anything, whatever the columns."""
    rng = np.random.default_rng(9)
    X = sp.csr_array((rng.random((300, 40)) < 0.2).astype(float))
    T = sp.csr_array((np.full(X.nnz, 3.0), X.indices, X.indptr), shape=X.shape)
    model = SequentialAttentionRecommender(regularization=1).fit(X, timestamps=T)
    assert_array_equal(model.values_, 0)
    assert model.statistics_.pairs.indptr[-1] == 0
    assert np.ptp(model.predict(X, timestamps=T)) == 0


def test_the_future_is_not_used():
    """The last entry of a history is a target and no voter: its rating is in no row of C."""
    X, T = sequences(4)
    given = {"relevance_threshold": 1, "rating_center": 3, "rating_spread": 1, "temperature": 1}
    changed = X.copy()
    order = np.argsort(T[[0]].data)
    assert len(order) > 1
    changed.data[order[-1]] = 6 - changed.data[order[-1]]
    one, other = (
        SequentialAttentionRecommender(**given).fit(rows, timestamps=T) for rows in (X, changed)
    )
    for name in ("gram", "cross"):
        a, b = (getattr(m.statistics_, name).toarray() for m in (one, other))
        assert_array_equal(a, b)


def test_order_matters_and_can_be_learned():
    """Item i is always followed by item i + 1: recommended from the last item, not the first."""
    n = 8
    X, T = np.zeros((2, 200, n))
    rng = np.random.default_rng(5)
    for u in range(200):
        start = rng.integers(n)
        items = (start + np.arange(4)) % n
        X[u, items], T[u, items] = 1, np.arange(1, 5)
    model = SequentialAttentionRecommender(regularization=1).fit(X, timestamps=sp.csr_array(T))
    history, times = np.zeros((2, 1, n))
    history[0, [1, 2, 3]], times[0, [1, 2, 3]] = 1, [1, 2, 3]
    assert model.recommend(history, k=1, timestamps=sp.csr_array(times))[0][0, 0] == 4
    score = RankingScorer("hit_rate", k=1, holdout="last")
    assert score(model, sp.csr_array(X), timestamps=sp.csr_array(T)) == 1


def test_times_are_required_everywhere():
    X, T = sequences(6)
    with pytest.raises(ValueError, match=r"needs timestamps.*enable_metadata_routing"):
        SequentialAttentionRecommender().fit(X)
    model = SequentialAttentionRecommender().fit(X, timestamps=T)
    for ask in (
        model.predict,
        model.recommend,
        model.explain,
        model.attention_weights,
        model.predict_proba,
        model.sample,
        model.partial_fit,
        model.forget,
    ):
        with pytest.raises(ValueError, match="needs timestamps"):
            ask(X[[0]])


def test_similar_items_are_those_that_follow():
    X, T = sequences(10, n_users=80)
    model = SequentialAttentionRecommender(1, regularization=5).fit(X, timestamps=T)
    indices, _ = model.similar_items([2], k=3)
    expected = np.argsort(-np.delete(model.values_[0][2], 2))[:3]
    assert_array_equal(indices[0], np.delete(np.arange(9), 2)[expected])


def test_histories_may_be_empty_or_of_one_entry():
    X = sp.csr_array(np.array([[0.0, 0, 0, 0], [0, 0, 1, 0]]))
    T = sp.csr_array((np.array([1.0]), X.indices, X.indptr), shape=X.shape)
    alone = SequentialAttentionRecommender().fit(X, timestamps=T)  # no prefix has a next item
    assert_array_equal(alone.values_, 0)


@pytest.mark.parametrize("age", ["rank", "time"])
@pytest.mark.parametrize("half_life", [1e-300, 1e-3, 1e300, np.inf])
def test_extreme_half_lives_and_times_stay_finite(age, half_life):
    X, T = sequences(11)
    huge = sp.csr_array((T.data * 1e300, T.indices, T.indptr), shape=T.shape)
    huge.data[0] = -1e308
    for times in (T, huge):
        model = SequentialAttentionRecommender(1, age=age, half_life=half_life)
        assert np.isfinite(model.fit(X, timestamps=times).predict(X, timestamps=times)).all()
