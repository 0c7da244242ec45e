"""``counterfactual``: every answer holds, and on short histories it is that of all subsets."""

import os
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import (
    AttentionRecommender,
    ItemItemCF,
    MultiHeadAttentionRecommender,
    PopularityRecommender,
    recommend,
)
from skattnrec.checks import all_modes
from skattnrec.datasets import make_interactions
from skattnrec.inspection import counterfactual
from skattnrec.inspection._smallest import greedy_order, least_sizes, smallest_set

DATA = make_interactions(80, 30, n_interactions=500, min_interactions=3, random_state=0)
X, TIMES = DATA.X, DATA.timestamps
SHORT = np.flatnonzero(np.isin(np.diff(X.indptr), [6, 7]))[:2]
LONG = make_interactions(300, 150, n_interactions=12_000, random_state=1).X


def without(history, entries):
    kept = np.ones(history.nnz, bool)
    kept[list(entries)] = False
    parts = history.data[kept], history.indices[kept], [0, kept.sum()]
    return sp.csr_array(parts, shape=history.shape)


def all_subsets(model, history, times, item, k):
    """Size of the smallest set that will do, by trying all."""
    unseen = np.setdiff1d(np.arange(history.shape[1]), history.indices)
    asked = {"items": unseen}
    listed = item in model.recommend(history, k, timestamps=times, **asked)[0]
    for size in range(1, history.nnz + 1):
        for entries in combinations(range(history.nnz), size):
            fewer, when = without(history, entries), without(times, entries)
            if (item in model.recommend(fewer, k, timestamps=when, **asked)[0]) != listed:
                return size
    return None


@pytest.mark.parametrize("mode", all_modes(), ids=str)
def test_law_short_histories_have_the_answer_of_all_subsets(mode):
    model = clone(mode).fit(X, timestamps=TIMES)
    if model._entries_add_up():  # exact, and cheap
        asked = [(row, place) for row in SHORT for place in range(7)]
    else:
        asked = [(SHORT[0], 0), (SHORT[1], 3), (SHORT[0], 6)]
    for row, place in asked:
        history, times = X[[row]], TIMES[[row]]
        item = model.recommend(history, 7, timestamps=times)[0][0, place]
        found = counterfactual(model, history, item, k=4, timestamps=times)
        expected = all_subsets(model, history, times, item, 4)
        assert found.is_listed == (place < 4)
        assert found.is_minimal
        assert (None if found.entries is None else len(found.entries)) == expected
        assert found.lower_bound == (history.nnz + 1 if expected is None else expected)
        assert found.to_frame()["removed"].sum() == (expected or 0)


@pytest.mark.parametrize("mode", all_modes(), ids=str)
def test_law_models_that_say_so_add_up(mode):
    """Without some entries the lead over a rival is what is left of it, times a factor."""
    model = clone(mode).fit(X, timestamps=TIMES)
    if not model._entries_add_up():
        return
    rng = np.random.default_rng(0)
    for row in SHORT:
        history, times = X[[row]], TIMES[[row]]
        parts = model.explain(history, np.arange(30), timestamps=times)
        gone = rng.choice(history.nnz, 3, replace=False)
        fewer = without(history, gone)
        scores = model.predict(fewer, timestamps=without(times, gone))[0]
        left = parts.baseline + parts.contributions[:, np.isin(parts.sources, fewer.indices)].sum(1)
        largest = np.abs(left).argmax()
        assert_allclose(scores, left * (scores[largest] / left[largest]), atol=1e-5)


