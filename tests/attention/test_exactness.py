"""Learning batch by batch and forgetting: to the last bit what one fit on what is left gives."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skattnrec import (
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.attention import _statistics

N_ITEMS = 300
FEATURES = np.random.default_rng(9).normal(size=(N_ITEMS, 3))
GIVEN = {"rating_center": 4.0, "rating_spread": 1.1}
MODELS = [
    AttentionRecommender(**GIVEN),
    AttentionRecommender(0.3, relevance_threshold=3, smoothing=0, **GIVEN),
    AttentionRecommender(item_features=FEATURES, learn_projections=True, **GIVEN),
    MultiHeadAttentionRecommender(
        2, solver="sparse", n_neighbors=20, key_popularity_exponent=0.3, **GIVEN
    ),
    AttentionRecommender(0.05, solver="sparse", **GIVEN),
    SequentialAttentionRecommender(temperature=1, lookahead=0.5, reverse_weight=0.3, **GIVEN),
    SequentialAttentionRecommender(1, age="time", solver="sparse", n_neighbors=20),
]


def ratings(seed=0, n_users=120, dtype=np.float64):
    """Stars with times that often tie; items from popular to rare, users from 0 entries to many."""
    rng = np.random.default_rng(seed)
    popularity = 0.6 * np.arange(1, N_ITEMS + 1) ** -0.6
    known = rng.random((n_users, N_ITEMS)) < popularity * rng.uniform(0, 2, (n_users, 1))
    known[3] = False
    X = sp.csr_array((rng.integers(1, 6, known.shape) * known).astype(dtype))
    T = sp.csr_array((rng.integers(1, 40, X.nnz) + 0.0, X.indices, X.indptr), shape=X.shape)
    return X, T


def part(model, T, rows=slice(None)):
    return {"timestamps": T[rows]} if model._needs_times() else {}


def assert_same(model, other, X, T):
    """Statistics, votes and answers agree to the last bit."""
    for one, two in zip(model.statistics_.pairs, other.statistics_.pairs, strict=True):
        assert_array_equal(one, two)
    for name in ("relevance_counts", "item_counts", "rows"):
        assert_array_equal(getattr(model.statistics_, name), getattr(other.statistics_, name))
    times = part(model, T)
    assert_array_equal(model.prior_, other.prior_)
    assert_array_equal(model.predict(X, **times), other.predict(X, **times))
    for one, two in zip(model.recommend(X, **times), other.recommend(X, **times), strict=True):
        assert_array_equal(one, two)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_partition_of_rows_is_one_fit(model, dtype):
    X, T = ratings(dtype=dtype)
    rng = np.random.default_rng(1)
    once = clone(model).fit(X, **part(model, T))
    for n_parts in (2, 7):
        in_parts = clone(model)
        owner = rng.integers(n_parts, size=X.shape[0])
        for number in range(n_parts):
            rows = np.flatnonzero(owner == number)
            in_parts.partial_fit(X[rows], refresh=False, **part(model, T, rows))
        assert_same(in_parts.refresh(), once, X, T)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forgetting_is_never_having_learned(model, dtype):
    X, T = ratings(1, dtype=dtype)
    rng = np.random.default_rng(2)
    stay, leave = np.split(rng.permutation(X.shape[0]), [30])
    never = clone(model).fit(X[stay], **part(model, T, stay))
    at_once = clone(model).fit(X, **part(model, T))
    one_by_one = copy.deepcopy(at_once)
    at_once.forget(X[leave], **part(model, T, leave))
    assert_same(at_once, never, X, T)
    for row in leave:
        one_by_one.forget(X[[row]], refresh=False, **part(model, T, [row]))
    assert_same(one_by_one.refresh(), never, X, T)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 119), max_size=40, unique=True))
@settings(deadline=None, max_examples=15)
def test_learning_and_forgetting_in_any_order(seed, leave):
    X, T = ratings(seed)
    model = SequentialAttentionRecommender(1, solver="sparse", n_neighbors=5)
    in_turns = clone(model).fit(X[:60], timestamps=T[:60])
    early = [row for row in leave if row < 60]
    late = [row for row in leave if row >= 60]
    in_turns.forget(X[early], timestamps=T[early], refresh=False) if early else None
    in_turns.partial_fit(X[60:], timestamps=T[60:], refresh=False)
    in_turns.forget(X[late], timestamps=T[late], refresh=False) if late else None
    stay = np.setdiff1d(np.arange(120), leave)
    assert_same(in_turns.refresh(), clone(model).fit(X[stay], timestamps=T[stay]), X, T)


def test_no_pair_is_left_that_nobody_has():
    X, _ = ratings(2)
    model = AttentionRecommender().fit(X).forget(X[20:])
    left = (X[:20].toarray() > 0).astype(float)
    assert model.statistics_.pairs.indptr[-1] == np.count_nonzero(left.T @ left)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])
def test_everybody_may_be_forgotten_and_learned_again(model):
    X, T = ratings(3)
    times = part(model, T)
    empty = clone(model).fit(X, **times).forget(X, **times)
    assert empty.statistics_.n_entries == empty.statistics_.pairs.indptr[-1] == 0
    assert_array_equal(empty.predict(X, **times), 0)
    assert empty.recommend(X[:2], 3, **part(model, T, slice(2)))[0].shape == (2, 3)
    again = empty.partial_fit(X[:50], **part(model, T, slice(50)))
    assert_same(again, clone(model).fit(X[:50], **part(model, T, slice(50))), X, T)


def test_first_ratings_after_none_decide_what_is_usual():
    X, _ = ratings(4)
    nothing = sp.csr_array(X.shape)
    for model in (
        AttentionRecommender().fit(nothing),
        AttentionRecommender().fit(X * 100).forget(X * 100),
    ):
        assert_same(model.partial_fit(X), AttentionRecommender().fit(X), X, None)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])
def test_rows_that_were_not_learned_are_refused(model):
    X, T = ratings(5)
    times = part(model, T, slice(100))
    learned = clone(model).fit(X[:100], **times)
    before = pickle.dumps(learned)
    other = X[:100].copy()
    other.data[other.indptr[7]] = 6 - other.data[other.indptr[7]] or 2.5
    if other.data[other.indptr[7]] == X.data[X.indptr[7]]:
        other.data[other.indptr[7]] = 2.5
    with pytest.raises(ValueError, match=r"Row 7 of X was not learned, or was forgotten already"):
        learned.forget(other, **times)
    with pytest.raises(ValueError, match=r"Row 2 of X was not learned"):
        learned.forget(X[[5, 6, 5]], **part(model, T, [5, 6, 5]))
    assert pickle.dumps(learned) == before
    learned.forget(X[[5]], **part(model, T, [5]))
    with pytest.raises(ValueError, match=r"Row 0 of X was not learned, or was forgotten already"):
        learned.forget(X[[5]], **part(model, T, [5]))
    with pytest.raises(ValueError, match=r"Row \d+ of X was not learned"):
        learned.forget(X[100:], **part(model, T, slice(100, None)))


def test_other_times_are_other_rows():
    X, T = ratings(6)
    model = SequentialAttentionRecommender(1).fit(X, timestamps=T)
    later = sp.csr_array((T.data + 1, T.indices, T.indptr), shape=T.shape)
    with pytest.raises(ValueError, match="ratings and times included"):
        model.forget(X, timestamps=later)
    unordered = AttentionRecommender().fit(X, timestamps=T)
    unordered.forget(X, timestamps=later)  # times are ignored


def test_equal_rows_are_forgotten_as_often_as_they_were_learned():
    X, _ = ratings(7)
    twice = X[[0, 1, 0, 2]]
    model = AttentionRecommender(**GIVEN).fit(twice).forget(X[[0]])
    assert_same(model, AttentionRecommender(**GIVEN).fit(X[:3]), X, None)
    with pytest.raises(ValueError, match="Row 1 of X"):
        model.forget(X[[0, 0]])


def test_a_history_grows_by_forgetting_and_learning():
    X, _ = ratings(8)
    shorter = X.copy()
    shorter[[5], X[[5]].indices[0]] = 0
    shorter.eliminate_zeros()
    model = AttentionRecommender(**GIVEN).fit(shorter)
    model.forget(shorter[[5]], refresh=False).partial_fit(X[[5]])
    assert_same(model, AttentionRecommender(**GIVEN).fit(X), X, None)


def test_large_counts_come_and_go():
    X, _ = ratings(9)
    counts = X.copy()
    counts.data[0] = 1e15
    for dtype in (np.float32, np.float64):
        small, large = X[1:].astype(dtype), counts[[0]].astype(dtype)
        model = AttentionRecommender().fit(small)
        expected = model.predict(small)
        model.partial_fit(large)
        assert np.isfinite(model.predict(large)).all()
        assert_array_equal(model.forget(large).predict(small), expected)


def test_votes_stay_until_they_are_refreshed():
    X, _ = ratings(10)
    model = AttentionRecommender(**GIVEN).fit(X[:60])
    before = model.predict(X)
    model.partial_fit(X[60:], refresh=False)
    assert_array_equal(model.predict(X), before)
    assert_same(model.refresh(), AttentionRecommender(**GIVEN).fit(X), X, None)


def test_what_sums_do_not_depend_on_may_change():
    X, _ = ratings(11)
    changes = {
        "regularization": 20.0,
        "dropout": 0.1,
        "key_popularity_exponent": 0.2,
        "popularity_exponent": 0.1,
        "solver": "sparse",
        "n_neighbors": 7,
    }
    model = AttentionRecommender(**GIVEN).fit(X).set_params(**changes).refresh()
    assert_same(model, AttentionRecommender(**GIVEN, **changes).fit(X), X, None)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 1.0},
        {"rating_spread": 2.0},
        {"smoothing": 0.5},
        {"relevance_threshold": 4},
        {"item_features": FEATURES},
        {"half_life": 3.0},
        {"lookahead": 0.1},
        {"n_heads": 3},
    ],
)
@pytest.mark.parametrize("verb", ["refresh", "partial_fit", "forget"])
def test_what_sums_depend_on_may_not_change(change, verb):
    X, T = ratings(12)
    model = SequentialAttentionRecommender(temperature=2.5, **GIVEN).fit(X, timestamps=T)
    before = model.predict(X, timestamps=T)
    model.set_params(**change)
    rows = () if verb == "refresh" else (X,)
    times = {} if verb == "refresh" else {"timestamps": T}
    with pytest.raises(ValueError, match=f"{next(iter(change))} was changed since"):
        getattr(model, verb)(*rows, **times)
    assert_array_equal(model.predict(X, timestamps=T), before)
    equal = {"temperature": np.float32(2.5), "n_heads": np.int64(2), "rating_center": 4}
    model = SequentialAttentionRecommender(temperature=2.5, **GIVEN).fit(X, timestamps=T)
    model.set_params(**equal).refresh()


def test_a_failed_solve_changes_nothing(monkeypatch):
    X, _ = ratings(13)
    model = AttentionRecommender(**GIVEN).fit(X[:100])
    before = pickle.dumps(model)

    def fail(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(AttentionRecommender, "_solve", fail)
    for verb, rows in (("partial_fit", X[100:]), ("forget", X[:10])):
        with pytest.raises(KeyboardInterrupt):
            getattr(model, verb)(rows)
    assert pickle.dumps(model) == before
    monkeypatch.undo()
    assert_same(model.partial_fit(X[100:]), AttentionRecommender(**GIVEN).fit(X), X, None)


def test_dropped_statistics_make_a_model_small():
    X, _ = ratings(14)
    model = AttentionRecommender(solver="sparse", n_neighbors=5).fit(X)
    size, expected = len(pickle.dumps(model)), model.predict(X)
    model.drop_statistics().drop_statistics()
    assert len(pickle.dumps(model)) < 0.5 * size
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), expected)
    for verb in (model.refresh, lambda: model.partial_fit(X), lambda: model.forget(X)):
        with pytest.raises(ValueError, match="statistics of this model were dropped"):
            verb()
    model.fit(X).refresh()


def test_statistics_of_two_machines_add_up():
    X, _ = ratings(15)
    here, there = (AttentionRecommender(**GIVEN).fit(rows) for rows in (X[:50], X[50:]))
    whole = AttentionRecommender(**GIVEN).fit(X)
    here.statistics_ = here.statistics_ + there.statistics_
    assert_same(here.refresh(), whole, X, None)
    with pytest.raises(ValueError, match="models with different parameters"):
        here.statistics_ + AttentionRecommender(1.0).fit(X).statistics_


def test_sums_that_do_not_fit_are_refused(monkeypatch):
    X, _ = ratings(16)
    monkeypatch.setattr(_statistics, "_ROOM", 2.0**43)
    with pytest.raises(OverflowError, match=r"Item \d+ has too many ratings for exact sums"):
        AttentionRecommender().fit(X)
    monkeypatch.setattr(_statistics, "_ROOM", 2.0**62)
    some = AttentionRecommender().fit(X).statistics_
    monkeypatch.setattr(_statistics, "_ROOM", 1.5 * some.relevance_counts.max())
    with pytest.raises(OverflowError, match="too many ratings"):
        some + some


def test_single_users_cost_no_pass_over_all_sums():
    """Parts of like size become one: there are few, and the last ones are small."""
    X, _ = ratings(20)
    model = AttentionRecommender(**GIVEN).fit(X)
    whole = len(model.statistics_.parts[0].indices)
    for row in range(40):
        model.forget(X[[row]], refresh=False)
        parts = [len(part.indices) for part in model.statistics_.parts]
        assert parts[0] == whole or len(parts) == 1
        assert all(2 * later < sooner for sooner, later in pairwise(parts))
        whole = parts[0]
    assert_same(model.refresh(), AttentionRecommender(**GIVEN).fit(X[40:]), X, None)
    assert len(model.statistics_.parts) == 1


def test_fit_starts_afresh():
    X, T = ratings(17)
    model = SequentialAttentionRecommender(1).partial_fit(X, timestamps=T)
    model.fit(X[:10], timestamps=T[:10])
    other = SequentialAttentionRecommender(1).fit(X[:10], timestamps=T[:10])
    assert_same(model, other, X, T)


def test_other_items_are_refused():
    X, _ = ratings(18)
    with pytest.raises(ValueError, match="300 features"):
        AttentionRecommender().fit(X).partial_fit(X[:, :5])


def test_halves_add_up_to_the_gram_matrix():
    X, _ = ratings(19)
    model = AttentionRecommender(relevance_threshold=4).fit(X)
    A = model.attention_weights(X)[0].toarray()
    half = model.statistics_.gram.toarray()
    assert_allclose(half + half.T, A.T @ A, atol=1e-8)
    liked = (X.toarray() >= 4).astype(float)
    cross = liked.T @ A
    np.fill_diagonal(cross, 0)
    assert_allclose(model.statistics_.cross.toarray(), cross, atol=1e-8)
    assert_allclose(model.statistics_.squares[:, 0], np.diag(A.T @ A), atol=1e-8)


def test_relevance_counts_the_nearest_number_of_units():
    """One rating of each item: half a unit is the largest error, and it goes both ways."""
    stars = np.arange(1, 41) / 8
    X = sp.csr_array(np.diag(stars))
    model = AttentionRecommender(temperature=2.0, rating_center=3.0, rating_spread=1.0).fit(X)
    exact = np.exp(np.clip(stars - 3.0, -2.5, 2.5) / 2.0) / model.statistics_.units[2]
    errors = model.statistics_.relevance_counts - exact
    assert np.abs(errors).max() <= 0.5 + 2**-8
    assert errors.min() < -0.2
    assert errors.max() > 0.2
