import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skattnrec._validation import (
    as_interactions,
    check_cutoff,
    check_item_indices,
    check_n_rows,
    check_pairs,
    check_timestamps,
    validate_interactions,
)
from skattnrec.baseline import PopularityRecommender

X = sp.csr_array(np.array([[5.0, 0, 3], [0, 0, 0], [1, 2, 0]]))
T = sp.csr_array((np.array([40.0, 10, 30, 20]), X.indices.copy(), X.indptr.copy()), shape=X.shape)


def parts(A):
    return A.indptr.tolist(), A.indices.tolist(), A.data.tolist()


# -- interactions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        sp.csr_array,
        sp.csr_matrix,
        sp.csc_array,
        sp.csc_matrix,
        sp.coo_array,
        sp.coo_matrix,
        lambda A: A.toarray(),
        lambda A: A.toarray().tolist(),
        lambda A: sp.dok_array(A),
    ],
)
def test_all_formats_become_the_same_csr_array(kind):
    checked = as_interactions(kind(X))
    assert isinstance(checked, sp.csr_array)
    assert parts(checked) == parts(X)
    assert checked.indices.dtype == checked.indptr.dtype == np.int32
    assert checked.has_canonical_format


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int64, np.float64),
        (np.uint8, np.float64),
        (bool, np.float64),
    ],
)
@pytest.mark.parametrize("dense", [True, False])
def test_dtypes(given, kept, dense):
    A = X.toarray().astype(given)
    assert as_interactions(A if dense else sp.coo_array(A)).dtype == kept


def test_float32_csr_is_not_copied():
    given = X.astype(np.float32)
    assert np.shares_memory(as_interactions(given).data, given.data)


def test_long_indices_become_short():
    given = X.copy()
    given.indices, given.indptr = given.indices.astype(np.int64), given.indptr.astype(np.int64)
    checked = as_interactions(given)
    assert checked.indices.dtype == checked.indptr.dtype == np.int32
    assert parts(checked) == parts(X)
    assert given.indices.dtype == np.int64


def test_duplicates_are_summed_and_indices_sorted_in_a_copy():
    given = sp.csr_array((np.array([1.0, 2, 4, 8]), [2, 0, 2, 1], [0, 3, 4]), shape=(2, 3))
    checked = as_interactions(given)
    assert parts(checked) == ([0, 2, 3], [0, 2, 1], [2.0, 5.0, 8.0])
    assert parts(given) == ([0, 3, 4], [2, 0, 2, 1], [1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_unsorted_indices_are_sorted_in_a_copy(dtype):
    given = sp.csr_array((np.array([1, 2], dtype=dtype), [2, 0], [0, 2]), shape=(1, 3))
    assert parts(as_interactions(given)) == ([0, 2], [0, 2], [2.0, 1.0])
    assert parts(given) == ([0, 2], [2, 0], [1.0, 2.0])


def test_stored_zeros_stay_known_and_dense_zeros_are_unknown():
    given = sp.csr_array((np.array([0.0, 2.0]), [0, 1], [0, 2]), shape=(1, 3))
    assert as_interactions(given).nnz == 2
    assert as_interactions(given.toarray()).nnz == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sparse", [True, False])
def test_not_finite(bad, sparse):
    A = X.toarray()
    A[0, 0] = bad
    word = "NaN" if np.isnan(bad) else "infinity"
    with pytest.raises(ValueError, match=f"Input ratings contains {word}"):
        as_interactions(sp.csr_array(A) if sparse else A, "ratings")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(3), "Expected 2D array, got 1D array"),
        (np.ones((0, 3)), r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\)"),
        (np.ones((3, 0)), r"Found array with 0 feature\(s\) \(shape=\(3, 0\)\)"),
        (sp.csr_array((0, 3)), r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\)"),
        ([["a", "b"]], "could not convert string to float|dtype='numeric' is not compatible"),
        (np.ones((2, 2), complex), "Complex data not supported"),
    ],
)
def test_wrong_shapes_and_types(given, message):
    with pytest.raises(ValueError, match=message):
        as_interactions(given)


