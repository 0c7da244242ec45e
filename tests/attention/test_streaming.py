"""Learning batch by batch and forgetting: the same as one fit on what is left."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skattnrec import AttentionRecommender, MultiHeadAttentionRecommender

FEATURES = np.random.default_rng(9).normal(size=(9, 3))
MODELS = [
    AttentionRecommender(),
    AttentionRecommender(relevance_threshold=3, smoothing=0),
    MultiHeadAttentionRecommender(3, regularization=4, popularity_penalty=0.3),
    MultiHeadAttentionRecommender(2, solver="sparse", n_neighbors=4),
    AttentionRecommender(item_features=FEATURES, learn_projections=True),
]


def ratings(seed, n_users=24):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, (n_users, 9)) * (rng.random((n_users, 9)) < 0.5)
    X[:2] = rng.integers(1, 6, (2, 9))  # every item stays known
    X = sp.csr_array(X.astype(float))
    T = sp.csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
    return X, T


def assert_same(model, other, X, times):
    assert_allclose(model.predict(X, **times), other.predict(X, **times), atol=1e-8)
    assert_allclose(model.prior_, other.prior_, atol=1e-8)


def part(T, rows):
    return {} if T is None else {"timestamps": T[rows]}


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("ordered", [False, True])
@given(st.integers(0, 10**6), st.lists(st.integers(1, 23), max_size=3))
@settings(deadline=None, max_examples=4)
def test_any_partition_of_rows_is_one_fit(model, ordered, seed, cuts):
    X, T = ratings(seed)
    T = T if ordered else None
    once = clone(model).fit(X, **part(T, slice(None)))
    in_parts = clone(model)
    for rows in np.split(np.random.default_rng(seed).permutation(24), sorted(set(cuts))):
        in_parts.partial_fit(X[rows], refresh=False, **part(T, rows))
    assert_same(in_parts.refresh(), once, X, part(T, slice(None)))


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("ordered", [False, True])
def test_forgetting_is_never_having_learned(model, ordered):
    X, T = ratings(1)
    T = T if ordered else None
    stay, leave = np.arange(17), np.arange(17, 24)
    forgetful = clone(model).fit(X, **part(T, slice(None))).forget(X[leave], **part(T, leave))
    never = clone(model).fit(X[stay], **part(T, stay))
    assert_same(forgetful, never, X, part(T, slice(None)))


def test_a_history_grows_by_forgetting_and_learning():
    X, _ = ratings(2)
    shorter = X.copy()
    shorter[[5], X[[5]].indices[0]] = 0
    shorter.eliminate_zeros()
    model = AttentionRecommender().fit(shorter)
    model.forget(shorter[[5]], refresh=False).partial_fit(X[[5]])
    assert_same(model, AttentionRecommender().fit(X), X, {})


def test_votes_stay_until_they_are_refreshed():
    X, _ = ratings(3)
    model = AttentionRecommender().fit(X[:12])
    before = model.values_.copy()
    model.partial_fit(X[12:], refresh=False)
    assert_array_equal(model.values_, before)
    assert_allclose(model.refresh().values_, AttentionRecommender().fit(X).values_, atol=1e-8)


def test_fit_starts_afresh():
    X, T = ratings(4)
    model = AttentionRecommender().partial_fit(X, timestamps=T).fit(X[:10])
    assert_array_equal(model.values_, AttentionRecommender().fit(X[:10]).values_)


def test_what_was_not_learned_cannot_be_forgotten():
    X, _ = ratings(5)
    model = AttentionRecommender().fit(X[:3])
    with pytest.raises(ValueError, match=r"ratings of item .* forget what was learned"):
        model.forget(X)


@pytest.mark.parametrize(
    ("first", "message"), [(True, "give those of X"), (False, "leave them out")]
)
def test_times_come_always_or_never(first, message):
    X, T = ratings(6)
    model = AttentionRecommender().fit(X, timestamps=T if first else None)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, timestamps=None if first else T)


def test_other_items_are_refused():
    X, _ = ratings(7)
    with pytest.raises(ValueError, match="9 features"):
        AttentionRecommender().fit(X).partial_fit(X[:, :5])


def test_ratings_are_not_learned_in_parts():
    X, _ = ratings(8)
    model = AttentionRecommender(objective="rating").partial_fit(X)  # the first part is a fit
    for method in (model.partial_fit, model.forget):
        with pytest.raises(ValueError, match="no statistics that add up over users"):
            method(X)
