"""The unit of the ratings does not matter, and what rounding leaves is no taste."""

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import ItemItemCF, UserUserCF
from skattnrec.neighbors._search import SIMILARITIES

FACTORS = [0.1, 1 / 3, 10, 1e6]
CENTERS = ["zero", "user", "item", "baseline"]


def ratings(seed=0):
    """Small integers, some users and items of which have one rating only, given again and again."""
    rng = np.random.default_rng(seed)
    R = np.where(rng.random((30, 12)) < 0.5, rng.integers(1, 6, (30, 12)), 0).astype(float)
    R[:6] = np.where(R[:6] > 0, [[2], [3], [1], [2], [5], [3]], 0)
    R[:, 3] = np.where(R[:, 3] > 0, 2, 0)
    R[6:9] = 0
    R[6, [0, 1, 2]], R[7, [1, 4]], R[8, [0, 5]] = [1, 2, 3], [1, 5], [5, 1]
    return R


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("min_similarity", [0, -2])
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("center", CENTERS)
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_predictions_scale_with_the_ratings(Model, center, similarity, min_similarity, dtype):
    settings = {"center": center, "similarity": similarity, "min_similarity": min_similarity}
    R = ratings()
    model = Model(20, feedback="explicit", shrinkage=0, **settings)
    expected = model.fit(R).predict(R)
    tolerance = 1e-9 if dtype == np.float64 else 1e-3
    for factor in FACTORS:
        scaled = (R * factor).astype(dtype)
        found = model.fit(scaled).predict(scaled) / factor
        np.testing.assert_allclose(found, expected, atol=tolerance, err_msg=f"times {factor}")


@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("center", CENTERS[1:])
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_predictions_shift_with_the_ratings(Model, center, similarity):
    X = sp.csr_array(ratings())
    model = Model(20, feedback="explicit", shrinkage=0, center=center, similarity=similarity)
    expected = model.fit(X).predict(X)
    for shift in (-7.3, 0.1, 1e4):
        moved = X.copy()
        moved.data += shift
        found = model.fit(moved).predict(moved) - shift
        full = np.diff(X.indptr) > 0
        np.testing.assert_allclose(found[full], expected[full], atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("feedback", ["implicit", "explicit"])
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_similarities_do_not_depend_on_the_unit(Model, feedback, similarity, dtype):
    R = ratings()
    model = Model(20, feedback=feedback, similarity=similarity, shrinkage=0).fit(R)
    items = np.arange(R.shape[1])
    expected = model.similar_items(items, k=11)
    users = None if Model is ItemItemCF else model.similar_users(R, k=len(R))
    for factor in FACTORS:
        scaled = (R * factor).astype(dtype)
        model.fit(scaled)
        found = model.similar_items(items, k=11)
        np.testing.assert_allclose(found[1], expected[1], atol=2e-5)
        np.testing.assert_array_equal(found[1] == 0, expected[1] == 0)
        if users is not None:
            found = model.similar_users(scaled, k=len(R))
            np.testing.assert_array_equal(found[0] < 0, users[0] < 0)
            np.testing.assert_allclose(found[1], users[1], atol=2e-5)


@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_implicit_scores_do_not_depend_on_the_unit(Model, similarity):
    R = ratings()
    for weighting in ("tfidf", "bm25", "uniform"):
        overlap = similarity in ("adjusted_cosine", "pearson")
        model = Model(similarity=similarity, weighting=None if overlap else weighting)
        expected = model.fit(R).predict(R)[np.any(R, axis=1)]
        for factor in (*FACTORS, 1e-30, 1e30):
            found = model.fit(R * factor).predict(R * factor)[np.any(R, axis=1)]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("largest", [20, 1e6, 3e38])
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_one_very_large_rating_changes_nothing_for_others(Model, largest):
    """Two groups of users with a taste each; a newcomer of the second."""
    X = np.kron(np.eye(2), np.full((30, 4), 2.0))
    X[np.random.default_rng(0).random(X.shape) < 0.25] = 0
    X[0, 0] = largest
    history = np.zeros((1, 8))
    history[0, [4, 5]] = 2
    model = Model().fit(X.astype(np.float32))
    indices, scores = model.recommend(history, k=2)
    assert set(indices[0]) == {6, 7}
    assert np.isfinite(scores).all()
    history[0, 4] = largest
    assert set(model.recommend(history, k=2)[0][0]) == {6, 7}


@pytest.mark.parametrize("size", [1e-30, 1e28])
@pytest.mark.parametrize("similarity", sorted(SIMILARITIES))
@pytest.mark.parametrize("Model", [ItemItemCF, UserUserCF])
def test_ratings_of_any_size_in_float32(Model, similarity, size):
    R = ratings()
    model = Model(feedback="explicit", similarity=similarity)
    expected = model.fit(R).predict(R)
    scaled = (R * size).astype(np.float32)
    found = model.fit(scaled).predict(scaled).astype(float) / size
    np.testing.assert_allclose(found, expected, atol=1e-3)