class TestEstimatorInput:
    def fitted(self):
        model = PopularityRecommender()
        validate_interactions(model, X, reset=True)
        return model

    def test_number_of_items_is_kept_and_compared(self):
        model = self.fitted()
        assert model.n_features_in_ == 3
        with pytest.raises(ValueError, match=r"X has 2 features, but .* expecting 3 features"):
            validate_interactions(model, X[:, :2], reset=False)

    def test_names_of_items_are_kept_and_compared(self):
        model = PopularityRecommender()
        frame = pd.DataFrame(X.toarray(), columns=["a", "b", "c"])
        validate_interactions(model, frame, reset=True)
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
        with pytest.raises(ValueError, match="feature names should match"):
            validate_interactions(model, frame[["b", "a", "c"]], reset=False)

    def test_negative_rating_is_named(self):
        A = X.toarray()
        A[2, 1] = -2.5
        message = (
            "Negative values in data passed to PopularityRecommender: X[2, 1] = -2.5, but its "
            "ratings must be >= 0. Shift the ratings, or use a model of explicit feedback."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            validate_interactions(self.fitted(), A, reset=False, nonnegative=True)

    def test_row_of_negative_rating_is_right_beside_empty_rows(self):
        A = np.zeros((5, 3))
        A[0, 0], A[3, 2] = 1, -1
        with pytest.raises(ValueError, match=re.escape("X[3, 2] = -1,")):
            validate_interactions(self.fitted(), A, reset=False, nonnegative=True)

    def test_negative_ratings_may_be_allowed(self):
        checked = validate_interactions(self.fitted(), -X, reset=False)
        assert checked.data.tolist() == [-5, -3, -1, -2]

    def test_no_ratings_are_not_negative(self):
        checked = validate_interactions(
            self.fitted(), sp.csr_array((2, 3)), reset=False, nonnegative=True
        )
        assert checked.nnz == 0


# -- timestamps -----------------------------------------------------------------------------


def test_no_timestamps():
    assert check_timestamps(None, X) is None


@pytest.mark.parametrize(
    "kind",
    [sp.csr_array, sp.csc_matrix, sp.coo_array, lambda A: A.toarray(), lambda A: A.astype(int)],
)
def test_timestamps_come_in_the_order_of_the_entries(kind):
    times = check_timestamps(kind(T), X)
    assert times.tolist() == [40, 10, 30, 20]
    assert times.dtype == np.float64


def test_timestamps_in_another_stored_order():
    order = [3, 1, 0, 2]
    C = T.tocoo()
    shuffled = sp.coo_array((C.data[order], (C.row[order], C.col[order])), shape=T.shape)
    assert check_timestamps(shuffled, X).tolist() == [40, 10, 30, 20]


def test_dense_timestamps_are_read_where_ratings_are_known():
    dense = np.full(X.shape, 99.0)
    dense[X.nonzero()] = [0, 1, 2, 3]
    assert check_timestamps(dense, X).tolist() == [0, 1, 2, 3]


def test_stored_time_of_zero():
    times = T.copy()
    times.data[1] = 0
    assert check_timestamps(times, X).tolist() == [40, 0, 30, 20]


def test_dropped_time_of_zero_is_explained():
    times = T.copy()
    times.data[2] = 0
    times.eliminate_zeros()
    message = (
        "timestamps must have the stored entries of X: row 2 has 1 of them, X has 2. "
        "A time of 0 must be stored too, not dropped."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_timestamps(times, X)


def test_time_elsewhere_is_named():
    moved = sp.csr_array((T.data, [0, 2, 0, 2], T.indptr), shape=T.shape)
    message = (
        "timestamps must have the stored entries of X: row 2 has an entry at column 2 "
        "where X has one at column 1."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_timestamps(moved, X)


@pytest.mark.parametrize("dense", [True, False])
def test_shape_of_timestamps(dense):
    times = T[:2].toarray() if dense else T[:2]
    message = re.escape("timestamps has shape (2, 3), X has (3, 3): they must be equal.")
    with pytest.raises(ValueError, match=message):
        check_timestamps(times, X)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_timestamps_not_finite(dense, bad, word):
    times = T.copy()
    times.data[0] = bad
    with pytest.raises(ValueError, match=f"Input timestamps contains {word}"):
        check_timestamps(times.toarray() if dense else times, X)


# -- cutoffs and items ----------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, np.int64(3), np.uint8(2)])
def test_cutoff(k):
    checked = check_cutoff(k, 3)
    assert checked == k
    assert type(checked) is int


@pytest.mark.parametrize("k", [0, -1, 4])
def test_cutoff_out_of_range(k):
    message = re.escape(f"k must be in [1, 3], as 3 items can be listed; got k={k}.")
    with pytest.raises(ValueError, match=message):
        check_cutoff(k, 3)


@pytest.mark.parametrize("k", [0, -1])
def test_cutoff_without_limit(k):
    assert check_cutoff(10**6) == 10**6
    with pytest.raises(ValueError, match=f"k must be at least 1, got k={k}"):
        check_cutoff(k)


@pytest.mark.parametrize(
    ("rows", "items", "message"),
    [
        ([0, 3], [0, 0], r"rows must be in \[0, 2\], got 3"),
        ([0, -1], [0, 0], r"rows must be in \[0, 2\], got -1"),
        ([0, 1], [0, 4], r"items must be in \[0, 3\], got 4"),
        ([0, 1], [0], "rows and items must make pairs, got 2 and 1"),
        ([0.5], [0], "rows must be a list of integers, got float64"),
        ([0], [[0]], "items must be a list of integers, got int64"),
    ],
)
def test_pairs(rows, items, message):
    assert check_pairs([], [], (3, 4))[0].dtype == np.intp
    with pytest.raises(ValueError, match=message):
        check_pairs(rows, items, (3, 4))


@pytest.mark.parametrize("y", [[1, 2], np.ones((4, 2)), X[:2], 7])
def test_rows_of_y(y):
    check_n_rows(None, 3)
    check_n_rows(["a", "b", "c"], 3)
    with pytest.raises(ValueError, match="X has 3 rows: a y is not used, but must have as many"):
        check_n_rows(y, 3)


@pytest.mark.parametrize("k", [2.0, "2", None, True, np.bool_(True)])
def test_cutoff_of_another_type(k):
    with pytest.raises(TypeError, match="k must be an integer, got"):
        check_cutoff(k, 3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(2, [2]), ([2, 0], [2, 0]), (np.array([1, 3], np.uint8), [1, 3]), ((3,), [3])],
)
def test_item_indices(given, expected):
    checked = check_item_indices(given, 4)
    assert checked.tolist() == expected
    assert checked.dtype == np.intp


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ([], r"float64 of shape \(0,\)"),
        ([0.0, 1.0], r"float64 of shape \(2,\)"),
        ([True, False], r"bool of shape \(2,\)"),
        (["a"], r"<U1 of shape \(1,\)"),
        ([[0], [1]], r"int64 of shape \(2, 1\)"),
    ],
)
def test_items_that_are_no_columns(given, got):
    with pytest.raises(ValueError, match=f"items must be a non-empty list .*, got {got}"):
        check_item_indices(given, 4)