@pytest.mark.parametrize(
    "model", [ItemItemCF(), AttentionRecommender(), MultiHeadAttentionRecommender()], ids=str
)
def test_answers_hold(model):
    model.fit(LONG[:250])
    n_minimal = 0
    for row in range(250, 253):
        history = LONG[[row]]
        listed = model.recommend(history, 12)[0][0]
        unseen = np.setdiff1d(np.arange(150), history.indices)
        for item in listed[[0, 4, 9, 11]]:
            found = counterfactual(model, history, item, budget=200)
            assert found.is_listed == (item in listed[:10])
            assert_array_equal(found.before, listed[:10])
            entries = np.flatnonzero(np.isin(history.indices, found.entries))
            after = model.recommend(without(history, entries), 10, items=unseen)[0][0]
            assert_array_equal(found.after, after)
            assert (item in after) != found.is_listed
            assert found.lower_bound <= len(found.entries)
            assert found.is_minimal == (found.lower_bound == len(found.entries))
            n_minimal += found.is_minimal
    assert n_minimal == 12 or isinstance(model, MultiHeadAttentionRecommender)
    assert n_minimal >= 3


def test_a_budget_is_told():
    model = MultiHeadAttentionRecommender().fit(LONG[:250])
    history = LONG[[250]]
    item = model.recommend(history, 1)[0][0, 0]
    hasty, patient = (counterfactual(model, history, item, budget=b) for b in (1, 3000))
    assert not hasty.is_minimal
    assert hasty.lower_bound == 2  # every single entry was tried
    assert len(patient.entries) <= len(hasty.entries)
    assert patient.lower_bound > 2


class Sum(BaseEstimator):
    """Item 4 is worth the sum of items 0 to 2, item 5 is worth 3; and 3 what it is rated."""

    def predict(self, X):
        X = np.asarray(sp.csr_array(X).toarray(), float)
        scores = np.zeros(X.shape)
        scores[:, 4] = X[:, :3].sum(axis=1)
        scores[:, 5] = 3
        return scores


def test_entries_and_ratings_by_hand():
    history = [[2.0, 1, 3, 5, 0, 0]]
    found = counterfactual(Sum(), history, 4, k=1, ratings=[1, 2, 4, 5])
    assert_array_equal(found.entries, [0, 2])
    assert found.is_minimal
    assert_array_equal(found.after, [5])
    assert found.ratings == {}  # 1 + 1 + 3 is more than 3
    assert repr(found) == "<Counterfactual: Without item 0 and item 2, item 4 would not be shown>"
    few = counterfactual(Sum(), [[2.0, 0, 3, 5, 0, 0]], 4, k=1, ratings=[0.5, 1, 2, 5])
    assert_array_equal(few.entries, [2])
    assert few.ratings == {2: 0.5}  # at 1, both have 3, and the lower column comes first
    table = few.to_frame()
    assert table.columns.tolist() == ["source", "rating", "removed", "needed"]
    assert table.to_numpy().tolist() == [["item 2", 3.0, True, 0.5]]
    enters = counterfactual(Sum(), [[2.0, 0, 0, 1, 0, 0]], 4, k=1, ratings=[1, 2, 3, 4, 5])
    assert enters.entries is None
    assert enters.is_minimal
    assert enters.ratings == {0: 3.0}
    without = "without which item 4 would be shown"
    assert enters.to_text() == f"There is no part of the history {without}"
    unsure = replace(enters, is_minimal=False)
    assert unsure.to_text() == f"No part of the history was found {without}"


def test_what_a_list_does_not_depend_on():
    model = PopularityRecommender().fit(X)
    history = X[[SHORT[0]]]
    item = model.recommend(history, 1)[0][0, 0]
    found = counterfactual(model, history, item)
    assert found.entries is None
    assert found.is_minimal
    few = counterfactual(ItemItemCF().fit(X), history, item, k=30)
    assert few.entries is None  # all candidates are listed


def test_pipelines_searches_and_names():
    films = [f"film {number}" for number in range(30)]
    frame = pd.DataFrame(X.toarray().astype(float), columns=films)
    inner = make_pipeline(MaxAbsScaler(), ItemItemCF())
    for model in (inner, GridSearchCV(inner, {"itemitemcf__n_neighbors": [20]}, cv=2)):
        model.fit(frame)
        history = frame.iloc[[int(SHORT[0])]]
        item = recommend(model, history, 1)[0][0, 0]
        found = counterfactual(model, history, films[item], k=2)
        fewer = history.copy()
        fewer.iloc[0, found.entries] = 0
        unseen = np.flatnonzero(history.to_numpy()[0] == 0)
        assert item not in recommend(model, fewer, 2, items=unseen)[0]
        assert found.to_text().startswith("Without film ")
    long = found.to_text(1)
    assert long.count("film") <= 3
    with pytest.raises(ValueError, match="max_sources must be at least 1"):
        found.to_text(0)


