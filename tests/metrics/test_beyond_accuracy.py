import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.metrics.pairwise import cosine_similarity

from skattnrec.metrics import coverage_at_k, diversity_at_k, novelty_at_k, rank_items


def test_coverage_counts_items_once():
    lists = np.array([[0, 1, 2], [1, 0, 3], [0, -1, -1]])
    assert coverage_at_k(lists, n_items=8, k=1) == 2 / 8
    assert coverage_at_k(lists, n_items=8, k=2) == 2 / 8
    assert coverage_at_k(lists, n_items=8, k=3) == 4 / 8


def test_novelty_is_self_information():
    X_train = np.zeros((8, 4))
    X_train[:, 0], X_train[:2, 1], X_train[:1, 2] = 1, 1, 1  # 0, 2, 3 bits; item 3: as one user
    lists = np.array([[0, 1], [1, 2], [3, -1], [-1, -1]])
    values = novelty_at_k(lists, X_train, k=2, average=False)
    assert_allclose(values, [1, 2.5, 3, np.nan])
    assert_allclose(novelty_at_k(lists, X_train, k=2), (1 + 2.5 + 3) / 3)


@pytest.mark.parametrize("sparse", [False, True])
def test_diversity_is_mean_dissimilarity_of_pairs(sparse):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 5))
    features[3] = 0  # cosine 0 to everything
    lists = rank_items(rng.random((30, 20)), k=6)
    lists[4, 3:] = -1
    cosine = cosine_similarity(features)
    expected = []
    for row in lists:
        row = row[row >= 0]
        upper = np.triu_indices(len(row), 1)
        expected.append(1 - cosine[np.ix_(row, row)][upper].mean())
    given = sp.csc_array(features) if sparse else features
    assert_allclose(diversity_at_k(lists, given, k=6, average=False), expected)
    assert_allclose(diversity_at_k(lists, given, k=6), np.mean(expected))


def test_diversity_of_one_item_is_undefined():
    values = diversity_at_k([[0, -1], [0, 1]], np.eye(3), k=2, average=False)
    assert_allclose(values, [np.nan, 1])
    with pytest.raises(ValueError, match="diversity@2 is undefined"):
        diversity_at_k([[0, -1]], np.eye(3), k=2)
    with pytest.raises(ValueError, match="novelty@1 is undefined"):
        novelty_at_k([[-1, -1]], np.eye(3), k=1)


def test_unknown_items_and_long_cutoffs_are_refused():
    with pytest.raises(ValueError, match="item columns"):
        coverage_at_k([[0, 5]], n_items=5, k=2)
    with pytest.raises(ValueError, match="k must be in"):
        coverage_at_k([[0, 4]], n_items=5, k=3)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_diversity_does_not_depend_on_the_unit_of_features(scale, dtype, form):
    features = np.array([[1.0, 0], [2, 1], [-1, 1], [0, 3]])
    lists = [[0, 1, 2], [1, 3, 2]]
    expected = diversity_at_k(lists, features, k=3, average=False)
    scaled = form((features * scale).astype(dtype))
    np.testing.assert_allclose(
        diversity_at_k(lists, scaled, k=3, average=False), expected, rtol=1e-5
    )
