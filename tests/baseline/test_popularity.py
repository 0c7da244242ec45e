import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec.baseline import PopularityRecommender

X = np.array([[5.0, 3, 0, 0], [4, 0, 0, 0], [0, 2, 1, 0]])


@pytest.mark.parametrize(("by", "scores"), [("count", [2, 2, 1, 0]), ("sum", [9, 5, 1, 0])])
def test_scores_are_counts_or_sums(by, scores):
    model = PopularityRecommender(popularity=by).fit(X)
    assert model.prior_.tolist() == scores
    assert model.predict(np.eye(4)).tolist() == [scores] * 4


def test_stored_zeros_count_as_known():
    stored = sp.csr_array((np.array([0.0, 2.0]), ([0, 1], [1, 1])), shape=(2, 3))
    assert PopularityRecommender().fit(stored).prior_.tolist() == [0, 2, 0]
    assert PopularityRecommender(popularity="sum").fit(stored).prior_.tolist() == [0, 2, 0]


def test_recommends_popular_unseen_items_ties_to_the_lower_index():
    indices, scores = PopularityRecommender().fit(X).recommend([[1, 0, 0, 0], [0] * 4], k=3)
    assert indices.tolist() == [[1, 2, 3], [0, 1, 2]]
    assert scores.tolist() == [[2, 1, 0], [2, 2, 1]]


def test_whole_score_is_baseline():
    parts = PopularityRecommender(popularity="sum").fit(X).explain([[0, 0, 1, 0]], [1, 0])
    assert parts.baseline.tolist() == parts.scores.tolist() == [5, 9]
    assert parts.contributions.shape == (2, 0)


def test_similar_items_are_popular_ones():
    indices, scores = PopularityRecommender().fit(X).similar_items([0, 2], k=2)
    assert indices.tolist() == [[1, 2], [0, 1]]
    assert scores.tolist() == [[2, 1], [2, 2]]


def test_unknown_way_to_count():
    with pytest.raises(
        ValueError, match="The 'popularity' parameter of PopularityRecommender must be"
    ):
        PopularityRecommender(popularity="mean").fit(X)