@pytest.mark.parametrize(("given", "first", "n"), [([0, 4, 7], 4, 2), ([-1], -1, 1)])
def test_items_outside_of_the_catalogue(given, first, n):
    message = re.escape(f"items must be columns in [0, 3]; got {first} ({n} unknown).")
    with pytest.raises(ValueError, match=message):
        check_item_indices(given, 4)


def test_repeated_items():
    with pytest.raises(ValueError, match="items must not repeat a column; 2 is given twice"):
        check_item_indices([0, 2, 2], 4)


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_sums_that_overflow_are_no_fault_of_the_ratings(convert):
    X = np.full((20, 20), 3e38, np.float32)
    X[1::2] *= -1
    np.testing.assert_array_equal(as_interactions(convert(X)).toarray(), X)


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_single_rows_are_checked_as_any_other_input(kind, dtype):
    """The short cut of rows that are ready leaves out no check."""
    model = PopularityRecommender().fit(np.eye(4) + 1)
    row = kind(np.array([[0, 3, 0, 4]], dtype))
    np.testing.assert_array_equal(model.recommend(row, 2)[0], model.recommend(row.toarray(), 2)[0])
    with pytest.raises(ValueError, match="3 features, but"):
        model.recommend(row[:, :3])
    broken = row.copy()
    broken.indices[-1] = 9
    with pytest.raises(ValueError, match="column 9 outside of"):
        model.recommend(broken)
    wrong = row.copy()
    wrong.data[-1] = -1
    with pytest.raises(ValueError, match="Negative values"):
        model.recommend(wrong)
    if np.dtype(dtype).kind == "f":
        wrong.data[-1] = np.nan
        with pytest.raises(ValueError, match="contains NaN"):
            model.recommend(wrong)


def test_columns_out_of_range_or_twice_are_refused_in_any_order():
    np.testing.assert_array_equal(check_item_indices([0, 2, 3], 4), [0, 2, 3])
    np.testing.assert_array_equal(check_item_indices([3, 0], 4), [3, 0])
    for wrong in ([-1, 2], [0, 4], [2, -1], [4, 0]):
        with pytest.raises(ValueError, match="must be columns in"):
            check_item_indices(wrong, 4)
    for twice in ([1, 1], [2, 0, 2]):
        with pytest.raises(ValueError, match="given twice"):
            check_item_indices(twice, 4)
    given = np.array([0, 2])
    assert not np.shares_memory(check_item_indices(given, 4), given)
