"""The unit of ratings and features does not matter, odd ones hardly, and nothing overflows."""

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
    PopularityRecommender,
    RankingScorer,
    SequentialAttentionRecommender,
)
from skattnrec._spreads import in_spreads, spread_of
from skattnrec.attention._features import ItemFeatures
from skattnrec.datasets import make_interactions

DATA = make_interactions(250, 120, n_interactions=8000, random_state=0)
X = sp.csr_array(DATA.X.astype(float))
T = DATA.timestamps
FEATURES = np.asarray(DATA.item_features, float)
MODELS = [
    AttentionRecommender(),
    AttentionRecommender(0.1, smoothing=0),
    AttentionRecommender(solver="sparse", n_neighbors=30),
    AttentionRecommender(item_features=FEATURES, learn_projections=True),
    MultiHeadAttentionRecommender(3, temperature=0.5),
    MultiHeadAttentionRecommender(2, item_features=FEATURES, random_state=0),
    SequentialAttentionRecommender(),
]


def with_data(data):
    return sp.csr_array((data, X.indices, X.indptr), shape=X.shape)


def times(model):
    return {"timestamps": T} if model._needs_times() else {}


def lists(model, rows):
    model = clone(model).fit(rows, **times(model))
    return model.recommend(rows, 10, **times(model))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])
def test_scale_and_shift_of_ratings_change_no_list(model):
    items, scores = lists(model, X)
    for moved in (X.data * 20, X.data / 3, X.data + 7, X.data - 3, X.data * 1e14, X.data * 1e-200):
        assert_array_equal(lists(model, with_data(moved))[0], items)
    for power in (2.0**-40, 0.5, 2.0, 2.0**40):
        assert_array_equal(lists(model, with_data(X.data * power))[1], scores)  # bit for bit


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model)[:60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows(model, dtype):
    rng = np.random.default_rng(0)
    limit = 1e15  # larger ones are refused
    for data in (
        np.where(rng.random(X.nnz) < 0.01, limit, X.data),
        rng.choice([-limit, limit], X.nnz),
        rng.choice([0, np.finfo(dtype).tiny, limit], X.nnz),
        np.exp(np.minimum(rng.normal(size=X.nnz) * 20, 34)),
    ):
        rows = with_data(data.astype(dtype))
        _, scores = lists(model, rows)
        assert np.isfinite(scores).all()
    learned = clone(model).fit(X.astype(dtype), **times(model))
    asked = with_data(rng.choice([-limit, limit, 0], X.nnz).astype(dtype))
    assert np.isfinite(learned.predict(asked, **times(model))).all()


def ndcg(model, data, random_state=0):
    scorer = RankingScorer(random_state=random_state)
    rows = with_data(data)
    return scorer(clone(model).fit(rows[:200]), rows[200:])


@pytest.mark.parametrize("odd", [300.0, 1e6, 1e15])
def test_one_odd_rating_changes_little(odd):
    broken = X.data.copy()
    broken[17] = odd
    for model in (AttentionRecommender(), MultiHeadAttentionRecommender()):
        plain = np.mean([ndcg(model, X.data, seed) for seed in range(5)])
        assert abs(np.mean([ndcg(model, broken, seed) for seed in range(5)]) / plain - 1) < 0.01


def test_counts_need_no_transformation():
    counts = np.exp(1.5 * X.data).round()
    model = AttentionRecommender()
    as_they_are = np.mean([ndcg(model, counts, seed) for seed in range(5)])
    logs = np.mean([ndcg(model, np.log1p(counts), seed) for seed in range(5)])
    popular = np.mean([ndcg(PopularityRecommender(), counts, seed) for seed in range(5)])
    assert as_they_are > 0.95 * logs
    assert as_they_are > popular


def test_one_odd_rating_of_an_asker_is_cut():
    model = AttentionRecommender().fit(X)
    history = X[[0]]
    history.data[0] = 1e9
    cut = X[[0]]
    cut.data[0] = model.rating_center_ + 2.5 * model.rating_spread_
    assert_allclose(model.predict(history), model.predict(cut), rtol=1e-12)


def test_centre_and_spread_are_learned_or_given():
    model = AttentionRecommender().fit(X)
    assert model.rating_center_ == np.median(X.data)
    low, high = np.quantile(X.data, [0.05, 0.95])
    assert_allclose(model.rating_spread_, np.clip(X.data, low, high).std())
    given = AttentionRecommender(
        rating_center=model.rating_center_, rating_spread=model.rating_spread_
    ).fit(X)
    assert_array_equal(given.predict(X), model.predict(X))
    other = AttentionRecommender(rating_center=2, rating_spread=3).fit(X)
    assert (other.rating_center_, other.rating_spread_) == (2, 3)


@pytest.mark.parametrize(
    ("ratings", "center", "spread"),
    [
        ([], 0, 1),
        ([7.0], 7, 1),
        ([2.0] * 9, 2, 1),
        ([0.1] * 3, 0.1, 1),
        ([1.0] * 99 + [101.0], 1, 1),  # the mean distance from the centre
        ([1.0, 2, 3], 2, np.std([1.1, 2, 2.9])),
    ],
)
def test_scale_by_hand(ratings, center, spread):
    assert_allclose(spread_of(np.array(ratings)), (center, spread), rtol=1e-12)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30),
    st.sampled_from([np.float32, np.float64]),
)
@settings(deadline=None, max_examples=200)
def test_any_finite_ratings_become_bounded_distances(ratings, dtype):
    data = np.clip(ratings, -3e38, 3e38).astype(dtype) if dtype == np.float32 else np.array(ratings)
    distances = in_spreads(data, *spread_of(data), 2.5)
    assert distances.dtype == np.float64
    assert np.isfinite(distances).all()
    assert np.abs(distances).max(initial=0) <= 2.5
    if len(data) and data.min() == data.max():
        assert_array_equal(distances, 0)


