"""Deletion curves and stability: laws of models whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator

from skattnrec import AttentionRecommender, ItemItemCF, UserUserCF
from skattnrec.datasets import make_interactions
from skattnrec.inspection import (
    FaithfulnessDisplay,
    deletion_curve,
    faithfulness,
    insertion_curve,
    stability,
)
from skattnrec.inspection._stability import _overlap, _rank_correlation

X = make_interactions(120, 60, n_interactions=2400, min_interactions=6, random_state=0).X


class Sum(BaseEstimator):
    """The last item is worth the sum of the ratings."""

    def predict(self, X):
        scores = np.zeros(X.shape)
        scores[:, -1] = np.asarray(X.sum(axis=1)).ravel()
        return scores


def test_deletions_by_hand():
    X = np.array([[8.0, 1, 4, 2, 1, 0], [5, 0, 0, 0, 0, 0]])
    curve = deletion_curve(Sum(), X, max_fraction=0.8, n_steps=4)
    assert_array_equal(curve.users, [0])  # a lone entry cannot be deleted
    assert_array_equal(curve.item, [5])
    assert_allclose(curve.fractions, [0, 0.2, 0.4, 0.6, 0.8])
    assert_array_equal(curve.scores, [[16, 8, 4, 2, 1]])
    drops = np.array([0, 8, 12, 14, 15]) / 16
    assert_allclose(curve.drops, [drops])
    assert_allclose(curve.area, [(drops[1:] + drops[:-1]).mean() / 2])


def test_least_first_and_insertions_by_hand():
    X = np.array([[8.0, 1, 4, 2, 1, 0]])
    least = deletion_curve(Sum(), X, first="least", max_fraction=0.8, n_steps=4)
    assert_array_equal(least.scores, [[16, 15, 14, 12, 8]])
    assert_array_equal(least.ranks, 1)
    inserted = insertion_curve(Sum(), X, n_steps=5)
    assert_array_equal(inserted.scores, [[np.nan, 8, 12, 14, 15, 16]])
    shares = np.array([0, 8, 12, 14, 15, 16]) / 16
    assert_allclose(inserted.shares, [shares])
    assert_allclose(inserted.area, [(shares[1:] + shares[:-1]).mean() / 2])
    assert_array_equal(inserted.ranks, [[0, 1, 1, 1, 1, 1]])


class Race(BaseEstimator):
    """Items 3 and 4 are worth what item 0 is rated, and 2; item 5 is worth nothing."""

    def predict(self, X):
        X = np.asarray(X.toarray(), float)
        return np.column_stack([X[:, :3] * 0, X[:, 0], np.full(len(X), 2.0), X[:, 0] * 0])


def test_measures_by_hand():
    X = np.array([[5.0, 2, 1, 0, 0, 0], [5, 2, 1, 0, 0, 0]])
    first = np.zeros((6, 6))
    first[0, 3], first[1, 3] = 2, 1  # item 0 matters most for item 3, then item 1
    table = faithfulness(Race(), X, orders={"truth": first}, k=1, n_steps=3, n_repeats=1)
    truth = table.loc["truth"]
    assert table.index.tolist() == ["truth", "random"]
    # what is left of the score after 1, 2 and 2 of 3 entries went; one always stays
    assert truth["del"] == 0
    assert truth["ins"] == 1
    assert truth["pos@1"] == 0
    assert truth["neg@1"] == 1
    assert truth["cndcg"] == pytest.approx(1 / np.log2(3))  # second place
    assert truth["area"] == pytest.approx(5 / 6)
    curves = table.attrs["curves"]
    assert_allclose(curves["pos@1"]["truth"], [1, 0, 0, 0])
    assert_allclose(curves["cndcg"]["truth"], [1] + [1 / np.log2(3)] * 3)
    assert_allclose(table.attrs["fractions"], [0, 1 / 3, 2 / 3, 1])
    sparse = faithfulness(Race(), X, orders={"truth": sp.coo_array(first)}, k=1, n_steps=3)
    assert_allclose(sparse.loc["truth"].drop(["ratio"]), truth.drop("ratio"))


def test_ranks_are_those_of_lists():
    model = ItemItemCF().fit(X)
    curve = deletion_curve(model, X[:20], n_steps=2, max_fraction=0.5)
    assert_array_equal(curve.ranks[:, 0], 1)
    listed = model.recommend(X[:20], 60)[0]
    third = deletion_curve(model, X[:20], listed[:, 2], n_steps=1)
    assert_array_equal(third.ranks[:, 0], 3)


def test_display_draws_a_line_for_each_order():
    model = AttentionRecommender(regularization=20).fit(X)
    display = FaithfulnessDisplay.from_estimator(model, X[:20], n_repeats=1, n_steps=4)
    assert list(display.lines_) == ["del", "ins", "pos@10", "neg@10"]
    assert [line.get_label() for line in display.lines_["ins"]] == display.table.index.tolist()
    drawn = display.lines_["del"][0].get_ydata()
    assert_array_equal(drawn, display.table.attrs["curves"]["del"]["contribution"])
    assert list(display.plot(measures=["cndcg"]).lines_) == ["cndcg"]
    with pytest.raises(ValueError, match="measures must be among"):
        display.plot(measures=["ndcg"])
    with pytest.raises(ValueError, match="table has no curves"):
        FaithfulnessDisplay(pd.DataFrame({"area": [1.0]}))


def test_no_order_beats_contributions_where_scores_are_sums():
    model = ItemItemCF().fit(X)
    best = deletion_curve(model, X[:30]).drops
    for seed in range(3):
        other = deletion_curve(model, X[:30], order="random", random_state=seed)
        assert (best >= other.drops - 1e-6).all()
        assert (np.diff(best, axis=1) >= -1e-9).all()


def test_given_items_are_followed():
    model = ItemItemCF().fit(X)
    items = np.arange(30)
    curve = deletion_curve(model, X[:30], items)
    assert_array_equal(curve.item, items)
    assert_allclose(curve.scores[:, 0], model.predict(X[:30])[items, items])


def test_attention_order_deletes_the_loudest():
    model = AttentionRecommender(0.5).fit(X)
    one = deletion_curve(model, X[[0]], [3], order="attention", max_fraction=0.01, n_steps=1)
    history = X[[0]].toarray()
    loudest = np.flatnonzero(history[0] == history.max())
    after = []
    for entry in loudest:  # the one that goes is drawn among equals
        fewer = history.copy()
        fewer[0, entry] = 0
        after.append(model.predict(fewer)[0, 3])
    assert np.isclose(after, one.scores[0, 1], rtol=1e-5).any()


def test_random_order_depends_on_the_seed_only():
    model = ItemItemCF().fit(X)
    a, b, c = (
        deletion_curve(model, X[:9], order="random", random_state=s).scores for s in (1, 1, 2)
    )
    assert_array_equal(a, b)
    assert (a != c).any()


def test_faithfulness_compares_orders():
    model = AttentionRecommender(regularization=20).fit(X)
    table = faithfulness(model, X[:40], n_repeats=2, max_fraction=0.2)
    assert table.index.tolist() == ["contribution", "attention", "random"]
    assert (table["low"] < table["area"]).all()
    assert table.loc["random", "ratio"] == 1
    assert table.loc["contribution", "ratio"] > 2
    assert table.loc["contribution", "area"] > table.loc["attention", "area"]
    contribution = deletion_curve(model, X[:40], max_fraction=0.2)
    assert table.loc["contribution", "area"] == pytest.approx(contribution.area.mean(), rel=1e-3)
    curves = table.attrs["curves"]
    assert_allclose(curves["del"]["contribution"], 1 - contribution.drops.mean(axis=0), rtol=1e-3)
    assert_allclose(table.attrs["fractions"], contribution.fractions)


@pytest.mark.parametrize("model", [ItemItemCF(), UserUserCF(10)])
def test_models_without_attention_have_two_orders(model):
    table = faithfulness(model.fit(X), X[:10], n_repeats=1, n_steps=2)
    assert table.index.tolist() == ["contribution", "random"]
    assert table.loc["contribution", "ratio"] > 1


def test_timestamps_follow_their_entries():
    class Times(BaseEstimator):
        def predict(self, X, *, timestamps):
            assert_array_equal(timestamps.indices, X.indices)
            assert_array_equal(timestamps.data, 10 + X.data)
            return np.ones(X.shape)

    known = sp.csr_array([[1.0, 2, 3, 4], [4, 3, 2, 0]])
    stamped = sp.csr_array((known.data + 10, known.indices, known.indptr), shape=known.shape)
    curve = deletion_curve(Times(), known, [3, 3], timestamps=stamped)
    assert_array_equal(curve.drops, 0)


def test_frames_keep_their_names():
    frame = pd.DataFrame(X[:40].toarray().astype(float), columns=[f"film {j}" for j in range(60)])
    model = AttentionRecommender().fit(frame)
    table = faithfulness(model, frame[:6], n_repeats=1, n_steps=2)
    plain = AttentionRecommender().fit(frame.to_numpy())
    expected = faithfulness(plain, X[:6], n_repeats=1, n_steps=2)
    assert_allclose(table.loc["contribution"], expected.loc["contribution"], rtol=1e-3)
    assert stability(model, frame[:3], n_repeats=1).shape == (3, 3)


def test_stability_of_a_sum_is_perfect():
    model = ItemItemCF().fit(X)
    table = stability(model, X[:20], n_repeats=2)
    assert_array_equal(table.index, np.arange(20))
    assert_allclose(table[["correlation", "overlap"]], 1)
    history = X[[4]]
    unseen = np.where(history.toarray()[0] > 0, -np.inf, model.predict(history)[0])
    assert table.loc[4, "item"] == unseen.argmax()


def test_stability_of_attention():
    model = AttentionRecommender(1.0).fit(X)
    table = stability(model, X[:10], of="attention", n_repeats=2, fraction=0.3)
    assert_allclose(table["correlation"], 1)  # ratings alone decide, whoever else is there


def test_unstable_explanations_are_told():
    noisy = stability(UserUserCF(3).fit(X), X[:20], n_repeats=2, fraction=0.4)
    assert noisy["correlation"].mean() < 0.9


def test_rank_correlation_by_hand():
    assert _rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 40])) == pytest.approx(1)
    assert _rank_correlation(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1)
    assert _rank_correlation(np.ones(3), np.zeros(3)) == 1
    assert np.isnan(_rank_correlation(np.ones(3), np.arange(3)))
    assert _overlap(np.array([4, 3, 2, 1]), np.array([4, 1, 2, 3]), 2) == 0.5


def test_errors():
    model = ItemItemCF().fit(X)
    with pytest.raises(ValueError, match="no history has 2 entries"):
        deletion_curve(model, np.eye(60))
    with pytest.raises(ValueError, match="no history has 3 entries"):
        stability(model, np.eye(60))
    with pytest.raises(ValueError, match="rows and items must make pairs, got 5 and 2"):
        deletion_curve(model, X[:5], [1, 2])
    with pytest.raises(ValueError, match="rows and items must make pairs, got 5 and 2"):
        stability(model, X[:5], [1, 2])
    with pytest.raises(ValueError, match="'order' parameter"):
        deletion_curve(model, X[:5], order="alphabet")
    with pytest.raises(ValueError, match="a row and a column for each of the 60 items"):
        deletion_curve(model, X[:5], order=np.eye(3))
    with pytest.raises(ValueError, match="order must be finite"):
        deletion_curve(model, X[:5], order=np.full((60, 60), np.nan))
    with pytest.raises(ValueError, match="orders must be among"):
        faithfulness(model, X[:5], orders=["alphabet"])
    with pytest.raises(ValueError, match="is taken by random orders"):
        faithfulness(model, X[:5], orders={"random": np.eye(60)})
    with pytest.raises(TypeError, match="has no attention weights"):
        deletion_curve(model, X[:5], order="attention")
    with pytest.raises(ValueError, match="'max_fraction' parameter"):
        faithfulness(model, X[:5], max_fraction=2)
    everything = np.ones((1, 60))
    with pytest.raises(ValueError, match="A history holds all items: name the items to follow"):
        deletion_curve(model, everything)
    assert deletion_curve(model, everything, [3]).item == [3]
