"""Gram, ridge and weight kernels against a few lines of dense numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skattnrec._kernels import ridge
from skattnrec._kernels.attention import profile_logits, smoothed_softmax
from skattnrec._kernels.ridge import constrained_ridge, inverse_of_positive_definite


def parts(A):
    return A.indptr, A.indices, A.data


def sparse(seed, shape, density=0.4):
    return sp.random_array(shape, density=density, rng=seed, format="csr").astype(np.float64)


def test_inverse_uses_the_upper_triangle_only():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(20, 20))
    matrix = factor @ factor.T + np.eye(20)
    inverse = inverse_of_positive_definite(np.triu(matrix))
    assert_allclose(inverse @ matrix, np.eye(20), atol=1e-8)


@pytest.fixture(params=["at once", "in blocks"])
def large_from_three_rows_on(request, monkeypatch):
    if request.param == "in blocks":
        monkeypatch.setattr(ridge, "_AT_ONCE", 2)
        monkeypatch.setattr(ridge, "_BLOCK", 2)


def test_inverse_refuses_an_indefinite_matrix(large_from_three_rows_on):
    for bad in (0, 3, 4):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            inverse_of_positive_definite(np.diag([-1.0 if i == bad else 1.0 for i in range(5)]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 4, 5, 31])
@pytest.mark.parametrize("block", [1, 2, 3, 30])
def test_inverse_in_blocks_equals_that_at_once(monkeypatch, n, block, dtype):
    factor = np.random.default_rng(n).normal(size=(n, n))
    matrix = (factor @ factor.T / n + np.eye(n)).astype(dtype)
    at_once = inverse_of_positive_definite(np.triu(matrix))
    monkeypatch.setattr(ridge, "_AT_ONCE", block)
    monkeypatch.setattr(ridge, "_BLOCK", block)
    in_blocks = inverse_of_positive_definite(np.triu(matrix))
    assert in_blocks.dtype == dtype
    assert_allclose(in_blocks, in_blocks.T, atol=0)
    assert_allclose(in_blocks, at_once, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_ridge_solution_is_stationary_under_its_constraints(large_from_three_rows_on):
    rng = np.random.default_rng(1)
    A, Y, dropout = rng.normal(size=(40, 12)), rng.normal(size=(40, 4)), 0.25
    V = constrained_ridge(np.triu(A.T @ A), A.T @ Y, 0.7, dropout)
    item = np.arange(12) // 3
    penalty = 0.7 * np.eye(12) + np.where(item[:, None] == item, A.T @ A, 0) * dropout / 0.75
    stacked = V.transpose(1, 0, 2).reshape(12, 4)  # in the order of the columns of A
    gradient = A.T @ (A @ stacked - Y) + penalty @ stacked
    gradient = gradient.reshape(4, 3, 4).transpose(1, 0, 2)
    own = np.arange(4)
    assert_array_equal(V[:, own, own], 0)
    assert np.abs(gradient[:, own, own]).min() > 1e-3  # held there by the constraint
    gradient[:, own, own] = 0
    assert_allclose(gradient, 0, atol=1e-10)


def test_dropout_is_the_expected_loss_of_sampled_dropout():
    rng = np.random.default_rng(2)
    A, Y, p = rng.normal(size=(30, 6)), rng.normal(size=(30, 3)), 0.3
    kept = rng.random((4000, 30, 3)) > p  # an entry is dropped from both heads at once
    noisy = (A * np.repeat(kept, 2, axis=2) / (1 - p)).reshape(-1, 6)
    targets = np.tile(Y, (4000, 1))
    sampled = constrained_ridge(noisy.T @ noisy / 4000, noisy.T @ targets / 4000, 0.5, 0.0)
    assert_allclose(constrained_ridge(A.T @ A, A.T @ Y, 0.5, p), sampled, atol=0.03)


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_smoothed_softmax(smoothing):
    indptr = np.array([0, 3, 3, 5], np.int32)
    logits = np.array([1.0, 2.0, -1.0, 0.5, 0.5])
    weights = smoothed_softmax(indptr, logits, smoothing)
    first, last = np.exp(logits[:3]), np.exp(logits[3:])
    expected = np.concatenate([first / first.sum() ** smoothing, last / last.sum() ** smoothing])
    assert_allclose(weights, expected)


def test_softmax_of_huge_logits_is_finite():
    weights = smoothed_softmax(np.array([0, 2], np.int32), np.array([1e6, -1e6]), 1.0)
    assert_allclose(weights, [1, 0], atol=1e-30)
    assert np.isfinite(smoothed_softmax(np.array([0, 1], np.int32), np.array([1e6]), 0.0)).all()


def test_profile_logits():
    X = sparse(2, (6, 5), 0.6)
    keys = np.random.default_rng(2).normal(size=(5, 3))
    expected = []
    for u in range(6):
        row = X.toarray()[u]
        profile = row @ keys / row.sum()
        expected.extend(keys[row > 0] @ profile)
    assert_allclose(profile_logits(*parts(X), keys), expected)
