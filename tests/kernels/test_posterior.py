from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skattnrec._kernels.posterior import column_moments, pack, posterior_step, unpack


def problem(lengths, n_columns, f, seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    k = f + 1
    indptr = np.r_[0, np.cumsum(lengths)].astype(np.int32)
    chosen = [np.sort(rng.choice(n_columns, m, replace=False)) for m in lengths]
    indices = np.concatenate([*chosen, np.empty(0)]).astype(np.int32)
    means = rng.normal(size=(n_columns, k)).astype(dtype)
    roots = 0.5 * rng.normal(size=(n_columns, k, k))
    covariances = (roots @ roots.transpose(0, 2, 1)).astype(dtype)
    prior_means = rng.normal(size=(len(lengths), k)).astype(dtype)
    root = rng.normal(size=(k, k))
    precision = (root @ root.T + np.eye(k)).astype(dtype)
    targets = rng.normal(size=len(indices)).astype(dtype)
    return (indptr, indices, targets), means, covariances, prior_means, precision


def run(csr, means, covariances, prior_means, precision, noise):
    moments = column_moments(means, pack(covariances))
    return posterior_step(*csr, means, *moments, prior_means, precision, noise)


def dense_posterior(csr, means, covariances, prior_means, precision, noise):
    """By the formula, with the moments of (1, b, y) written out."""
    indptr, indices, targets = csr
    n, k = means.shape
    extended = np.c_[np.ones(n), means]  # (1, b, y)
    second = extended[:, :, None] * extended[:, None]
    second[:, 1:, 1:] += covariances
    z = [0, *range(2, k + 1)]
    found = []
    for row, (start, stop) in enumerate(pairwise(indptr)):
        M, t = second[indices[start:stop]], targets[start:stop]
        inverse = precision + M[:, z][:, :, z].sum(axis=0) / noise
        linear = precision @ prior_means[row]
        linear = linear + (extended[indices[start:stop]][:, z].T @ t - M[:, z, 1].sum(0)) / noise
        covariance = np.linalg.inv(inverse)
        mean = covariance @ linear
        v = np.r_[mean[0], 1, mean[1:]]  # r = v . (1, b, y)
        V = np.outer(v, v)
        V[np.ix_(z, z)] += covariance
        error = (t**2).sum() - 2 * t @ (extended[indices[start:stop]] @ v) + (M * V).sum()
        found.append((mean, covariance, np.linalg.slogdet(covariance)[1], error))
    return [np.array(part) for part in zip(*found)]


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=5),
    f=st.integers(1, 6),
    noise=st.floats(0.1, 3.0),
    seed=st.integers(0, 1000),
)
def test_equals_the_formula(lengths, f, noise, seed):
    arrays = problem(lengths, 12, f, seed)
    means, packed, log_determinants, errors = run(*arrays, noise)
    expected = dense_posterior(*arrays, noise)
    np.testing.assert_allclose(means, expected[0], rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(unpack(packed), expected[1], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(log_determinants, expected[2], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(errors, expected[3], rtol=1e-6, atol=1e-6)


def test_squared_errors_by_simulation():
    """The expected squared error is a mean over draws of both sides."""
    (indptr, indices, targets), means, covariances, prior_means, precision = problem([3], 4, 2, 0)
    mean, packed, _, errors = run(
        (indptr, indices, targets), means, covariances, prior_means, precision, 0.7
    )
    rng = np.random.default_rng(0)
    n = 200_000
    user = rng.multivariate_normal(mean[0], unpack(packed)[0], n)
    total = np.zeros(n)
    for j, t in zip(indices, targets):
        item = rng.multivariate_normal(means[j], covariances[j], n)
        ratings = user[:, 0] + item[:, 0] + (user[:, 1:] * item[:, 1:]).sum(axis=1)
        total += (t - ratings) ** 2
    assert abs(total.mean() - errors[0]) < 5 * total.std() / np.sqrt(n)


def test_without_covariances_it_is_ridge_regression():
    csr, means, covariances, prior_means, _ = problem([6], 8, 3, 1)
    found, *_ = run(csr, means, 0 * covariances, 0 * prior_means, 2.0 * np.eye(4), 0.5)
    Z = np.c_[np.ones(8), means[:, 1:]][csr[1]]
    target = csr[2] - means[csr[1], 0]
    expected = np.linalg.solve(Z.T @ Z + np.eye(4), Z.T @ target)
    np.testing.assert_allclose(found[0], expected)


def test_empty_row_keeps_the_prior():
    csr, means, covariances, prior_means, precision = problem([0, 2], 5, 2, 2)
    found, packed, _, errors = run(csr, means, covariances, prior_means, precision, 1.0)
    np.testing.assert_allclose(found[0], prior_means[0])
    np.testing.assert_allclose(unpack(packed)[0], np.linalg.inv(precision))
    assert errors[0] == 0


def test_float32():
    arrays = problem([0, 5, 20], 30, 7, 3, np.float32)
    found = run(*arrays, np.float32(0.5))
    assert found[0].dtype == found[1].dtype == np.float32
    expected = dense_posterior(*arrays, 0.5)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-3, atol=1e-3)


def test_packing():
    matrices = np.array([[[1.0, 2, 4], [2, 3, 5], [4, 5, 6]]])
    assert pack(matrices).tolist() == [[1, 2, 3, 4, 5, 6]]
    np.testing.assert_array_equal(unpack(pack(matrices)), matrices)
    np.testing.assert_array_equal(unpack(pack(matrices)[0]), matrices[0])
