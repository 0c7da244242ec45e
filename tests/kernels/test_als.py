from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skattnrec._kernels.als import fold_in, squared_errors


def dense_fold_in(indptr, indices, weights, targets, factors):
    rows = []
    for start, stop in pairwise(indptr):
        Z = factors[indices[start:stop]].astype(np.float64)
        A = np.eye(factors.shape[1]) + Z.T @ (weights[start:stop, None] * Z)
        rows.append(np.linalg.solve(A, Z.T @ targets[start:stop]))
    return np.array(rows).reshape(len(indptr) - 1, factors.shape[1])


def problem(lengths, n_columns, f, dtype, seed=0):
    rng = np.random.default_rng(seed)
    indptr = np.r_[0, np.cumsum(lengths)].astype(np.int32)
    chosen = [np.sort(rng.choice(n_columns, m, replace=False)) for m in lengths]
    indices = np.concatenate(chosen).astype(np.int32)
    weights = rng.uniform(0.01, 10, indptr[-1]).astype(dtype)
    targets = rng.normal(size=indptr[-1]).astype(dtype)
    factors = rng.normal(size=(n_columns, f)).astype(dtype)
    return indptr, indices, weights, targets, factors


@settings(deadline=None, max_examples=100)
@given(
    lengths=st.lists(st.integers(0, 20), min_size=1, max_size=6),
    f=st.integers(1, 13),
    seed=st.integers(0, 1000),
)
def test_equals_dense_solution(lengths, f, seed):
    """Rows shorter and longer than f: both forms, with sizes that are no multiple of 4 too."""
    arrays = problem(lengths, 20, f, np.float64, seed)
    np.testing.assert_allclose(fold_in(*arrays), dense_fold_in(*arrays), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("f", [5, 33])
def test_rows_of_any_length(f):
    """Next to the ends of the chunks of 128 entries and of the steps of 16 in which they come."""
    arrays = problem([1, 15, 16, 17, 127, 128, 129, 256, 300], 300, f, np.float64)
    np.testing.assert_allclose(fold_in(*arrays), dense_fold_in(*arrays), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squared_errors_against_dense(dtype):
    rng = np.random.default_rng(0)
    known = rng.random((6, 9)) < 0.5
    known[2] = False
    ratings, a, x, b, y = (
        rng.normal(size=shape).astype(dtype) for shape in ((6, 9), 6, (6, 21), 9, (9, 21))
    )
    indptr = np.r_[0, known.sum(axis=1).cumsum()]
    found = squared_errors(indptr, np.nonzero(known)[1], ratings[known], a, x, b, y)
    errors = np.where(known, ratings - a[:, None] - b - x @ y.T, 0)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, (errors**2).sum(axis=1), rtol=1e-5, atol=0)


def test_float32():
    arrays = problem([0, 3, 40, 7, 60], 80, 32, np.float32)
    found = fold_in(*arrays)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, dense_fold_in(*arrays), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("m", [1, 8])  # the dual form, the normal equations
def test_one_column_by_hand(m):
    """With z = 2 and m entries of weight 3 and target 5: v = 10 m / (1 + 12 m)."""
    factors = np.full((8, 1), 2.0)
    entries = np.arange(m, dtype=np.int32)
    found = fold_in(np.array([0, m], np.int32), entries, np.full(m, 3.0), np.full(m, 5.0), factors)
    np.testing.assert_allclose(found, [[10 * m / (1 + 12 * m)]])


def test_tiny_weights_do_not_hurt():
    """Weights next to 0 leave the gradient step Z't, in the dual form as in the other."""
    indptr, indices, weights, targets, factors = problem([3, 12], 20, 6, np.float64)
    weights[:] = np.finfo(np.float32).tiny
    expected = [
        factors[indices[start:stop]].T @ targets[start:stop] for start, stop in pairwise(indptr)
    ]
    np.testing.assert_allclose(
        fold_in(indptr, indices, weights, targets, factors), expected, rtol=1e-10
    )


def test_rows_do_not_depend_on_each_other():
    indptr, indices, weights, targets, factors = problem([5, 30, 0, 12], 40, 10, np.float32)
    together = fold_in(indptr, indices, weights, targets, factors)
    for row in range(4):
        own = slice(indptr[row], indptr[row + 1])
        alone = fold_in(
            indptr[row : row + 2] - indptr[row], indices[own], weights[own], targets[own], factors
        )
        np.testing.assert_array_equal(alone[0], together[row])
