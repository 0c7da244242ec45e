"""Items that nobody has rated: their votes follow from features, and a catalogue may grow."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec import (
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec._features import FeatureScaling, check_features
from skattnrec.attention._cold import Likeness, learn_ridge, lend_votes

N_USERS, N_ITEMS = 60, 16
COLD = np.array([3, 9])


def histories(seed=0):
    """Two groups of users, each with items of its own, whose tags tell the groups apart."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=N_USERS)
    taste = np.where(np.arange(N_ITEMS) % 2 == group[:, None], 0.7, 0.1)
    X = (rng.random((N_USERS, N_ITEMS)) < taste) * rng.integers(1, 6, (N_USERS, N_ITEMS))
    X[:, COLD] = 0
    return sp.csr_array(X.astype(float))


def times_of(X, seed=0):
    rng = np.random.default_rng(seed)
    return sp.csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)


def tags(seed=0):
    rng = np.random.default_rng(seed)
    table = (rng.random((N_ITEMS, 8)) < 0.3).astype(float)
    table[:, :2] = np.eye(2)[np.arange(N_ITEMS) % 2]
    return table


def numbers(seed=0):
    return np.random.default_rng(seed).normal(size=(N_ITEMS, 2))


def mixed():
    return np.hstack([tags(), numbers()])


X = histories()
TIMES = times_of(X)
KINDS = [
    pytest.param(AttentionRecommender, {}, id="set"),
    pytest.param(AttentionRecommender, {"solver": "sparse"}, id="set, sparse"),
    pytest.param(MultiHeadAttentionRecommender, {"random_state": 0}, id="heads"),
    pytest.param(SequentialAttentionRecommender, {}, id="sequence"),
    pytest.param(SequentialAttentionRecommender, {"solver": "sparse"}, id="sequence, sparse"),
]


def fitted(kind, options, features, rows=X):
    model = kind(item_features=features, **options)
    return model.fit(rows, timestamps=times_of(rows))


# -- the formula ------------------------------------------------------------------------------


def by_hand(features, is_number, counts, ridge):
    """K and S of the module, in dense numpy, with unit tags and numbers in spreads."""
    T = features[:, ~is_number]
    T = T / np.maximum(np.linalg.norm(T, axis=1, keepdims=True), 1e-300)
    K = np.exp(T @ T.T - 1) if T.any() else np.ones((len(T), len(T)))
    Z = features[:, is_number]
    if Z.size:
        Z = np.stack([in_spreads(column) for column in Z.T], axis=1)
        K *= np.exp(-3 * np.mean((Z[:, None] - Z) ** 2, axis=2))
    warm = counts > 0
    noise = counts[warm] ** -0.5
    system = K[np.ix_(warm, warm)] + ridge * np.diag(noise / noise.mean())
    mean = K[np.ix_(warm, warm)].mean(axis=0)
    common = np.linalg.solve(system, mean)[:, None]
    apart = np.linalg.solve(system, K[np.ix_(warm, ~warm)]) - common
    explained = np.mean([(K[warm, c] - mean) @ a for c, a in zip(np.flatnonzero(~warm), apart.T)])
    return K, common + np.clip((1 - mean.mean()) / explained, 1, 3) * apart


def in_spreads(column):
    low, high = np.quantile(column, [0.05, 0.95])
    spread = np.std(np.clip(column, low, high))
    return np.clip((column - np.median(column)) / spread, -4, 4)


def alike(likeness, ridge):
    """Cosines of votes that are likeness and noise, as much as to make this the penalty."""
    return lambda items: likeness.between(items, items) / (1 + 3 * ridge)


def slope(likeness, cosines):
    pairs = np.triu_indices(len(likeness), 1)
    return np.polyfit(likeness[pairs], cosines[pairs], 1)[0]


def test_penalty_is_learned_from_pairs_of_items():
    rng = np.random.default_rng(0)
    K = np.exp(-np.square(np.subtract.outer(numbers()[:, 0], numbers()[:, 0])))
    for noise in (0.3, 1.0, 4.0):
        cosines = K / (1 + noise) + 0.01 * rng.normal(size=K.shape)
        cosines = (cosines + cosines.T) / 2
        b = slope(K, cosines)
        assert_allclose(learn_ridge(K, cosines), np.clip((1 - b) / b / 3, 0.5, 50))
    for nothing in ((K, -K), (K, 0 * K), (np.ones_like(K), K)):
        assert learn_ridge(*nothing) == 50
    assert learn_ridge(K[:7, :7], -K[:7, :7]) == 0.5  # too few to tell


