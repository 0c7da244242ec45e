import datetime as dt

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skattnrec.model_selection import split_interactions

METHODS = [
    {"method": "random"},
    {"method": "random", "test_size": 0.7},
    {"method": "leave_k_out", "k": 3},
    {"method": "leave_k_out", "k": 2, "timestamps": True},
    {"method": "temporal", "test_size": 0.4},
    {"method": "temporal", "cutoff": 0.5},
    {"method": "given_n", "n_given": 0},
    {"method": "given_n", "n_given": 3},
    {"method": "given_n", "n_given": 2, "timestamps": True},
    {"method": "users", "test_size": 0.3},
    {"method": "items", "test_size": 0.3},
]
BY_ROW = [options for options in METHODS if options["method"] != "users"]
WITH_HISTORY = ("random", "leave_k_out", "temporal")


def interactions(seed, n_users=30, n_items=25, density=0.25):
    rng = np.random.default_rng(seed)
    known = sp.csr_array(rng.random((n_users, n_items)) < density)
    ratings = rng.integers(0, 6, known.nnz).astype(float)  # a stored zero is a known rating
    X = sp.csr_array((ratings, known.indices, known.indptr), shape=known.shape)
    T = sp.csr_array((np.round(rng.random(X.nnz), 1), X.indices, X.indptr), shape=X.shape)
    return X, T


def split(X, T, timestamps=False, **options):
    if timestamps or options["method"] == "temporal":
        options["timestamps"] = T
    return split_interactions(X, **options)


def pattern(X):
    return (X + sp.csr_array((np.ones(X.nnz), X.indices, X.indptr), shape=X.shape)).toarray() != 0


@settings(deadline=None, max_examples=25)  # the first call compiles
@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS))
def test_every_entry_is_in_exactly_one_part(seed, options):
    X, T = interactions(seed)
    history, held_out = split(X, T, **options)
    assert history.shape == held_out.shape == X.shape
    assert history.nnz + held_out.nnz == X.nnz
    assert not (pattern(history) & pattern(held_out)).any()
    assert_array_equal(pattern(history) | pattern(held_out), pattern(X))
    assert_array_equal((history + held_out).toarray(), X.toarray())
    if options["method"] in WITH_HISTORY and "cutoff" not in options:
        lengths = np.diff(X.indptr)
        assert_array_equal(np.diff(history.indptr) >= 1, lengths >= 1)
        assert_array_equal(np.diff(held_out.indptr) >= 1, lengths >= 2)


@pytest.mark.parametrize("options", BY_ROW, ids=str)
def test_a_row_is_split_alone(options):
    X, T = interactions(0)
    history, _ = split(X, T, **options)
    order = np.random.default_rng(0).permutation(X.shape[0])[:20]
    part, _ = split(X[order], T[order], **options)
    assert_array_equal(part.toarray(), history[order].toarray())


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_timestamps_are_split_like_ratings(options):
    X, T = interactions(0)
    for x_part, t_part in zip(split(X, T, **options), split(T, T, **options)):
        assert_array_equal(x_part.indptr, t_part.indptr)
        assert_array_equal(x_part.indices, t_part.indices)


def test_counts():
    X = np.ones((1, 10)) * np.arange(1, 11)
    for test_size, n in [(0.2, 2), (0.25, 3), (0.01, 1), (0.99, 9), (0.5, 5)]:
        assert split_interactions(X, test_size=test_size)[1].nnz == n
    for k in (1, 4, 9, 10, 99):
        assert split_interactions(X, method="leave_k_out", k=k)[1].nnz == min(k, 9)


