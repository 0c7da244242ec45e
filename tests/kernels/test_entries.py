import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skattnrec._kernels.entries import (
    count_share,
    fingerprint_rows,
    hash_keys,
    largest_in_row,
    select_entries,
)

SEED = np.uint64(7)


def random_pattern(seed, n_rows=40, n_columns=30, density=0.3):
    values = np.random.default_rng(seed).random((n_rows, n_columns))
    return sp.csr_array(np.where(values < density, values, 0))


@settings(deadline=None, max_examples=50)  # the first call compiles
@given(st.integers(0, 2**32 - 1))
def test_largest_in_row_marks_what_a_stable_sort_puts_last(seed):
    X = random_pattern(seed)
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 4, X.nnz).astype(np.float64)  # many ties
    lengths = np.diff(X.indptr)
    counts = rng.integers(0, lengths + 1)
    marked = largest_in_row(X.indptr, keys, counts)
    for row in range(X.shape[0]):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        last = np.argsort(keys[entries], kind="stable")[lengths[row] - counts[row] :]
        assert_array_equal(np.flatnonzero(marked[entries]), np.sort(last))


def test_hash_keys_do_not_depend_on_other_rows_or_on_the_order_of_entries():
    X = random_pattern(0)
    keys = hash_keys(X.indptr, X.indices, SEED)
    for row in range(X.shape[0]):
        columns = X.indices[X.indptr[row] : X.indptr[row + 1]]
        backwards = columns[::-1].copy()
        alone = hash_keys(np.array([0, len(columns)], np.int32), backwards, SEED)
        assert_array_equal(alone[::-1], keys[X.indptr[row] : X.indptr[row + 1]])


def test_hash_keys_differ_between_seeds_and_between_histories():
    indptr = np.array([0, 3, 7], np.int32)
    indices = np.array([1, 2, 3, 1, 2, 3, 4], np.int32)
    keys = hash_keys(indptr, indices, SEED)
    assert len(np.unique(keys)) == 7
    assert not np.intersect1d(keys, hash_keys(indptr, indices, SEED + np.uint64(1))).size


def test_every_pair_of_entries_is_hidden_equally_often():
    n, n_seeds = 6, 3000
    indptr, indices = np.array([0, n], np.int32), np.arange(n, dtype=np.int32)
    together = np.zeros((n, n))
    for seed in range(n_seeds):
        keys = hash_keys(indptr, indices, np.uint64(seed))
        marked = largest_in_row(indptr, keys, np.array([2])).astype(float)
        together += np.outer(marked, marked)
    pairs = together[np.triu_indices(n, 1)]
    p = 1 / len(pairs)
    spread = np.sqrt(n_seeds * p * (1 - p))
    assert np.abs(pairs - n_seeds * p).max() < 4 * spread


def test_count_share_takes_one_and_leaves_one():
    lengths = np.array([0, 1, 2, 3, 5, 7, 8, 10])
    assert_array_equal(count_share(lengths, 0.2), [0, 0, 1, 1, 1, 1, 2, 2])
    assert_array_equal(count_share(lengths, 0.99), [0, 0, 1, 2, 4, 6, 7, 9])
    assert_array_equal(count_share(lengths, 0.01), [0, 0, 1, 1, 1, 1, 1, 1])


def test_select_entries_matches_dense_masking():
    X = random_pattern(1)
    mask = np.random.default_rng(1).random(X.nnz) < 0.5
    kept = sp.csr_array(select_entries(X.data, X.indices, X.indptr, mask), shape=X.shape)
    pattern = sp.csr_array((mask.astype(float), X.indices, X.indptr), shape=X.shape)
    assert_array_equal(kept.toarray(), X.toarray() * pattern.toarray())
    assert kept.indptr.dtype == X.indptr.dtype


def parts(M):
    return M.indptr, M.indices, M.data


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
    assert_array_equal(fingerprint_rows(*parts(X)), fingerprint_rows(*parts(Y)))