@pytest.mark.parametrize("features", [tags(), numbers(), mixed()])
def test_shares_are_the_documented_regression(features):
    counts = np.diff(sp.csc_array(X).indptr)
    table = check_features(features, N_ITEMS)
    scaling = FeatureScaling.learn(table)
    likeness = Likeness.of(scaling.scale(table), scaling)
    K, S = by_hand(features, scaling.is_number, counts, 3.0)
    everything = np.arange(N_ITEMS)
    assert_allclose(likeness.between(everything, everything), K, rtol=1e-10)
    lending = lend_votes(likeness, counts, alike(likeness, 3.0))
    assert_array_equal(lending.cold, COLD)
    assert_allclose(lending.shares.T, S, rtol=1e-8)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_cold_votes_are_mixtures_of_warm_ones(kind, options):
    features = mixed()
    model = fitted(kind, options, features)
    counts = np.diff(sp.csc_array(X).indptr)
    is_number = np.arange(features.shape[1]) >= 8
    is_number[:8] = (features[:, :8] > 0).sum(axis=0) > N_ITEMS / 2
    warm, n_heads = np.flatnonzero(counts), len(model.temperatures_)
    values = model.values_.toarray() if model.solver_ == "sparse" else model.values_
    values = values.reshape(n_heads, N_ITEMS, N_ITEMS)  # (n_heads * n, n) -> (n_heads, n, n)
    K = by_hand(features, is_number, counts, 1.0)[0][np.ix_(warm, warm)]
    received = values[:, warm][:, :, warm].reshape(-1, len(warm))  # votes of warm items, all heads
    cosines = np.corrcoef(np.vstack([received, -received]).T)  # of mean 0
    b = slope(K, cosines)
    S = by_hand(features, is_number, counts, np.clip((1 - b) / b / 3, 0.5, 50) if b > 0 else 50)[1]
    relevance = model.statistics_.relevance
    totals = model.statistics_.squares.sum(axis=0)
    scale = np.sqrt(X.nnz / totals) * X.nnz / relevance.sum()
    popularity = (np.maximum(counts, 1) / np.maximum(counts, 1).mean()) ** -0.05
    for votes, of_head in zip(values, scale, strict=True):
        own = 0.1 / n_heads * of_head * popularity
        whole = votes + np.diag(own)
        assert_allclose(votes[np.ix_(warm, COLD)], (whole[:, warm] @ S)[warm], rtol=1e-5)
        cast = S.T @ whole[warm]
        assert_allclose(votes[np.ix_(COLD, warm)], cast[:, warm], rtol=1e-5)
    assert_allclose(model.prior_[COLD], np.maximum(model.prior_[warm] @ S, 0), rtol=1e-6)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_they_are_recommended_to_those_who_like_their_kind(kind, options):
    model = fitted(kind, options, tags())
    scores = model.predict(X, timestamps=TIMES)
    of_group = np.asarray(X[:, 0::2].sum(axis=1) < X[:, 1::2].sum(axis=1))
    odd, even = COLD[COLD % 2 == 1], np.array([], int)
    assert odd.size == 2
    assert not even.size
    assert (scores[of_group][:, odd].mean(axis=0) > scores[~of_group][:, odd].mean(axis=0)).all()


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_explanations_of_cold_items_add_up(kind, options):
    model = fitted(kind, options, mixed())
    for row in range(5):
        history, when = X[[row]], TIMES[[row]]
        told = model.explain(history, items=COLD, timestamps=when)
        assert_allclose(told.contributions.sum(axis=1) + told.baseline, told.scores, rtol=1e-6)
        assert_allclose(told.scores, model.predict(history, timestamps=when)[0, COLD], rtol=1e-6)
        assert np.abs(told.contributions).max() > 0


def test_cold_item_is_treated_like_its_twin(monkeypatch):
    from skattnrec.attention import _cold

    monkeypatch.setattr(_cold, "_RIDGES", (0.1, 0.1))
    features = np.eye(N_ITEMS)
    features[COLD[0]] = features[0]
    model = fitted(AttentionRecommender, {"content_weight": 0}, features)
    values = model.values_[0]
    others = np.setdiff1d(np.arange(1, N_ITEMS), COLD)
    assert np.corrcoef(values[others, COLD[0]], values[others, 0])[0, 1] > 0.9
    assert np.corrcoef(values[COLD[0], others], values[0, others])[0, 1] > 0.9  # what it casts
    assert values[0, COLD[0]] > 0.05
    assert not values[COLD, COLD].any()
    assert not AttentionRecommender().fit(X).predict(X)[:, COLD].any()


