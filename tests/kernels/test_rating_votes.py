import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec._kernels.rating_votes import fit_rating_votes


def problem(n_users, n_items=9, n_channels=2, density=0.6, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = sp.csr_array(np.where(rng.random((n_users, n_items)) < density, 1.0, 0))
    weights = rng.normal(size=(n_channels, X.nnz)).astype(dtype)
    T = sp.csc_array(X)
    T.data = rng.normal(size=X.nnz).astype(dtype)
    allowed = rng.random((n_items, n_items)) < 0.6
    np.fill_diagonal(allowed, False)
    allowed[2] = False
    return X, weights, T, sp.csr_array(allowed)


def solve(X, weights, T, support, penalty):
    return fit_rating_votes(
        X.indptr.astype(np.int32), X.indices.astype(np.int32), weights,
        T.indptr, T.indices, T.data, support.indptr, support.indices, penalty,
    )  # fmt: skip


@pytest.mark.parametrize("n_users", [5, 60])  # the dual form, the normal equations
def test_equals_dense_regression(n_users):
    X, weights, T, support = problem(n_users)
    votes = solve(X, weights, T, support, 0.7)
    channels = [sp.csr_array((w, X.indices, X.indptr), X.shape).toarray() for w in weights]
    for item in range(9):
        raters = T.indices[T.indptr[item] : T.indptr[item + 1]]
        target = T.data[T.indptr[item] : T.indptr[item + 1]]
        own = slice(support.indptr[item], support.indptr[item + 1])
        columns = support.indices[own]
        A = np.hstack([channel[np.ix_(raters, columns)] for channel in channels])
        expected = np.linalg.solve(A.T @ A + 0.7 * np.eye(A.shape[1]), A.T @ target)
        np.testing.assert_allclose(votes[:, own].ravel(), expected, atol=1e-8)


def test_item_without_raters_or_support_gets_no_votes():
    X, weights, T, support = problem(20)
    kept = X.toarray()
    kept[:, 4] = 0
    mask = kept[X.nonzero()] > 0
    X = sp.csr_array(kept)
    T = sp.csc_array(X)
    votes = solve(X, np.ascontiguousarray(weights[:, mask]), T, support, 1.0)
    assert not votes[:, support.indptr[4] : support.indptr[5]].any()
    assert support.indptr[2] == support.indptr[3]


def test_float32():
    found = solve(*problem(30, dtype=np.float32), np.float32(1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, solve(*problem(30), 1.0), atol=1e-4)


@pytest.mark.parametrize("n_users", [4, 40])  # both forms
def test_systems_without_a_solution_are_an_error(n_users):
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        solve(*problem(n_users), -1e6)
