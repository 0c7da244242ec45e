"""Lists from sparse votes against those from the dense product."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skattnrec._kernels.products import csr_times_csr, csr_times_dense, top_k_of_product
from skattnrec._kernels.topk import mask_entries, top_k

FEW_VALUES = [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0]  # sums cancel, scores tie


def parts(M):
    return M.indptr, M.indices, M.data


def by_dense_scores(histories, votes, k, candidates, n_columns, seen=None):
    scores = csr_times_csr(histories, votes, n_columns)
    if seen is not None:
        mask_entries(scores, *seen)
    return top_k(scores, candidates, k)


def with_stored_zeros(values, known):
    rows, columns = np.nonzero(known)
    return sp.csr_array((values[rows, columns], (rows, columns)), shape=values.shape)


@st.composite
def problems(draw):
    n_rows, n_voters, n_columns = (draw(st.integers(1, most)) for most in (4, 6, 80))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rare = st.sampled_from([np.inf, -np.inf, np.nan, 2**-10, 3.75])
    some = st.one_of(*[st.sampled_from(FEW_VALUES)] * 4, rare)

    def sparse(shape, elements=some):
        values = draw(arrays(dtype, shape, elements=elements))
        return with_stored_zeros(values, draw(arrays(bool, shape)))

    histories = sparse((n_rows, n_voters), st.sampled_from(FEW_VALUES))
    votes = sparse((n_voters, n_columns))
    seen = sparse((n_rows, n_columns)) if draw(st.booleans()) else None
    columns = st.sets(st.integers(0, n_columns - 1), min_size=1)
    candidates = np.array(sorted(draw(columns)), dtype=np.intp)
    k = draw(st.integers(1, len(candidates)))
    seen = None if seen is None else (seen.indptr, seen.indices)
    return parts(histories), parts(votes), k, candidates, n_columns, seen


@pytest.mark.filterwarnings("ignore:invalid value")
@settings(deadline=None, max_examples=300)
@given(problems())
def test_equals_the_dense_product(problem):
    """Bit for bit, whatever cancels, ties, or is not a number."""
    indices, scores = top_k_of_product(*problem)
    expected_indices, expected_scores = by_dense_scores(*problem)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_array_equal(scores, expected_scores)
    assert indices.dtype == expected_indices.dtype
    assert scores.dtype == expected_scores.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("density", [0.003, 0.05])  # few columns touched, and all of them
def test_equals_the_dense_product_of_many_columns(dtype, density):
    rng = np.random.default_rng(0)
    X = sp.random_array((60, 500), density=0.04, format="csr", rng=rng).astype(dtype)
    V = sp.random_array((500, 900), density=density, format="csr", rng=rng).astype(dtype)
    V.data -= dtype(0.3)
    seen = sp.random_array((60, 900), density=0.1, format="csr", rng=rng)
    problem = parts(X), parts(V), 700, np.arange(900), 900, (seen.indptr, seen.indices)
    for actual, expected in zip(top_k_of_product(*problem), by_dense_scores(*problem)):
        np.testing.assert_array_equal(actual, expected)


def test_worked_by_hand():
    """Scores 2, 0, -1, 0, 3 and 0: the zeros in the order of their columns, before the -1."""
    histories = parts(sp.csr_array([[1.0, 2.0]]))
    votes = parts(sp.csr_array([[2.0, 0, 1, 4, 1, 0], [0, 0, -1, -2, 1, 0]]))
    indices, scores = top_k_of_product(histories, votes, 6, np.arange(6), 6)
    assert indices.tolist() == [[4, 0, 1, 3, 5, 2]]
    assert scores.tolist() == [[3, 2, 0, 0, 0, -1]]
    seen = np.array([0, 2]), np.array([1, 4])
    indices, scores = top_k_of_product(histories, votes, 3, np.array([1, 2, 3, 4]), 6, seen)
    assert indices.tolist() == [[3, 2, -1]]
    np.testing.assert_array_equal(scores, [[0, -1, np.nan]])


def test_no_votes_give_the_first_candidates():
    histories, votes = parts(sp.csr_array((2, 3))), parts(sp.csr_array((3, 9)))
    indices, scores = top_k_of_product(histories, votes, 3, np.arange(2, 9), 9)
    assert indices.tolist() == [[2, 3, 4]] * 2
    assert (scores == 0).all()


def test_no_rows():
    nobody, votes = parts(sp.csr_array((0, 3))), parts(sp.eye_array(3).tocsr())
    indices, scores = top_k_of_product(nobody, votes, 2, np.arange(3), 3)
    assert indices.shape == scores.shape == (0, 2)


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


def sparse(seed, shape, density=0.4):
    return sp.random_array(shape, density=density, rng=seed, format="csr").astype(np.float64)


sizes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))


@given(st.integers(0, 10**6), sizes)
@settings(deadline=None, max_examples=40)
def test_sparse_products_equal_dense_ones(seed, shape):
    n, k, m = shape
    A, B = sparse(seed, (n, k)), sparse(seed + 1, (k, m))
    D = np.random.default_rng(seed).normal(size=(k, m))
    product = csr_times_csr(parts(A), parts(B), m)
    np.testing.assert_allclose(product, A.toarray() @ B.toarray(), atol=1e-12)
    np.testing.assert_allclose(csr_times_dense(*parts(A), D), A.toarray() @ D, atol=1e-12)
