"""No more than some items of a group."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skattnrec.reranking import LimitPerGroup, limit_per_group


def test_by_hand():
    groups = ["a", "a", "b", None, "a", None, "b"]
    lists = [[0, 1, 4, 2, 3, 6, 5], [6, 2, -1, -1, -1, -1, -1]], np.full((2, 7), 1.0)
    found, scores = limit_per_group(*lists, groups, k=5)
    assert found.tolist() == [[0, 2, 3, 5, -1], [6, -1, -1, -1, -1]]
    assert np.array_equal(np.isnan(scores), found < 0)
    found, _ = limit_per_group(*lists, groups, k=4, max_per_group=2)
    assert found.tolist() == [[0, 1, 2, 3], [6, 2, -1, -1]]


def test_items_of_several_groups():
    """An item is taken if none of its groups is full."""
    members = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 0]], bool)
    for groups in (members, sp.csr_array(members), sp.coo_matrix(members.astype(float) * 3)):
        found, _ = limit_per_group([[0, 1, 2, 3]], [[4.0, 3.0, 2.0, 1.0]], groups, k=4)
        assert found.tolist() == [[0, 2, -1, -1]]


@given(seed=st.integers(0, 2**32 - 1), most=st.integers(1, 3), k=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_limit_is_kept_and_nothing_better_is_left_out(seed, most, k):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 15)
    indices = np.argsort(rng.random((5, 15)), axis=1)[:, :10]
    scores = -np.sort(-rng.normal(size=indices.shape), axis=1)
    found, values = limit_per_group(indices, scores, labels, k, max_per_group=most)
    for row in range(5):
        counts, expected = dict.fromkeys(range(4), 0), []
        for item in indices[row]:
            if counts[labels[item]] < most and len(expected) < k:
                counts[labels[item]] += 1
                expected.append(item)
        assert found[row][found[row] >= 0].tolist() == expected
        place = [list(indices[row]).index(item) for item in expected]
        assert values[row][: len(expected)].tolist() == scores[row, place].tolist()


def test_rule_defers_page_by_page():
    """What is over the limit comes later, again no more than that of a group at a time."""
    groups = ["a", "a", "a", "b", "b", "b"]
    rule = LimitPerGroup(groups).fit(sp.csr_array((1, 6)), None)
    indices = np.array([[0, 1, 2, 3, 4, 5], [5, 2, 1, 0, -1, -1]])
    found = rule.reorder(indices, np.zeros((2, 6)), None)
    assert found.tolist() == [[0, 3, 1, 4, 2, 5], [5, 2, 1, 0, -1, -1]]


def test_labels_of_any_kind():
    lists = [[0, 1, 2]], [[3.0, 2.0, 1.0]]
    for labels in ([7, 7, 8], ["x", "x", "y"], [0.5, 0.5, 1.0], np.array([None, "x", "y"], object)):
        found, _ = limit_per_group(*lists, labels, k=3)
        assert len(found[0][found[0] >= 0]) == (3 if labels[0] is None else 2)
    free, _ = limit_per_group(*lists, [np.nan, np.nan, np.nan], k=3)
    assert free.tolist() == [[0, 1, 2]], "items without label are not limited"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"max_per_group": 0}, ValueError, "at least 1"),
        ({"max_per_group": 1.5}, TypeError, "integer"),
        ({"groups": ["a"]}, ValueError, "item columns in"),
        ({"groups": np.ones((2, 2))}, ValueError, "one label for every item"),
        ({"groups": []}, ValueError, "one label for every item"),
        ({"k": 0}, ValueError, "k must be"),
    ],
)
def test_errors(change, error, words):
    options = {"indices": [[0, 1]], "scores": [[2.0, 1.0]], "groups": ["a", "b"], **change}
    with pytest.raises(error, match=words):
        limit_per_group(**options)
