import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skattnrec._kernels.topk import mask_entries, top_k

FEW_SCORES = [-np.inf, np.nan, np.inf, -1.5, -0.0, 0.0, 1.0, 2.0]  # many ties


def numpy_top_k(scores, candidates, k):
    """Sort by score, highest first, then by index; leave out -inf and NaN."""
    indices = np.full((len(scores), k), -1)
    best = np.full((len(scores), k), np.nan, scores.dtype)
    for row, line in enumerate(scores):
        usable = [j for j in candidates if line[j] > -np.inf]
        order = np.lexsort((usable, -line[usable]))[:k]
        chosen = np.array(usable, dtype=int)[order]
        indices[row, : len(chosen)] = chosen
        best[row, : len(chosen)] = line[chosen]
    return indices, best


@st.composite
def problems(draw):
    n_rows, n_columns = draw(st.integers(1, 4)), draw(st.integers(1, 30))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    some = st.one_of(st.sampled_from(FEW_SCORES), st.floats(-1e3, 1e3, width=32))
    scores = draw(arrays(dtype, (n_rows, n_columns), elements=some))
    columns = st.sets(st.integers(0, n_columns - 1), min_size=1)
    candidates = np.array(sorted(draw(columns)), dtype=np.intp)
    return scores, candidates, draw(st.integers(1, len(candidates)))


@settings(deadline=None, max_examples=300)
@given(problems())
def test_equals_numpy_sort(problem):
    scores, candidates, k = problem
    before = scores.copy()
    indices, best = top_k(scores, candidates, k)
    expected_indices, expected_best = numpy_top_k(scores, candidates, k)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_array_equal(best, expected_best)
    np.testing.assert_array_equal(scores, before)
    assert best.dtype == scores.dtype
    assert indices.dtype == np.intp


def test_ties_go_to_the_lower_index_whatever_the_heap_did():
    scores = np.array([[1.0, 3.0, 2.0, 3.0, 2.0, 3.0, 2.0, 1.0]])
    indices, best = top_k(scores, np.arange(8), 6)
    assert indices.tolist() == [[1, 3, 5, 2, 4, 6]]
    assert best.tolist() == [[3, 3, 3, 2, 2, 2]]


def test_constant_scores_give_the_first_candidates():
    indices, _ = top_k(np.zeros((3, 50)), np.arange(5, 50), 10)
    assert indices.tolist() == [list(range(5, 15))] * 3


def test_shorter_list_is_start_of_longer_one():
    scores = np.random.default_rng(0).integers(0, 5, (20, 40)).astype(float)
    longest, _ = top_k(scores, np.arange(40), 40)
    for k in (1, 2, 7, 39):
        np.testing.assert_array_equal(top_k(scores, np.arange(40), k)[0], longest[:, :k])


def test_rows_without_candidates_are_padded():
    scores = np.array([[-np.inf, np.nan, -np.inf], [np.nan, 4.0, -np.inf]])
    indices, best = top_k(scores, np.arange(3), 2)
    assert indices.tolist() == [[-1, -1], [1, -1]]
    np.testing.assert_array_equal(best, [[np.nan, np.nan], [4.0, np.nan]])


def test_infinity_is_a_score():
    indices, best = top_k(np.array([[0.0, np.inf, 1.0]]), np.arange(3), 2)
    assert indices.tolist() == [[1, 2]]
    assert best.tolist() == [[np.inf, 1.0]]


def test_no_rows():
    indices, best = top_k(np.empty((0, 3)), np.arange(3), 2)
    assert indices.shape == best.shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mask_entries_sets_the_pattern_to_minus_infinity(dtype):
    scores = np.arange(12, dtype=dtype).reshape(3, 4)
    indptr = np.array([0, 2, 2, 3], dtype=np.int32)
    indices = np.array([1, 3, 0], dtype=np.int32)
    mask_entries(scores, indptr, indices)
    expected = np.arange(12, dtype=dtype).reshape(3, 4)
    expected[[0, 0, 2], [1, 3, 0]] = -np.inf
    np.testing.assert_array_equal(scores, expected)
