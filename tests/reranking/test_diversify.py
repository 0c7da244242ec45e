"""Maximal marginal relevance: lists worked out by hand, and a dense reference."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skattnrec import ALSFactorizer, ItemItemCF
from skattnrec.checks._data import ratings
from skattnrec.metrics import diversity_at_k
from skattnrec.reranking import diversify


def reference(indices, scores, k, diversity, S, likeness):
    """The formula, one list and one item after the other."""
    count = {"sum": sum, "max": lambda values: max(values, default=0)}[likeness]
    lists = np.full((len(indices), k), -1)
    for row, (items, values) in enumerate(zip(indices, scores)):
        left = [place for place in range(len(items)) if items[place] >= 0]
        if not left:
            continue
        z = values[left]
        spread = z.std()
        z = (z - z.mean()) / spread if spread > 1e-9 else z * 0
        relevance = dict(zip(left, z))
        chosen = []
        while left and len(chosen) < k:
            value = {
                p: (1 - diversity) * relevance[p]
                - diversity * count([S[items[c], items[p]] for c in chosen])
                for p in left
            }
            best = max(left, key=lambda p: (value[p], -p))
            chosen.append(best)
            left.remove(best)
        lists[row, : len(chosen)] = items[chosen]
    return lists


def test_by_hand():
    """Scores 3, 2, 1 are 1.22, 0, -1.22 spreads; with d = .5 likeness 1 costs half a spread."""
    S = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    lists = [[0, 1, 2]], [[3.0, 2.0, 1.0]]
    # second place: item 1 has .5 * 0 - .5 * 1 = -.5, item 2 has .5 * -1.22 - 0 = -.61
    assert diversify(*lists, 3, diversity=0.5, item_similarity=S)[0].tolist() == [[0, 1, 2]]
    # with d = .6: .4 * 0 - .6 = -.6 and .4 * -1.22 = -.49
    indices, scores = diversify(*lists, 3, diversity=0.6, item_similarity=S)
    assert indices.tolist() == [[0, 2, 1]]
    assert scores.tolist() == [[3.0, 1.0, 2.0]]


def test_sum_and_maximum():
    """Item 2 is a little like both of the others, item 3 much like one of them."""
    S = np.array([[1, 0, 0.5, 0.6], [0, 1, 0.5, 0], [0.5, 0.5, 1, 0], [0.6, 0, 0, 1]])
    lists = [[0, 1, 2, 3]], [[9.0, 9.0, 1.0, 1.0]]
    third = [
        diversify(*lists, 3, diversity=0.5, likeness=how, item_similarity=S)[0][0, 2]
        for how in ("sum", "max")
    ]
    assert third == [3, 2]


@given(
    seed=st.integers(0, 2**32 - 1),
    diversity=st.floats(0, 1),
    k=st.integers(1, 9),
    how=st.sampled_from(["sum", "max"]),
)
@settings(max_examples=40, deadline=None)
def test_equals_the_formula(seed, diversity, k, how):
    rng = np.random.default_rng(seed)
    indices = np.argsort(rng.random((6, 12)), axis=1)[:, :7]
    scores = -np.sort(-rng.normal(size=indices.shape), axis=1)
    indices[1, 4:], scores[1, 4:] = -1, np.nan
    indices[2], scores[2] = -1, np.nan
    S = rng.random((12, 12)) * (rng.random((12, 12)) < 0.5)
    expected = reference(indices, scores, k, diversity, S, how)
    for likeness in (S, sp.csr_array(S), sp.coo_matrix(S)):
        found, values = diversify(
            indices, scores, k, diversity=diversity, likeness=how, item_similarity=likeness
        )
        assert np.array_equal(found, expected)
        assert np.array_equal(np.isnan(values), expected < 0)


def test_features_are_compared_by_cosine():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 4))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    indices = np.argsort(rng.random((30, 20)), axis=1)[:, :10]
    scores = -np.sort(-rng.normal(size=indices.shape), axis=1)
    expected = diversify(indices, scores, 5, item_similarity=unit @ unit.T)
    for given_features in (features, features * 1e200, sp.csr_array(features)):
        found = diversify(indices, scores, 5, item_features=given_features)
        assert np.array_equal(found[0], expected[0])


def test_extremes():
    rng = np.random.default_rng(0)
    indices = np.argsort(rng.random((50, 40)), axis=1)[:, :20]
    scores = -np.sort(-rng.normal(size=indices.shape), axis=1)
    features = rng.random((40, 3)) * (rng.random((40, 3)) < 0.6)
    none, some, all_of_it = (
        diversify(indices, scores, 5, diversity=d, item_features=features)[0] for d in (0, 0.4, 1)
    )
    assert np.array_equal(none, indices[:, :5])
    found = [diversity_at_k(lists, features, 5) for lists in (none, some, all_of_it)]
    assert found == sorted(found)
    assert np.array_equal(all_of_it[:, 0], indices[:, 0]), "the best one always comes first"


def test_unit_of_scores_does_not_matter():
    rng = np.random.default_rng(0)
    indices = np.argsort(rng.random((50, 40)), axis=1)[:, :20]
    scores = -np.sort(-rng.normal(size=indices.shape), axis=1)
    features = rng.random((40, 3))
    expected = diversify(indices, scores, 5, item_features=features)[0]
    for other in (scores * 1e300, scores * 1e-300 + 0, scores + 100, scores.astype(np.float32)):
        assert np.array_equal(diversify(indices, other, 5, item_features=features)[0], expected)


def test_equal_scores_leave_likeness_to_decide():
    S = np.eye(3)
    S[0, 1] = S[1, 0] = 0.9
    lists = diversify([[0, 1, 2]], [[4.0, 4.0, 4.0]], 3, diversity=0.1, item_similarity=S)[0]
    assert lists.tolist() == [[0, 2, 1]]


def test_row_of_the_chosen_item_is_read():
    S = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    for likeness in (S, sp.csr_array(S)):
        found = diversify([[0, 1, 2]], [[2.0, 1.0, 0.9]], 2, item_similarity=likeness)[0]
        assert found.tolist() == [[0, 2]]
        found = diversify([[0, 1, 2]], [[2.0, 1.0, 0.9]], 2, item_similarity=likeness.T)[0]
        assert found.tolist() == [[0, 1]]


def test_likeness_of_a_model():
    """The nearest neighbour has 1, and what is no neighbour 0, whatever the scale of the model."""
    X = ratings()
    model = ItemItemCF(n_neighbors=3).fit(X)
    neighbours, values = model.similar_items(np.arange(X.shape[1]), k=15)
    S = np.zeros((16, 16))
    for item in range(16):
        counted = values[item] > 0
        S[item, neighbours[item][counted]] = values[item][counted] / values[item, 0]
    S = np.maximum(S, S.T)
    lists = model.recommend(X, 8)
    expected = diversify(*lists, 5, diversity=0.6, item_similarity=S)
    found = diversify(*lists, 5, diversity=0.6, item_similarity=model)
    assert np.array_equal(found[0], expected[0])
    assert not np.array_equal(found[0], lists[0][:, :5])
    diversify(*lists, 5, item_similarity=ALSFactorizer(random_state=0).fit(X))


def test_lists_are_not_changed():
    indices, scores = np.array([[2, 0, -1]]), np.array([[2.0, 1.0, 7.0]])
    diversify(indices, scores, 2, item_similarity=np.eye(3))
    assert indices.tolist() == [[2, 0, -1]]
    assert scores.tolist() == [[2.0, 1.0, 7.0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"indices": [[0, 3]]}, "item columns in"),
        ({"indices": [[1, 1]]}, "twice"),
        ({"scores": [[1.0, np.nan]]}, r"finite where there is an item; at \[0, 1\], of item 1"),
        ({"scores": [[1.0]]}, "shape of the indices"),
        ({"diversity": 1.5}, "diversity"),
        ({"likeness": "mean"}, "likeness must be"),
        ({"diversity": np.nan}, "diversity"),
        ({"k": 0}, "k must be at least 1"),
        ({"item_similarity": None}, "Give one of item_similarity and item_features"),
        ({"item_features": np.eye(3)}, "not both"),
        ({"item_similarity": np.ones((3, 2))}, "a row and a column"),
        ({"item_similarity": np.full((3, 3), np.nan)}, "NaN"),
        ({"item_similarity": sp.csr_array(np.full((3, 3), np.inf))}, "NaN or infinite"),
        ({"item_similarity": None, "item_features": [[1, np.nan]] * 3}, "NaN"),
    ],
)
def test_errors(change, words):
    options = {
        "indices": [[0, 1]],
        "scores": [[2.0, 1.0]],
        "item_similarity": np.eye(3),
        **change,
    }
    with pytest.raises(ValueError, match=words):
        diversify(**options)