def test_errors():
    model = ItemItemCF().fit(X)
    history = X[[0]]
    with pytest.raises(ValueError, match="The history is empty"):
        counterfactual(model, np.zeros((1, 30)), 3)
    with pytest.raises(ValueError, match="never listed, as it is in the history"):
        counterfactual(model, history, history.indices[0])
    item = model.recommend(history, 1)[0][0, 0]
    hidden = np.arange(30)[None] == item
    with pytest.raises(ValueError, match="as it is excluded"):
        counterfactual(model, history, item, exclude=hidden)
    with pytest.raises(ValueError, match="as it is not a candidate"):
        counterfactual(model, history, item, items=[item - 1 if item else 1])
    with pytest.raises(ValueError, match="ratings must be a list of finite numbers"):
        counterfactual(model, history, item, ratings=[1, np.nan])
    with pytest.raises(ValueError, match="'budget' parameter"):
        counterfactual(model, history, item, budget=0)


# -- the search itself ------------------------------------------------------------------------


def brute(lead, gains, needed):
    n = gains.shape[1]
    for size in range(n):
        for entries in combinations(range(n), size):
            if (lead + gains[:, list(entries)].sum(axis=1) > 0).sum() >= needed:
                return size
    return None


@pytest.mark.parametrize("seed", range(20))
def test_smallest_sets_are_those_of_all_subsets(seed):
    rng = np.random.default_rng(seed)
    n_rivals, n_entries, needed = rng.integers(3, 12), rng.integers(2, 9), 3
    gains = rng.normal(size=(n_rivals, n_entries))
    lead = -rng.exponential(size=n_rivals)
    expected = brute(lead, gains, needed)
    found = smallest_set(lead, gains, needed, n_entries - 1, [], 10_000)
    assert found.is_exhausted
    assert (None if found.entries is None else len(found.entries)) == expected
    sizes = least_sizes(lead, gains)
    for rival in range(n_rivals):
        alone = brute(lead[[rival]], gains[[rival]], 1)
        assert (sizes[rival] == alone) or (alone is None and sizes[rival] >= n_entries)
    order = greedy_order(lead, gains, needed)
    assert_array_equal(np.sort(order), np.arange(n_entries))
    if found.entries is not None:  # a set that failed is not found again
        other = smallest_set(lead, gains, needed, n_entries - 1, [found.entries], 10_000)
        assert other.entries is None or not np.array_equal(other.entries, found.entries)


# -- real data, where they are ----------------------------------------------------------------


@pytest.mark.skipif("SKATTNREC_DATA" not in os.environ, reason="needs SKATTNREC_DATA")
@pytest.mark.parametrize("model", [ItemItemCF(), AttentionRecommender()], ids=str)
def test_movielens_users(model):
    """Counterfactuals of 100 users of MovieLens 1M, drawn at random, are verified by deletion."""
    path = os.path.join(os.environ["SKATTNREC_DATA"], "ml-1m.npz")
    if not os.path.exists(path):
        pytest.skip("no ml-1m.npz")
    with np.load(path) as data:
        users, items = (np.unique(data[name], return_inverse=True)[1] for name in ("user", "item"))
        ratings = sp.csr_array(sp.coo_array((data["rating"].astype(np.float32), (users, items))))
    drawn = np.random.default_rng(0).permutation(ratings.shape[0])
    model.fit(ratings[drawn[100:]])
    for user in drawn[:100]:
        history = ratings[[user]]
        item = model.recommend(history, 10)[0][0, 4]
        found = counterfactual(model, history, item)
        entries = np.flatnonzero(np.isin(history.indices, found.entries))
        unseen = np.setdiff1d(np.arange(history.shape[1]), history.indices)
        assert item not in model.recommend(without(history, entries), 10, items=unseen)[0]
