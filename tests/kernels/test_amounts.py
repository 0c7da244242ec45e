"""Amounts of counts, and differences that are rounding."""

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec._kernels.amounts import amounts, typical_value
from skattnrec._kernels.products import csr_times_csr, pair_products
from skattnrec._kernels.rounding import negligible, rounding, without_rounding


def test_amounts_by_hand():
    np.testing.assert_allclose(amounts(np.array([0.0, 1, 2, 3, 1e300]), 2.0), [0, 0.5, 1, 1.5, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_amounts_are_bounded_and_do_not_depend_on_the_unit(dtype):
    smallest, largest = np.finfo(dtype).tiny, np.finfo(dtype).max
    ratings = np.array([smallest, 1e-3, 1, 7, 1e6, largest], dtype)
    for typical in (smallest, 1, 1e30, largest):
        found = amounts(ratings, float(typical))
        assert found.dtype == dtype
        assert np.all(np.diff(found) >= 0)
        assert 0 <= found.min() <= found.max() <= 2
    expected = amounts(np.arange(9.0), 3.0)
    np.testing.assert_allclose(amounts(np.arange(9.0) * 1e9, 3e9), expected)


def test_typical_value():
    assert typical_value(np.array([0.0, 0, 1, 2, 100])) == 2
    assert typical_value(np.array([0.0])) == typical_value(np.array([])) == 1
    assert typical_value(np.array([3e38, 3e38, 3e38], np.float32)) == pytest.approx(3e38)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 1000, 100_000])
def test_the_mean_of_equal_numbers_differs_by_rounding_only(n, dtype):
    values = np.full(n, 0.1, dtype)
    mean = np.bincount(np.zeros(n, int), values)[0] / n
    differences = without_rounding(values.astype(float) - mean, 0.1, dtype)
    assert not differences.any()
    kept = without_rounding(np.array([1e-4, -1e-4]), 1.0, dtype)
    np.testing.assert_array_equal(kept, [1e-4, -1e-4])
    assert rounding(dtype) < negligible(dtype) < 1e-4


@pytest.mark.parametrize("n_pairs", [0, 1, 20, 500, 20000])
def test_pair_products_are_elements_of_the_product(n_pairs):
    """Few pairs of a row are looked up one by one, many are read from the whole row."""
    rng = np.random.default_rng(0)
    A = sp.random_array((30, 40), density=0.2, format="csr", rng=rng)
    B = sp.random_array((40, 25), density=0.2, format="csr", rng=rng)
    rows, columns = rng.integers(0, 30, n_pairs), rng.integers(0, 25, n_pairs)
    left, right = ((M.indptr, M.indices, M.data) for M in (A, B))
    found = pair_products(left, right, rows, columns, 25)
    np.testing.assert_array_equal(found, csr_times_csr(left, right, 25)[rows, columns])
