"""Products, means and fingerprints of sparse rows against scipy and numpy."""

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec._kernels.entries import fingerprint_rows
from skattnrec._kernels.means import damped_means
from skattnrec._kernels.votes import csr_times_csr


def parts(M):
    return M.indptr, M.indices, M.data


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_product_equals_scipy(dtype, density, index_dtype):
    rng = np.random.default_rng(0)
    A = sp.random_array((7, 9), density=density, format="csr", rng=rng).astype(dtype)
    B = sp.random_array((9, 5), density=density, format="csr", rng=rng).astype(dtype)
    A_parts, B_parts = (
        (M.indptr.astype(index_dtype), M.indices.astype(index_dtype), M.data) for M in (A, B)
    )
    B_parts[1].flags.writeable = False
    product = csr_times_csr(A_parts, B_parts, 5)
    assert product.dtype == dtype
    np.testing.assert_allclose(product, (A @ B).toarray(), rtol=1e-6)


def test_damped_means():
    groups, values = np.array([0, 2, 2, 0, 0]), np.array([1.0, 2.0, -6.0, 4.0, 1.0])
    np.testing.assert_allclose(damped_means(groups, values, 4), [2, 0, -2, 0])
    np.testing.assert_allclose(damped_means(groups, values, 4, 2.0), [6 / 5, 0, -1, 0])


def test_fingerprints_tell_rows_apart():
    rng = np.random.default_rng(0)
    X = sp.csr_array(rng.integers(0, 3, (2000, 4)).astype(float))
    fingerprints = fingerprint_rows(*parts(X))
    distinct = np.unique(X.toarray(), axis=0)
    assert len(np.unique(fingerprints)) == len(distinct) == 81
    _, group = np.unique(X.toarray(), axis=0, return_inverse=True)
    pairs = set(zip(group.ravel().tolist(), fingerprints.tolist()))
    assert len(pairs) == 81


def test_fingerprints_do_not_depend_on_precision_or_the_sign_of_zero():
    X = sp.csr_array((np.array([0.1, 0.0, 3.5]), np.array([0, 1, 1]), np.array([0, 2, 3])))
    Y = sp.csr_array((np.array([0.1, -0.0, 3.5], np.float32), X.indices, X.indptr))
    np.testing.assert_array_equal(fingerprint_rows(*parts(X)), fingerprint_rows(*parts(Y)))