def test_leave_k_out_takes_the_latest_if_it_can():
    X = np.array([[1, 2, 3, 4, 5, 0], [0, 9, 8, 7, 6, 5], [0, 0, 0, 4, 0, 0]])
    T = np.array([[1, 3, 2, 5, 4, 0], [0, 9, 8, 7, 6, 5], [0, 0, 0, 4, 0, 0]])
    _, held_out = split_interactions(X, method="leave_k_out", k=2, timestamps=T)
    assert_array_equal(
        held_out.toarray(), [[0, 0, 0, 4, 5, 0], [0, 9, 8, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    )


def test_temporal_takes_the_latest_share():
    X = np.array([[1, 2, 3, 4, 5, 0], [0, 6, 7, 8, 0, 0]])
    T = np.array([[1, 3, 2, 5, 4, 0], [0, 3, 2, 1, 0, 0]])
    _, held_out = split_interactions(X, method="temporal", test_size=0.4, timestamps=T)
    assert_array_equal(held_out.toarray(), [[0, 0, 0, 4, 5, 0], [0, 6, 0, 0, 0, 0]])


def test_cutoff_takes_everything_from_then_on():
    X = np.array([[1, 2, 3, 4, 5, 0], [0, 6, 7, 8, 9, 9], [0, 0, 0, 3, 0, 0]])
    T = np.array([[1, 3, 2, 5, 4, 0], [0, 9, 8, 7, 6, 5], [0, 0, 0, 3, 0, 0]])
    history, held_out = split_interactions(X, method="temporal", timestamps=T, cutoff=4)
    assert_array_equal(
        history.toarray(), [[1, 2, 3, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 3, 0, 0]]
    )
    assert_array_equal(
        held_out.toarray(), [[0, 0, 0, 4, 5, 0], [0, 6, 7, 8, 9, 9], [0, 0, 0, 0, 0, 0]]
    )


def test_given_n_gives_the_earliest_if_it_can():
    X = np.array([[1, 2, 3, 4, 5, 0], [0, 9, 8, 7, 6, 5], [0, 0, 0, 4, 0, 0]])
    T = np.array([[1, 3, 2, 5, 4, 0], [0, 9, 8, 7, 6, 5], [0, 0, 0, 4, 0, 0]])
    history, _ = split_interactions(X, method="given_n", n_given=2, timestamps=T)
    assert_array_equal(
        history.toarray(), [[1, 0, 3, 0, 0, 0], [0, 0, 0, 0, 6, 5], [0, 0, 0, 4, 0, 0]]
    )
    history, held_out = split_interactions(X, method="given_n", n_given=0, timestamps=T)
    assert history.nnz == 0
    assert_array_equal(held_out.toarray(), X)


def test_given_n_draws_without_times():
    X = np.ones((200, 12))
    history, _ = split_interactions(X, method="given_n", n_given=3, random_state=1)
    assert_array_equal(np.diff(history.indptr), 3)
    assert len(np.unique(history.indices)) > 1
    assert (history != split_interactions(X, method="given_n", n_given=3)[0]).nnz
    assert split_interactions(X, method="given_n")[0].nnz == 200 * 5


@pytest.mark.parametrize(("method", "axis"), [("users", 0), ("items", 1)])
def test_users_and_items_go_as_a_whole(method, axis):
    X, _ = interactions(0, 40, 30)
    history, held_out = split_interactions(X, method=method, test_size=0.3)
    known, hidden = (np.flatnonzero(pattern(M).any(axis=1 - axis)) for M in (history, held_out))
    assert not set(known) & set(hidden)
    assert len(hidden) == round(0.3 * X.shape[axis])
    other = split_interactions(X, method=method, test_size=0.3, random_state=1)[1]
    assert (held_out != other).nnz
    again = split_interactions(X, method=method, test_size=0.3)[1]
    assert_array_equal(held_out.toarray(), again.toarray())
    one = X[:1] if axis == 0 else X[:, :1]
    with pytest.raises(ValueError, match=f"1 {method[:-1]}: to hold out some"):
        split_interactions(one, method=method)


@pytest.mark.parametrize(
    "options", [{"method": "leave_k_out"}, {"method": "temporal"}, {"method": "given_n"}], ids=str
)
def test_of_equal_times_columns_do_not_decide(options):
    """What is hidden among equal times is as likely on the left as on the right."""
    X = sp.csr_array((np.random.default_rng(0).random((1000, 30)) < 0.3).astype(float))
    T = sp.csr_array(X * 7.0)
    _, held_out = split_interactions(X, timestamps=T, **options)
    error = np.sqrt((30**2 - 1) / 12 / held_out.nnz)
    assert abs(held_out.indices.mean() - 14.5) < 4 * error
    other = split_interactions(X, timestamps=T, random_state=1, **options)[1]
    assert (held_out != other).nnz > 0


def test_equal_times_are_behind_earlier_and_before_later_ones():
    X = np.ones((1, 6))
    T = np.array([[3.0, 1.0, 2.0, 2.0, 2.0, 1.0]])
    seconds = set()
    for seed in range(20):
        one, two, four = (
            split_interactions(X, method="leave_k_out", k=k, timestamps=T, random_state=seed)[1]
            for k in (1, 2, 4)
        )
        assert_array_equal(one.toarray(), [[1, 0, 0, 0, 0, 0]])
        assert two.nnz == 2
        assert two[0, 0] == 1
        seconds |= set(two.indices) - {0}
        assert_array_equal(four.toarray(), [[1, 0, 1, 1, 1, 0]])
    assert seconds == {2, 3, 4}


DAY = 86400.0


@pytest.mark.parametrize(
    "cutoff",
    [
        "1970-01-03",
        "1970-01-03T00:00:00Z",
        "1970-01-03 01:00+01:00",
        dt.datetime(1970, 1, 3),
        dt.date(1970, 1, 3),
        pd.Timestamp("1970-01-03"),
        pd.Timestamp("1970-01-03T09:00", tz="Asia/Tokyo"),
        np.datetime64("1970-01-03"),
        np.datetime64("1970-01-03T00:00:00", "ns"),
        2 * DAY,
        np.float32(2 * DAY),
    ],
    ids=str,
)
def test_a_cutoff_may_be_a_date(cutoff):
    X = np.ones((1, 4))
    T = np.array([[DAY, 2 * DAY, 3 * DAY, 2 * DAY - 1]])
    _, held_out = split_interactions(X, method="temporal", timestamps=T, cutoff=cutoff)
    assert_array_equal(held_out.toarray(), [[0, 1, 1, 0]])


@pytest.mark.parametrize(
    ("cutoff", "says"),
    [
        ("2024-01-01", r"is 1704067200 in seconds.*run from 1 to 4.*in another unit, a number"),
        (np.datetime64("2024-01-01"), "outside of the times"),
        ("01/02/2024", r"cutoff must be a number, a date, or text in ISO 8601.*got '01/02/2024'"),
        ("soon", "got 'soon'"),
        (np.nan, "got nan"),
        (pd.NaT, "got NaT"),
        (np.datetime64("NaT"), "got"),
    ],
)
def test_refuses_cutoffs_that_are_none(cutoff, says):
    T = np.array([[1, 2, 3, 4]])
    with pytest.raises(ValueError, match=says):
        split_interactions(T, method="temporal", timestamps=T, cutoff=cutoff)


def test_repeated_entries_have_no_time():
    """Their times would be added up."""
    where = ([0, 0, 0], [1, 1, 2])
    X = sp.coo_array(([1.0, 1.0, 1.0], where), shape=(1, 3))
    T = sp.coo_array(([100.0, 110.0, 150.0], where), shape=(1, 3))
    with pytest.raises(ValueError, match="repeat"):
        split_interactions(X, method="leave_k_out", timestamps=T)


def test_random_state():
    X, _ = interactions(0)
    first, again = split_interactions(X, random_state=1), split_interactions(X, random_state=1)
    other = split_interactions(X, random_state=2)
    assert_array_equal(first[1].toarray(), again[1].toarray())
    assert (first[1] != other[1]).nnz > 0
    drawn = split_interactions(X, random_state=np.random.RandomState(1))
    assert_array_equal(drawn[1].toarray(), first[1].toarray())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_dtype_and_input(dtype):
    X = interactions(0)[0].astype(dtype)
    before = X.copy()
    history, held_out = split_interactions(X)
    assert history.dtype == held_out.dtype == dtype
    assert history.indices.dtype == history.indptr.dtype == np.int32
    assert history.has_canonical_format
    assert held_out.has_canonical_format
    assert not np.shares_memory(history.data, X.data)
    assert (before != X).nnz == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "last"}, "'method' parameter"),
        ({"test_size": 0.0}, "'test_size' parameter"),
        ({"test_size": 2}, "'test_size' parameter"),
        ({"k": 0}, "'k' parameter"),
        ({"method": "temporal"}, "method='temporal' needs timestamps"),
        ({"cutoff": 3.0}, "cutoff has no effect on the protocol 'random'"),
        ({"timestamps": np.eye(3)}, "timestamps has no effect .*'random'.*test_size can be set"),
        ({"k": 1}, "k has no effect on the protocol 'random'"),
        ({"method": "leave_k_out", "test_size": 0.2}, "test_size has no effect"),
        ({"method": "temporal", "timestamps": np.eye(3), "k": 2}, "k has no effect"),
        (
            {"method": "temporal", "timestamps": np.eye(3), "cutoff": 1, "test_size": 0.3},
            "test_size has no effect on the protocol 'temporal with a cutoff'",
        ),
        ({"method": "temporal", "timestamps": np.ones((2, 3))}, "timestamps has shape"),
    ],
)
def test_refuses_wrong_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        split_interactions(np.eye(3), **options)