# -- features ---------------------------------------------------------------------------------


def item_keys(features, n_items):
    return ItemFeatures.of(features, n_items).keys("the test")


def test_units_of_features_do_not_matter():
    rng = np.random.default_rng(1)
    features = np.column_stack([rng.normal(size=(120, 3)), np.eye(8)[rng.integers(8, size=120)]])
    units = np.concatenate([[1e-9, 3.0, 1e12], np.full(8, 100.0)])
    moved = features * units + np.concatenate([[5, 1990, -1e12], np.zeros(8)])
    assert_allclose(
        item_keys(moved, 120) / item_keys(features, 120).max(),
        item_keys(features, 120) / item_keys(features, 120).max(),
        atol=1e-4,
    )
    assert np.abs(item_keys(moved, 120)).max() <= 4


def test_weights_of_tags_are_kept_but_for_odd_ones():
    rng = np.random.default_rng(2)
    tags = (rng.random((60, 6)) < 0.2) * rng.uniform(1, 2, (60, 6))
    keys = item_keys(sp.csr_array(tags), 60)
    assert_allclose(keys / keys[tags > 0].max(), tags / tags.max(), rtol=1e-12)
    tags[:, 2] *= 1e6
    keys = item_keys(tags, 60)
    assert np.abs(keys).max() <= 10
    assert_allclose(np.median(np.abs(keys[:, 2][tags[:, 2] > 0])), 10, rtol=0.1)
    assert (keys[:, 0] > 0).any()


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_constant_features_say_nothing(constant):
    features = np.column_stack([FEATURES, np.full(120, constant)])
    assert_array_equal(item_keys(features, 120)[:, -1], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unscaled_features_neither_overflow_nor_mislead(dtype):
    rng = np.random.default_rng(3)
    year, price = rng.integers(1950, 2024, 120), np.exp(rng.normal(8, 3, 120))
    unscaled = np.column_stack([FEATURES, year, price, rng.choice([0, 3e38], 120)])
    rows = X.astype(dtype)
    for learn in (False, True):
        model = AttentionRecommender(item_features=unscaled, learn_projections=learn)
        popular = RankingScorer()(PopularityRecommender().fit(rows[:200]), rows[200:])
        assert RankingScorer()(model.fit(rows[:200]), rows[200:]) > popular
        assert np.isfinite(model.predict(rows)).all()


def test_scale_of_features_changes_no_list():
    model = AttentionRecommender(item_features=FEATURES, learn_projections=True)
    items, _ = lists(model, X)
    for scale in (1e-6, 1e6):
        scaled = AttentionRecommender(item_features=FEATURES * scale, learn_projections=True)
        assert_array_equal(lists(scaled, X)[0], items)


# -- cuts -------------------------------------------------------------------------------------


def ratio_of_weights(model, history, times=None):
    weights = model.attention_weights(history, timestamps=times)[0].data
    return weights[0] / weights[1]


@pytest.mark.parametrize(
    ("temperature", "ratings", "logits"),
    [
        (1.0, [4.0, 3.0], 1),
        (1.0, [9.0, 3.0], 2.5),  # ratings are cut at 2.5 spreads
        (1.0, [9.0, -9.0], 5),
        (0.1, [3.5, 3.0], 5),
        (0.1, [5.0, 3.0], 8),  # logits are cut at 8
        (0.1, [9.0, -9.0], 16),
        (1e-9, [3.1, 2.9], 16),
    ],
)
@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_ratings_and_logits_are_cut(temperature, ratings, logits, smoothing):
    given = {"rating_center": 3.0, "rating_spread": 1.0, "smoothing": smoothing}
    model = AttentionRecommender(temperature, **given).fit(X)
    history = sp.csr_array((ratings, [0, 1], [0, 2]), shape=(1, 120))
    assert_allclose(np.log(ratio_of_weights(model, history)), logits)
    ordered = SequentialAttentionRecommender(1, half_life=np.inf, temperature=temperature, **given)
    ordered.fit(X, timestamps=T)
    when = sp.csr_array(([5.0, 5.0], [0, 1], [0, 2]), shape=(1, 120))
    assert_allclose(np.log(ratio_of_weights(ordered, history, when)), logits)


def test_content_logits_are_cut():
    """However well an item fits the history, that counts as much as 4 spreads at most."""
    features = np.zeros((120, 1))
    features[0], features[1:11, 0] = 10, 1
    model = AttentionRecommender(1.0, item_features=features, content_weight=1.5).fit(X)
    history = sp.csr_array(([3.0, 3.0], [0, 100], [0, 2]), shape=(1, 120))
    assert_allclose(np.log(ratio_of_weights(model, history)), 1.5 * 4)