def test_sparse_solver_keeps_the_strongest_votes(monkeypatch):
    from skattnrec.attention import _votes

    whole = fitted(AttentionRecommender, {"solver": "sparse"}, mixed()).values_.toarray()
    monkeypatch.setattr(_votes, "LENT_VOTES", 5)
    monkeypatch.setattr(_votes, "AT_ONCE", 1)  # a row at a time
    few = fitted(AttentionRecommender, {"solver": "sparse"}, mixed()).values_.toarray()
    counts = np.diff(sp.csc_array(X).indptr)
    for item in COLD:
        kept = np.flatnonzero(few[counts > 0, item])
        loudness = (np.abs(whole[:, item]) * np.sqrt(counts))[counts > 0]
        assert len(kept) == 5
        assert_array_equal(np.sort(np.argsort(-loudness)[:5]), kept)
        assert_allclose(few[counts > 0, item][kept], whole[counts > 0, item][kept])


def test_many_warm_items_lend_by_the_most_rated(monkeypatch):
    from skattnrec.attention import _cold

    monkeypatch.setattr(_cold, "MOST_LENDERS", 6)
    counts = np.diff(sp.csc_array(X).indptr)
    table = check_features(tags(), N_ITEMS)
    scaling = FeatureScaling.learn(table)
    likeness = Likeness.of(scaling.scale(table), scaling)
    lending = lend_votes(likeness, counts, alike(likeness, 3.0))
    assert len(lending.warm) == 6
    assert counts[lending.warm].min() >= np.sort(counts)[-6]
    assert lending.shares.shape == (2, 6)


# -- any features -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_constant_features_and_units_change_nothing(kind, options):
    plain = fitted(kind, options, mixed()).predict(X, timestamps=TIMES)
    moved = np.hstack([mixed() * np.r_[np.ones(8), 1e9, 1e-9], np.full((N_ITEMS, 2), 7.0)])
    other = fitted(kind, options | _no_content(kind), moved).predict(X, timestamps=TIMES)
    same = fitted(kind, options | _no_content(kind), mixed()).predict(X, timestamps=TIMES)
    assert_allclose(other, same, rtol=1e-6, atol=1e-9)
    assert np.isfinite(plain).all()


def _no_content(kind):
    return {} if kind is SequentialAttentionRecommender else {"content_weight": 0}


@pytest.mark.parametrize(
    "features", [np.ones((N_ITEMS, 1)), np.zeros((N_ITEMS, 3)), np.eye(N_ITEMS)]
)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_features_that_say_nothing_leave_warm_items_alone(kind, options, features):
    warm = np.setdiff1d(np.arange(N_ITEMS), COLD)
    informed = fitted(kind, options | _no_content(kind), features)
    plain = fitted(kind, options, None)
    for rows in (X, X[:3]):
        when = times_of(rows)
        got = informed.predict(rows, timestamps=when)
        assert np.isfinite(got).all()
        assert_allclose(got[:, warm], plain.predict(rows, timestamps=when)[:, warm], rtol=1e-6)


@pytest.mark.parametrize("kind", [AttentionRecommender, SequentialAttentionRecommender])
def test_fifty_thousand_sparse_columns(kind):
    rng = np.random.default_rng(0)
    words = sp.random_array((N_ITEMS, 50_000), density=0.002, rng=rng, format="csr")
    words = sp.csr_array(sp.hstack([sp.csr_array(tags()), words]))
    model = fitted(kind, {}, words)
    scores = model.predict(X, timestamps=TIMES)
    assert np.isfinite(scores).all()
    assert scores[:, COLD].any()
    for asked in ({"learn_projections": True}, {"content_weight": 1.0}):
        if kind is SequentialAttentionRecommender and "content_weight" in asked:
            continue
        with pytest.raises(ValueError, match=r"at most 4096 columns, it has 50008.*TruncatedSVD"):
            fitted(kind, asked, words)


def test_missing_features_are_named():
    features = mixed()
    features[5, 3] = np.nan
    with pytest.raises(ValueError, match=r"contains NaN: row 5, column 3. .*SimpleImputer"):
        fitted(AttentionRecommender, {}, features)


# -- a catalogue that grows -------------------------------------------------------------------


NEW = 4  # the last columns come later
HOT = sp.csr_array(X.toarray() * (np.arange(N_ITEMS) < N_ITEMS - NEW))
FIRST = sp.csr_array(HOT[:, : N_ITEMS - NEW])
CROSS = np.tile(np.eye(4), (4, 1))  # one-hot: scaled alike, whatever items there are


def answers(model, rows):
    return model.predict(rows, timestamps=times_of(rows))


