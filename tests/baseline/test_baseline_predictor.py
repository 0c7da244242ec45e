import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import BaselinePredictor
from skattnrec._kernels.baseline import fit_baseline, row_offsets

RATINGS = np.array([[5.0, 3, 0, 1], [4, 0, 2, 0], [0, 1, 3, 5], [2, 0, 0, 0]])


def ridge(ratings, user_damping, item_damping):
    """Mean, user and item offsets by one dense regression."""
    rows, columns = np.nonzero(ratings)
    n_users, n_items = ratings.shape
    design = np.zeros((len(rows), n_users + n_items))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), n_users + columns] = 1
    mean = ratings[rows, columns].mean()
    penalty = np.r_[np.full(n_users, user_damping), np.full(n_items, item_damping)]
    offsets = np.linalg.solve(
        design.T @ design + np.diag(penalty), design.T @ (ratings[rows, columns] - mean)
    )
    return mean, offsets[:n_users], offsets[n_users:]


def test_equals_dense_ridge_regression():
    model = BaselinePredictor(2, 3, max_iter=500, tol=0).fit(RATINGS)
    mean, users, items = ridge(RATINGS, 2, 3)
    assert model.mean_ == pytest.approx(mean)
    np.testing.assert_allclose(model.user_biases_, users, atol=1e-10)
    np.testing.assert_allclose(model.item_biases_, items, atol=1e-10)
    np.testing.assert_allclose(model.predict(RATINGS), mean + users[:, None] + items, atol=1e-10)


def test_one_iteration_by_hand():
    """mu = 2.5; the items leave 1.5 and -.5 of ratings 4 and 2, halved by a damping of 1."""
    model = BaselinePredictor(1, 1, max_iter=1).fit([[4.0, 2.0], [0, 1.5]])
    mean = 7.5 / 3
    b = np.array([1.5 / 2, (-0.5 - 1.0) / 3])
    np.testing.assert_allclose(model.item_biases_, b)
    user = ((4 - mean - b[0]) + (2 - mean - b[1])) / 3
    np.testing.assert_allclose(model.predict([[4.0, 2.0]]), [mean + user + b])
    np.testing.assert_allclose(model.prior_, mean + b)


def test_loss_never_rises_and_tol_stops():
    model = BaselinePredictor(max_iter=100, tol=1e-4).fit(RATINGS)
    assert np.all(np.diff(model.loss_curve_) <= 0)
    assert len(model.loss_curve_) == model.n_iter_ < 100


def test_without_damping_constant_rows_are_exact():
    model = BaselinePredictor(0, 0, max_iter=200, tol=0).fit([[1.0, 2.0], [2.0, 3.0]])
    np.testing.assert_allclose(model.predict([[0, 5.0]]), [[4.0, 5.0]], atol=1e-8)


def test_clip():
    ratings = [[5.0, 5, 1], [4, 3, 0], [1, 1, 1]]
    model = BaselinePredictor(0, 0).fit(ratings)
    assert model.predict(ratings).min() < 1
    clipped = BaselinePredictor(0, 0, clip=True).fit(ratings)
    assert clipped.rating_range_ == (1, 5)
    np.testing.assert_array_equal(clipped.predict(ratings), model.predict(ratings).clip(1, 5))


def test_contributions_are_equal_shares_of_the_user_offset():
    model = BaselinePredictor().fit(RATINGS)
    parts = model.explain(RATINGS[:1], [0, 2])
    np.testing.assert_allclose(parts.baseline, model.prior_[[0, 2]])
    np.testing.assert_allclose(parts.contributions.sum(axis=1), model.user_biases_[0])
    np.testing.assert_allclose(parts.baseline + parts.contributions.sum(axis=1), parts.scores)


def test_negative_ratings_shift_with_the_scale():
    model = BaselinePredictor().fit(RATINGS)
    X = sp.csr_array(RATINGS)
    shifted = X.copy()
    shifted.data -= 8.5
    other = BaselinePredictor().fit(shifted)
    np.testing.assert_allclose(other.predict(shifted), model.predict(X) - 8.5, atol=1e-10)


def test_nothing_known():
    model = BaselinePredictor().fit(np.zeros((2, 3)))
    assert model.mean_ == 0
    np.testing.assert_array_equal(model.predict(np.zeros((1, 3))), 0)


def test_kernel_without_entries():
    indptr, empty = np.zeros(3, np.int32), np.empty(0, np.int32)
    mean, items, losses = fit_baseline(indptr, empty, np.empty(0), 4)
    assert (mean, items.tolist(), losses) == (0.0, [0.0] * 4, [])
    assert row_offsets(indptr, empty, np.empty(0), items, 5.0).tolist() == [0, 0]
