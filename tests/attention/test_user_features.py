"""User features are tokens: they decide where there is no history, and fade as it grows."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skattnrec import (
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from skattnrec.attention._prior import Tokens

N_USERS, N_ITEMS = 300, 30
GIVEN = {"rating_center": 3.0, "rating_spread": 1.0}
MODELS = [
    AttentionRecommender(**GIVEN),
    AttentionRecommender(relevance_threshold=4, prior_weight=7, popularity_exponent=0.3, **GIVEN),
    MultiHeadAttentionRecommender(solver="sparse", n_neighbors=9, **GIVEN),
    SequentialAttentionRecommender(temperature=2, **GIVEN),
    SequentialAttentionRecommender(1, age="time", solver="sparse", n_neighbors=9),
]


def community(seed=0, n_users=N_USERS):
    """Two groups, each of which likes its half of the items; an age that tells nothing."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=n_users)
    taste = np.where((np.arange(N_ITEMS) < N_ITEMS // 2) == (group[:, None] == 0), 0.4, 0.15)
    known = rng.random(taste.shape) < taste
    known[3] = False
    X = sp.csr_array(rng.integers(1, 6, known.shape) * known * 1.0)
    T = sp.csr_array((rng.permutation(X.nnz) + 1.0, X.indices, X.indptr), shape=X.shape)
    return X, T, np.column_stack([np.eye(2)[group], rng.normal(40, 12, n_users)])


def context(model, T, F, rows=slice(None)):
    times = {"timestamps": T[rows]} if model._needs_times() else {}
    return {**times, "user_features": F[rows]}


def nobody(n_rows, F, model):
    times = {"timestamps": sp.csr_array((n_rows, N_ITEMS))} if model._needs_times() else {}
    return sp.csr_array((n_rows, N_ITEMS)), {**times, "user_features": F}


def ids(model):
    return str(model)[:60]


def dense_prior(X, F, penalty):
    """The formulas of the module, by numpy: graded relevance of temperature 3, a mean of 1."""
    filled = np.diff(X.indptr) > 0
    Z = np.clip((F - np.median(F, axis=0)) / 1, -4, 4)
    spread = np.std(np.clip(F[:, 2], *np.quantile(F[:, 2], [0.05, 0.95])))
    Z[:, 2] = np.clip((F[:, 2] - np.median(F[:, 2])) / spread, -4, 4)
    Z[:, :2] = F[:, :2]
    Y = np.where(X.toarray(), np.exp((X.toarray() - 3) / 3), 0)
    Y *= X.nnz / Y.sum()
    mean = Y[filled].mean(axis=0)
    A = Z[filled]
    W = np.linalg.solve(A.T @ A + penalty * np.eye(3), A.T @ (Y[filled] - mean))
    H = A @ np.linalg.solve(A.T @ A + penalty * np.eye(3), A.T)
    residual = Y[filled] - mean - A @ W
    n_users = filled.sum()
    return mean, W, Z, np.sum(residual**2) / (1 - (1 + np.trace(H)) / n_users) ** 2


def test_prior_is_the_ridge_of_the_formula():
    X, _, F = community()
    model = AttentionRecommender(popularity_exponent=0, **GIVEN).fit(X, user_features=F)
    mean, W, Z, least = dense_prior(X, F, model.token_regularization_)
    assert_allclose(model.prior_, mean, rtol=1e-4)
    assert_allclose(model.token_values_, W, atol=1e-4)
    empty = model.predict(sp.csr_array(X.shape), user_features=F)
    assert_allclose(empty, mean + Z @ W, atol=1e-3)
    for penalty in (model.token_regularization_ / 2, model.token_regularization_ * 2):
        assert dense_prior(X, F, penalty)[3] > least


def test_prior_fades_with_the_history_as_the_formula_says():
    X, _, F = community()
    model = AttentionRecommender(prior_weight=4, **GIVEN).fit(X, user_features=F)
    silent = AttentionRecommender(prior_weight=0, **GIVEN).fit(X, user_features=F)
    prior = model.predict(sp.csr_array(X.shape), user_features=F)
    loudness = np.where(X.toarray(), np.exp((X.toarray() - 3) / 3), 0).sum(axis=1)
    expected = silent._score_votes(X, None) + (4 / (4 + loudness))[:, None] * prior
    assert_allclose(model.predict(X, user_features=F), expected, rtol=1e-5, atol=1e-6)
    votes = AttentionRecommender(**GIVEN).fit(X).predict(X)
    filled = np.diff(X.indptr) > 0
    assert_allclose(silent.predict(X, user_features=F)[filled], votes[filled])


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_features_decide_where_there_is_no_history(model):
    X, T, F = community()
    model = clone(model).fit(X, **context(model, T, F))
    asked, beside = nobody(2, np.array([[1.0, 0, 40], [0, 1, 40]]), model)
    lists, _ = model.recommend(asked, 5, **beside)
    assert (lists[0] < N_ITEMS // 2).all()
    assert (lists[1] >= N_ITEMS // 2).all()


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_nothing_known_is_the_prior_without_features(model):
    X, T, F = community()
    model = clone(model).fit(X, **context(model, T, F))
    asked, beside = nobody(1, np.zeros((1, 3)), model)
    assert_array_equal(model.predict(asked, **beside)[0], model.prior_)
    parts = model.explain(asked, [0, 1], **beside)
    assert parts.feature_contributions.shape == (2, 0)
    assert_allclose(parts.baseline, model.prior_[:2])
    times = {"timestamps": T} if model._needs_times() else {}
    plain = clone(model).set_params(prior_weight=model.prior_weight_).fit(X, **times)
    unknown = model.predict(X, **times, user_features=np.zeros(F.shape))
    assert_array_equal(unknown, plain.predict(X, **times))


@pytest.mark.parametrize("model", MODELS, ids=ids)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_learning_in_parts_and_forgetting_are_exact(model, dtype):
    X, T, F = community(1)
    X = X.astype(dtype)
    first = np.arange(0, N_USERS, 2)
    F[first[0] :: 2, 2] = F[1::2, 2]  # equal scaling, whatever comes first
    F[1::2, :2], F[::2, :2] = np.eye(2)[[0]], np.eye(2)[[1]]
    F[:8:2, :2], F[1:9:2, :2] = np.eye(2)[[0]], np.eye(2)[[1]]
    rest = np.arange(1, N_USERS, 2)
    half = clone(model).fit(X[first], **context(model, T, F, first))
    both = copy.deepcopy(half).partial_fit(X[rest], **context(model, T, F, rest))
    other = clone(model).fit(X[rest], **context(model, T, F, rest))
    other.partial_fit(X[first], **context(model, T, F, first))
    beside = context(model, T, F)
    assert both.token_regularization_ == other.token_regularization_
    assert_array_equal(both.predict(X, **beside), other.predict(X, **beside))
    again = copy.deepcopy(both).forget(X[rest], **context(model, T, F, rest))
    assert_array_equal(again.predict(X, **beside), half.predict(X, **beside))
    assert_array_equal(again.statistics_.tokens.cross.indptr, half.statistics_.tokens.cross.indptr)
    for row in rest[:5]:
        both.forget(X[[row]], **context(model, T, F, [row]), refresh=False)
    fewer = copy.deepcopy(half).partial_fit(X[rest[5:]], **context(model, T, F, rest[5:]))
    assert_array_equal(both.refresh().predict(X, **beside), fewer.predict(X, **beside))


@pytest.mark.parametrize("model", MODELS[:1] + MODELS[3:4], ids=ids)
def test_rows_with_other_features_were_not_learned(model):
    X, T, F = community()
    model = clone(model).fit(X, **context(model, T, F))
    others = F + [0, 0, 1e-9]
    with pytest.raises(ValueError, match=r"Row 0 of X was not learned.*and user features included"):
        model.forget(X[[4]], **context(model, T, others, [4]))
    assert_array_equal(model.prior_, model.forget(X[[3]], **context(model, T, F, [3])).prior_)


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_explanations_add_up_and_name_features(model):
    pd = pytest.importorskip("pandas")
    X, T, F = community()
    table = pd.DataFrame(F, columns=["young", "old", "income"])
    times = {"timestamps": T} if model._needs_times() else {}
    model = clone(model).fit(X, **times, user_features=table)
    assert model.user_feature_names_in_.tolist() == ["young", "old", "income"]
    one = {"timestamps": T[[5]]} if model._needs_times() else {}
    beside = {**one, "user_features": table.iloc[[5]]}
    parts = model.explain(X[[5]], range(N_ITEMS), **beside)
    assert_allclose(parts.scores, model.predict(X[[5]], **beside)[0])
    assert_array_equal(parts.remainder, 0)
    assert parts.features.tolist() == [int(F[5, 1]), 2]
    frame = parts.to_frame()
    assert_allclose(frame.groupby("item", sort=False).contribution.sum(), parts.scores, rtol=1e-4)
    label = "old" if F[5, 1] else "young"
    assert set(frame.source[frame.kind == "feature"]) == {label, f"income {F[5, 2]:g}"}
    assert any(f"because of {label}" in line for line in parts.to_text())
    assert (
        f"because of {label}"
        in parts.only(int(np.argmax(parts.feature_contributions[:, 0]))).to_text()[0]
    )
    assert "2 user features" in repr(parts)


def test_largest_features_are_listed_and_the_others_summed_up():
    X, _, F = community()
    wide = np.hstack([F, np.random.default_rng(0).normal(size=(N_USERS, 6))])
    parts = (
        AttentionRecommender()
        .fit(X, user_features=wide)
        .explain(X[[5]], [2], user_features=wide[[5]])
    )
    frame = parts.to_frame(max_sources=2)
    assert "(6 other features)" in frame.source.to_list()
    assert_allclose(frame.contribution.sum(), parts.scores[0], rtol=1e-5)


def test_features_that_tell_nothing_get_no_votes():
    X, _, _ = community()
    noise = np.random.default_rng(5).normal(size=(N_USERS, 40)) * 10.0 ** np.arange(-20, 20)
    model = AttentionRecommender().fit(X, user_features=noise)
    assert model.token_regularization_ > 1e3
    assert np.abs(model.token_values_).max() < 0.02 * model.prior_.max()


def test_units_constants_and_copies_of_features_change_little():
    X, _, F = community()
    asked = sp.csr_array(X.shape)
    expected = AttentionRecommender().fit(X, user_features=F).predict(asked, user_features=F)
    scaled = F * [1e12, 1e-12, 1e9] + [0, 0, 1e15]
    found = AttentionRecommender().fit(X, user_features=scaled)
    assert_allclose(found.predict(asked, user_features=scaled), expected, atol=2e-3)
    padded = np.hstack([F, np.full((N_USERS, 1), 7.0), np.zeros((N_USERS, 1))])
    found = AttentionRecommender().fit(X, user_features=padded)
    assert_allclose(found.predict(asked, user_features=padded), expected, atol=1e-6)
    twice = np.hstack([F, F])
    found = AttentionRecommender().fit(X, user_features=twice)
    assert_allclose(found.predict(asked, user_features=twice), expected, atol=0.02)


def test_very_many_features_are_read_in_part_with_a_warning():
    X, _, F = community()
    rng = np.random.default_rng(1)
    rare = sp.random_array((N_USERS, 50_000), density=1e-4, rng=rng, format="csr")
    wide = sp.csr_array(sp.hstack([rare, F[:, :2]], format="csr"))
    with pytest.warns(UserWarning, match="50002 columns: the 1000 that most users have"):
        model = AttentionRecommender().fit(X, user_features=wide)
    asked = model.predict(sp.csr_array(X.shape), user_features=wide)
    assert np.isfinite(asked).all()
    assert model.token_values_.shape == (1000, N_ITEMS)
    own = np.where(F[:, :1] == 1, asked[:, :15].mean(axis=1)[:, None], 0).sum()
    assert own > np.where(F[:, :1] == 1, asked[:, 15:].mean(axis=1)[:, None], 0).sum()


def test_tokens_of_flags_are_ones_and_stay_in_bounds():
    features = sp.csr_array(np.array([[1e9, 0, 5.0], [1e9, 0, 6], [1e9, 3, 1e300], [0, 0, 0]]))
    tokens = Tokens.learn(features, 10).of(features).toarray()
    assert_array_equal(tokens[:, 0], [1, 1, 1, 0])
    assert_array_equal(tokens[:, 1], [0, 0, 1, 0])
    assert np.abs(tokens).max() <= 10
    assert_array_equal(tokens[3], 0)


def test_similar_items_are_alike_in_votes_not_in_popularity():
    X, _, F = community()
    with_features = AttentionRecommender(**GIVEN).fit(X, user_features=F).similar_items([0, 20])
    without = AttentionRecommender(**GIVEN).fit(X).similar_items([0, 20])
    assert_array_equal(with_features[0], without[0])


def test_a_prior_without_features_is_popularity():
    X, _, _ = community()
    model = AttentionRecommender(prior_weight=2, popularity_exponent=0, **GIVEN).fit(X)
    bare = AttentionRecommender(popularity_exponent=0, **GIVEN).fit(X)
    filled = np.flatnonzero(np.diff(X.indptr) > 0)
    shares = (model.predict(X) - bare.predict(X))[filled] / model.prior_
    assert np.ptp(shares, axis=1).max() < 1e-3
    assert_array_equal(np.argsort(-model.prior_), np.argsort(-bare.prior_))
    parts = model.explain(X[[5]], [1, 2])
    assert parts.features is None
    assert_array_equal(parts.remainder, 0)