@pytest.mark.parametrize("features", [None, CROSS])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_added_items_are_those_of_a_fit_with_these_columns(kind, options, features):
    first, later = (None, None) if features is None else (CROSS[:-NEW], CROSS[-NEW:])
    model = fitted(kind, options, first, FIRST)
    model.add_items(later, n_items=NEW)
    whole = fitted(kind, options, features, HOT)
    assert model.n_features_in_ == N_ITEMS
    assert_allclose(answers(model, X), answers(whole, X), rtol=1e-6, atol=1e-9)
    assert_allclose(model.prior_, whole.prior_, rtol=1e-6)
    more = histories(1)
    for each in (model, whole):
        each.partial_fit(more, timestamps=times_of(more))
    assert_allclose(answers(model, X), answers(whole, X), rtol=1e-6, atol=1e-9)
    for each in (model, whole):
        each.forget(more, timestamps=times_of(more)).forget(HOT, timestamps=times_of(HOT))
        each.partial_fit(more, timestamps=times_of(more))
    assert_allclose(answers(model, X), answers(whole, X), rtol=1e-6, atol=1e-9)


def test_added_items_know_user_features_too():
    Z = np.eye(3)[np.arange(N_USERS) % 3]
    model = AttentionRecommender(item_features=CROSS[:-NEW]).fit(FIRST, user_features=Z)
    model.add_items(CROSS[-NEW:])
    whole = AttentionRecommender(item_features=CROSS).fit(HOT, user_features=Z)
    assert_allclose(
        model.predict(X, user_features=Z), whole.predict(X, user_features=Z), rtol=1e-6, atol=1e-9
    )
    empty = np.zeros((3, N_ITEMS))
    scores = model.predict(empty, user_features=np.eye(3))
    assert (scores[:, -NEW:] != 0).any()


def test_added_items_have_names():
    names = [f"item {i}" for i in range(N_ITEMS)]
    table = pd.DataFrame(FIRST.toarray(), columns=names[:-NEW])
    model = AttentionRecommender(item_features=CROSS[:-NEW]).fit(table)
    with pytest.raises(ValueError, match="knows items by name"):
        model.add_items(CROSS[-NEW:])
    with pytest.raises(ValueError, match="'item 0' is not"):
        model.add_items(CROSS[-NEW:], ["item 0", "a", "b", "c"])
    with pytest.raises(ValueError, match="4 rows of item_features, 3 names"):
        model.add_items(CROSS[-NEW:], ["a", "b", "c"])
    with pytest.raises(ValueError, match="Row 0 of item_features is 'item 15'"):
        model.add_items(pd.DataFrame(CROSS[-NEW:], index=names[: -NEW - 1 : -1]), names[-NEW:])
    model.add_items(pd.DataFrame(CROSS[-NEW:], index=names[-NEW:]))
    assert_array_equal(model.feature_names_in_, names)
    whole = pd.DataFrame(X.toarray(), columns=names)
    assert np.isfinite(model.partial_fit(whole).predict(whole)).all()


@pytest.mark.parametrize(
    ("features", "arguments", "message"),
    [
        (CROSS[:-NEW], {}, "give those of the new items"),
        (CROSS[:-NEW], {"item_features": CROSS[:1, :2]}, "must have the 4 columns"),
        (CROSS[:-NEW], {"item_features": [[np.nan] * 4]}, "contains NaN"),
        (CROSS[:-NEW], {"item_features": CROSS[:1], "names": ["a"]}, "knows no names"),
        (CROSS[:-NEW], {"item_features": CROSS[:2], "n_items": 3}, "2 rows .*, 3 n_items"),
        (None, {"item_features": CROSS[:1]}, "fitted without"),
        (None, {}, "Say how many"),
        (None, {"n_items": 0}, "at least one new item"),
        (None, {"n_items": 2.0}, "must be an integer"),
    ],
)
def test_wrong_additions_are_refused_and_change_nothing(features, arguments, message):
    model = AttentionRecommender(item_features=features).fit(FIRST)
    before = dict(model.__dict__)
    with pytest.raises(ValueError, match=message):
        model.add_items(**arguments)
    assert model.__dict__.keys() == before.keys()
    assert all(model.__dict__[name] is before[name] for name in before)


def test_unknown_columns_in_partial_fit_name_add_items():
    model = AttentionRecommender().fit(FIRST)
    with pytest.raises(ValueError, match=r"X has 16 features, .* expecting 12 .*add_items"):
        model.partial_fit(X)
    assert model.n_features_in_ == N_ITEMS - NEW
