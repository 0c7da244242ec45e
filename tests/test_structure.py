"""Sparse matrices whose indices do not fit their shape are refused before compiled code runs."""

import re

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import PopularityRecommender, split_interactions
from skattnrec._structure import canonical_csr, check_structure, is_canonical
from skattnrec._validation import as_interactions, check_timestamps

X = sp.csr_array(np.array([[5.0, 0, 3], [0, 0, 0], [1, 2, 0]]))


def broken(kind, what):
    """A matrix of a kind, with one index changed."""
    A = X.asformat(kind).copy()
    if kind == "coo":
        row, col = A.row.copy(), A.col.copy()
        {"row": row, "column": col}[what[0]][-1] = what[1]
        A.coords = (row, col)
        return A
    if what[0] == "indices":
        A.indices[-1] = what[1]
    else:
        A.indptr[what[1]] = what[2]
    return A


BROKEN = [
    ("csr", ("indices", 3), "an entry at column 3 outside of [0, 2]"),
    ("csr", ("indices", -1), "an entry at column -1 outside of [0, 2]"),
    ("csr", ("indices", 2**31 - 1), "an entry at column 2147483647"),
    ("csc", ("indices", 3), "an entry at row 3 outside of [0, 2]"),
    ("csc", ("indices", -7), "an entry at row -7 outside of [0, 2]"),
    ("coo", ("column", 3), "an entry at column 3 outside of [0, 2]"),
    ("coo", ("row", 40), "an entry at row 40 outside of [0, 2]"),
    ("coo", ("row", -1), "an entry at row -1 outside of [0, 2]"),
    ("csr", ("indptr", 0, 1), "indptr must start with 0, not 1"),
    ("csr", ("indptr", 1, 3), "indptr falls after row 1"),
    ("csr", ("indptr", 3, 9), "indptr ends with 9, but only 4 entries are stored"),
    ("csc", ("indptr", 1, -2), "indptr falls after column 0"),
]


@pytest.mark.parametrize(("kind", "what", "message"), BROKEN)
def test_broken_matrices_are_refused_everywhere(kind, what, message):
    bad = broken(kind, what)
    model = PopularityRecommender().fit(X)
    entries = {
        "as_interactions": as_interactions,
        "fit": PopularityRecommender().fit,
        "predict": model.predict,
        "recommend": model.recommend,
        "score": model.score,
        "timestamps": lambda T: check_timestamps(T, X),
        "times of fit": lambda T: PopularityRecommender().fit(X, timestamps=T),
        "split": lambda A: split_interactions(A, random_state=0),
    }
    for entry in entries.values():
        with pytest.raises(ValueError, match=re.escape(message)):
            entry(bad)


def test_row_pointers_of_another_length():
    bad = X.copy()
    bad.indptr = bad.indptr[:-1]
    with pytest.raises(ValueError, match="indptr must hold 4 integers, one more than rows"):
        as_interactions(bad)


def test_indices_that_are_no_integers():
    bad = X.copy()
    bad.indices = bad.indices.astype(float)
    with pytest.raises(ValueError, match="column indices must be a list of integers, not float64"):
        as_interactions(bad)


def test_coo_of_unequal_lengths():
    bad = X.tocoo()
    bad.data = bad.data[:-1]
    with pytest.raises(ValueError, match="it has 4 rows, 4 columns and 3 values"):
        as_interactions(bad)


def test_other_formats_are_checked_once_converted():
    bad = X.tolil()
    bad.rows[0] = [0, 7]
    with pytest.raises(ValueError, match=r"an entry at column 7 outside of \[0, 2\]"):
        as_interactions(bad)


def test_dense_input_has_no_structure():
    check_structure(X.toarray(), "X")


# -- canonical form ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indptr", "indices", "expected"),
    [
        ([0, 2, 2, 4], [0, 2, 0, 1], True),
        ([0, 0, 0, 0], [], True),
        ([0, 0, 1, 1], [2], True),
        ([0, 2, 2, 4], [0, 0, 0, 1], False),
        ([0, 2, 2, 4], [2, 0, 0, 1], False),
        ([0, 2, 2, 4], [0, 2, 1, 0], False),
        ([0, 1, 2, 3], [2, 1, 0], True),
    ],
)
def test_is_canonical(indptr, indices, expected):
    assert is_canonical(np.array(indptr), np.array(indices, dtype=np.int32)) is expected


def test_what_scipy_remembers_is_not_trusted():
    """The order of entries was changed after SciPy had looked."""
    A = X.copy()
    assert A.has_canonical_format
    A.indices[:2], A.data[:2] = A.indices[:2][::-1].copy(), A.data[:2][::-1].copy()
    checked = canonical_csr(A)
    assert checked.indices.tolist() == X.indices.tolist()
    assert checked.data.tolist() == X.data.tolist()


def test_entries_beyond_the_last_row_are_left_out():
    A = X.copy()
    A.data, A.indices = np.append(A.data, [7, 8]), np.append(A.indices, [99, 0]).astype("i4")
    checked = as_interactions(A)
    assert checked.data.tolist() == X.data.tolist()
    assert len(checked.indices) == 4


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "dense"])
def test_read_only_arrays_are_used_as_they_are(kind):
    A = X.toarray() if kind == "dense" else X.asformat(kind)
    for part in ("data", "indices", "indptr", "row", "col"):
        if isinstance(getattr(A, part, None), np.ndarray):
            getattr(A, part).flags.writeable = False
    checked = as_interactions(A)
    assert checked.toarray().tolist() == X.toarray().tolist()
    if kind == "csr":
        assert checked is A


def test_memory_mapped_arrays_are_used_as_they_are(tmp_path):
    parts = []
    for name in ("data", "indices", "indptr"):
        np.save(tmp_path / f"{name}.npy", getattr(X, name))
        parts.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    A = sp.csr_array(tuple(parts), shape=X.shape)
    checked = as_interactions(A)
    assert all(
        np.shares_memory(getattr(checked, n), getattr(A, n)) for n in ("data", "indices", "indptr")
    )


def test_repeats_that_add_up_to_infinity_are_refused():
    A = sp.coo_array((np.array([3e38, 3e38], np.float32), ([0, 0], [1, 1])), shape=(1, 2))
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="X contains infinity"):
        as_interactions(A)
