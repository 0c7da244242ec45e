"""The unit of the ratings does not matter, and what rounding leaves is no taste."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from skattnrec import ALSFactorizer, BayesianFactorizer

FACTORS = [0.1, 1 / 3, 10, 1e6]
RATERS = [
    ALSFactorizer(3, feedback="explicit", random_state=0),
    ALSFactorizer(3, feedback="explicit", init="svd", random_state=0),
    ALSFactorizer(3, feedback="explicit", bias=False, random_state=0),
    ALSFactorizer(3, feedback="explicit", weighted_regularization=True, random_state=0),
    ALSFactorizer(3, feedback="explicit", solver="sgd", random_state=0),
    ALSFactorizer(3, feedback="explicit", validation_fraction=0.2, random_state=0),
    BayesianFactorizer(3, random_state=0),
    BayesianFactorizer(3, presence_regularization=None, random_state=0),
]
every_rater = pytest.mark.parametrize("model", RATERS, ids=repr)


def ratings(seed=0):
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 15))
    known = rng.random(taste.shape) < 0.5
    return sp.csr_array(np.where(known, np.clip(np.round(3 + taste), 1, 5), 0))


X = ratings()


def moved(X, factor=1.0, shift=0.0, dtype=float):
    return sp.csr_array(((X.data * factor + shift).astype(dtype), X.indices, X.indptr), X.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_rater
def test_predictions_scale_with_the_ratings(model, dtype):
    expected = clone(model).fit(X).predict(X)
    for factor in FACTORS:
        scaled = moved(X, factor, dtype=dtype)
        found = clone(model).fit(scaled).predict(scaled) / factor
        tolerance = 1e-6 if dtype == np.float64 else 2e-2
        np.testing.assert_allclose(found, expected, atol=tolerance, err_msg=f"times {factor}")


@every_rater
def test_predictions_shift_with_the_ratings(model):
    if model.get_params().get("bias") is False:
        pytest.skip("without a mean 0 means something")
    expected = clone(model).fit(X).predict(X)
    for shift in (-7.3, 0.1, 1e4):
        other = moved(X, shift=shift)
        found = clone(model).fit(other).predict(other) - shift
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=f"plus {shift}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_rater
def test_equal_ratings_have_nothing_in_common(model, dtype):
    """The mean of .1 is .09999999999999999: what is left is no taste."""
    if model.get_params().get("bias") is False:
        pytest.skip("without a mean equal ratings are not 0")
    equal = moved(X, 0, 0.1, dtype)
    model = clone(model).fit(equal)
    np.testing.assert_allclose(model.predict(equal), 0.1, rtol=1e-6)
    assert not model.item_factors_.any()
    assert not model.similar_items([0], k=5)[1].any()


@pytest.mark.parametrize(
    ("model", "size"),
    [
        *((ALSFactorizer(3, feedback="explicit", random_state=0), size) for size in (1e-30, 1e28)),
        *((BayesianFactorizer(3, random_state=0), size) for size in (1e-30, 1e10, 1e16)),
    ],
    ids=repr,
)
def test_ratings_of_any_size_in_float32(model, size):
    expected = model.fit(X).predict(X)
    scaled = moved(X, size, dtype=np.float32)
    found = model.fit(scaled).predict(scaled).astype(float) / size
    np.testing.assert_allclose(found, expected, atol=2e-2)


@pytest.mark.parametrize("init", ["random", "svd"])
def test_implicit_scores_do_not_depend_on_the_unit(init):
    model = ALSFactorizer(3, init=init, random_state=0)
    expected = model.fit(X).predict(X)
    for factor in (*FACTORS, 1e-30, 1e30):
        found = model.fit(moved(X, factor)).predict(moved(X, factor))
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("largest", [20, 1e6, 3e38])
def test_one_very_large_count_changes_nothing_for_others(largest):
    """Two groups of users with a taste each; a newcomer of the second."""
    counts = np.kron(np.eye(2), np.full((30, 4), 2.0))
    counts[np.random.default_rng(0).random(counts.shape) < 0.25] = 0
    counts[0, 0] = largest
    history = np.zeros((1, 8))
    history[0, [4, 5]] = 2
    model = ALSFactorizer(4, random_state=0).fit(counts.astype(np.float32))
    indices, scores = model.recommend(history, k=2)
    assert set(indices[0]) == {6, 7}
    assert np.isfinite(scores).all()
    history[0, 4] = largest
    assert set(model.recommend(history, k=2)[0][0]) == {6, 7}


@every_rater
def test_ratings_that_would_overflow_are_refused(model):
    scaled = moved(X, 1e36, dtype=np.float32)
    with pytest.raises(ValueError, match=r"X\[0, \d+\] = \de\+36 is too large for \w+ in float32"):
        clone(model).fit(scaled)
    fitted = clone(model).fit(X.astype(np.float32))
    for size in (1e36, 1e200):
        with pytest.raises(ValueError, match="is too large for"):
            fitted.predict(moved(X, size))
