"""Names are found by label, and what could be meant in two ways is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skattnrec._names import aligned, columns_of, labelled, labels_of, name_all, name_items

NAMES = np.array(["a", "b", "c"], dtype=object)


def test_labels_are_more_than_numbers():
    assert labels_of([[1, 2]], 1) is None
    assert labels_of(pd.DataFrame([[1, 2]]), 1) is None
    assert list(labels_of(pd.DataFrame([[1, 2]], columns=[1, 0]), 1)) == [1, 0]
    assert list(labels_of(pd.Series([1, 2], index=["x", "y"]), 0)) == ["x", "y"]
    frame = pd.DataFrame([[1, 2]], columns=["x", "y"], index=[7])
    assert_array_equal(labelled(np.array([1, 0]), frame, 1), ["y", "x"])
    assert_array_equal(labelled(np.array([0]), frame, 0), [7])
    assert_array_equal(labelled(np.array([1, 0]), np.eye(2), 1), [1, 0])


def test_tables_are_read_by_label():
    column = pd.Series([3, 1, 2, 9], index=["c", "a", "b", "sold out"])
    assert_array_equal(aligned(column, NAMES, "by"), [1, 2, 3])
    assert_array_equal(aligned(column.to_frame(), NAMES, "by"), [[1], [2], [3]])
    assert aligned([3, 1, 2], NAMES, "by") == [3, 1, 2]
    plain = pd.Series([3, 1, 2])  # its index says nothing
    assert aligned(plain, NAMES, "by") is plain
    assert aligned(None, None, "by") is None


def test_tables_that_do_not_fit_are_refused():
    column = pd.Series([3, 1, 2], index=["c", "a", "b"])
    with pytest.raises(ValueError, match=r"by has an index, from 'c' on, but X has no names"):
        aligned(column, None, "by")
    with pytest.raises(ValueError, match=r"'d' is not in it.*pass by.reset_index\(drop=True\)"):
        aligned(column, ["a", "d", "b"], "by")
    with pytest.raises(ValueError, match="a label is there twice"):
        aligned(pd.Series([1, 2, 3, 4], index=["a", "b", "c", "a"]), NAMES, "by")


def test_items_are_columns_or_names():
    assert columns_of([2, 0], NAMES) == [2, 0]
    assert_array_equal(columns_of(["c", "a"], NAMES), [2, 0])
    assert_array_equal(columns_of("b", NAMES), [1])
    numbered = np.arange(3).astype(object)
    assert columns_of([2, 0], numbered) == [2, 0]  # the same either way
    with pytest.raises(ValueError, match="'a' is there 2 times"):
        columns_of("a", np.array(["a", "b", "a"], dtype=object))
    with pytest.raises(ValueError, match=r"items=\[1\] may be columns or names"):
        columns_of([1], np.array([10, 1, 7], dtype=object))
    with pytest.raises(ValueError, match=r"items are names \('b'\)"):
        columns_of("b", None)


def test_names_of_items_are_read_by_the_columns():
    frame = pd.DataFrame([[1, 2]], columns=[20, 10])
    titles = pd.Series(["Dune", "Alien"], index=[10, 20])
    assert_array_equal(name_items(titles, frame, None), ["Alien", "Dune"])
    assert_array_equal(name_items(None, frame, None), [20, 10])
    assert name_items(None, [[1, 2]], None) is None
    assert name_all(None, 2, "item", "names") == ["item 0", "item 1"]
    with pytest.raises(ValueError, match="names holds 1 names for 2 weights"):
        name_all(["a"], 2, "item", "names", "weights")
