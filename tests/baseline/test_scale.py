"""The unit of the ratings does not matter, and what rounding leaves is no difference."""

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import BaselinePredictor, PopularityRecommender
from skattnrec._context import Context

FACTORS = [0.1, 1 / 3, 10, 1e6]
SETTINGS = [{}, {"user_damping": 0, "item_damping": 0}, {"clip": True}, {"max_iter": 1}]


def ratings(dtype=float):
    rng = np.random.default_rng(0)
    R = np.where(rng.random((20, 12)) < 0.5, rng.integers(1, 6, (20, 12)), 0)
    R[:4] = np.where(R[:4] > 0, 2, 0)
    return sp.csr_array(R.astype(dtype))


def moved(X, factor=1.0, shift=0.0, dtype=float):
    return sp.csr_array(((X.data * factor + shift).astype(dtype), X.indices, X.indptr), X.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_predictions_scale_and_shift_with_the_ratings(settings, dtype):
    X = ratings()
    expected = BaselinePredictor(**settings).fit(X).predict(X)
    tolerance = 1e-9 if dtype == np.float64 else 1e-4
    for factor in FACTORS:
        scaled = moved(X, factor, dtype=dtype)
        found = BaselinePredictor(**settings).fit(scaled).predict(scaled)
        np.testing.assert_allclose(found / factor, expected, atol=tolerance)
    for shift in (-7.3, 100):
        other = moved(X, shift=shift, dtype=dtype)
        found = BaselinePredictor(**settings).fit(other).predict(other)
        np.testing.assert_allclose(found - shift, expected, atol=100 * tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_items_that_all_rate_alike_do_not_differ_by_rounding(dtype):
    """The mean of .1 is .09999999999999999."""
    X = moved(ratings(), 0, 0.1, dtype)
    model = BaselinePredictor().fit(X)
    assert not model.item_biases_.any()
    indices, scores = model.similar_items([5], k=4)
    np.testing.assert_array_equal(indices, [[0, 1, 2, 3]])
    assert not scores.any()


def test_lists_of_popular_items_do_not_depend_on_the_unit():
    X = ratings()
    for by in ("count", "sum"):
        expected, _ = PopularityRecommender(by).fit(X).recommend(X, k=5)
        found, _ = PopularityRecommender(by).fit(8 * X).recommend(8 * X, k=5)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "model",
    [BaselinePredictor(), BaselinePredictor(clip=True), PopularityRecommender()],
    ids=repr,
)
def test_scores_of_pairs_are_those_of_all_items(model):
    X = ratings()
    model.fit(X)
    rows, items = np.divmod(np.random.default_rng(0).permutation(20 * 12)[:60], 12)
    np.testing.assert_array_equal(
        model._score_pairs(X, Context(), rows, items), model._score(X, Context())[rows, items]
    )


@pytest.mark.parametrize(
    ("name", "value"), [("user_damping", 1.0), ("item_damping", 1.0), ("max_iter", 1), ("tol", 0.5)]
)
def test_every_parameter_acts(name, value):
    X = ratings()
    default, other = BaselinePredictor().fit(X), BaselinePredictor(**{name: value}).fit(X)
    assert not np.allclose(default.predict(X), other.predict(X), rtol=0, atol=1e-9)


def test_damping_set_after_a_fit_waits_for_the_next():
    X = ratings()
    model = BaselinePredictor().fit(X)
    expected = model.predict(X)
    explained = model.explain(X[[0]], [1]).contributions
    model.set_params(user_damping=50)
    np.testing.assert_array_equal(model.predict(X), expected)
    np.testing.assert_array_equal(model.explain(X[[0]], [1]).contributions, explained)
