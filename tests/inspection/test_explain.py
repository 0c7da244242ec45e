"""``explain``: names, tables and sentences; exact where models are, honest where they are not."""

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
    SequentialAttentionRecommender,
    UserUserCF,
)
from skattnrec.checks import all_modes
from skattnrec.datasets import make_interactions
from skattnrec.inspection import explain
from skattnrec.inspection._histories import Histories

DATA = make_interactions(80, 20, n_interactions=640, min_interactions=3, random_state=0)
X, TIMES = DATA.X, DATA.timestamps
NAMES = [f"film {letter}" for letter in "abcdefghijklmnopqrst"]
FRAME = pd.DataFrame(X.toarray().astype(float), columns=NAMES)


class Product(BaseEstimator):
    """Scores no sum can split: the product of the ratings, for every item."""

    def predict(self, X):
        X = sp.csr_array(X)
        products = [np.prod(X.data[a:b]) for a, b in zip(X.indptr, X.indptr[1:])]
        return np.repeat(np.array(products)[:, None], X.shape[1], axis=1)


class Silent(PopularityRecommender):
    def explain(self, X, items=None, *, timestamps=None):
        raise NotImplementedError("no words")


# the first mode of each class
FIRST = {type(mode).__name__: mode for mode in reversed(all_modes())}


@pytest.mark.parametrize("name", FIRST)
def test_every_recommender_is_split_exactly(name):
    model = clone(FIRST[name]).fit(X, timestamps=TIMES)
    parts = explain(model, X[[3]], item_names=NAMES, timestamps=TIMES[[3]])
    assert_array_equal(parts.remainder, 0)
    table = parts.to_frame()
    assert "remainder" not in set(table["kind"])
    totals = table.groupby("item")["contribution"].sum()
    assert_allclose(totals[parts.item_labels], parts.scores, rtol=1e-4)
    assert_allclose(table["share"].abs().groupby(table["item"]).sum(), 1, rtol=1e-6)
    factored = table["weight"].notna() & table["value"].notna()
    product = (table["weight"] * table["value"])[factored]
    assert_allclose(product, table["contribution"][factored], rtol=1e-4, atol=1e-9)
    assert len(parts.to_text()) == len(parts.items)


def test_item_neighbours_by_hand():
    model = ItemItemCF(shrinkage=0, weighting="uniform").fit(X)
    parts = explain(model, X[[0]], "film c", item_names=NAMES)
    history = X[[0]].indices
    similarity = model.similarity_[[2]].toarray()[0, history]
    assert_allclose(parts.weights[0], similarity)
    said = parts.values[0].round(4)  # grows with the rating, and depends on nothing else
    assert_allclose(parts.contributions[0].sum(), parts.scores[0], rtol=1e-5)
    for low, high in zip(*np.triu_indices(len(said), 1)):
        if np.isfinite(said[[low, high]]).all():
            order = np.sign(X[[0]].data[low] - X[[0]].data[high])
            assert np.sign(said[low] - said[high]) == pytest.approx(order)
    assert_array_equal(parts.ratings, X[[0]].data)
    row = parts.to_frame().iloc[0]
    loudest = np.argmax(parts.contributions[0])
    assert row["item"] == "film c"
    assert row["source"] == NAMES[history[loudest]]
    assert row["kind"] == "item"
    assert row["rating"] == X[[0]].data[loudest]
    assert row["value"] == pytest.approx(said[loudest], abs=1e-4)


def test_user_neighbours_are_named_by_number():
    for feedback in ("implicit", "explicit"):
        model = UserUserCF(5, feedback=feedback).fit(X)
        parts = explain(model, X[[0]], [4], item_names=NAMES)
        assert parts.ratings is None
        assert parts.source_labels == [f"user {v}" for v in parts.sources]
        assert set(parts.to_frame()["kind"]) <= {"user", "baseline"}
        known = X.toarray()[parts.sources, 4] > 0
        assert_array_equal(parts.weights[0] != 0, known)
    assert parts.to_text()[0].startswith("film e: because user")


def test_heads_have_weights_and_rows_of_their_own():
    model = MultiHeadAttentionRecommender(3, regularization=5).fit(X)
    parts = explain(model, X[[5]], [1, 2])
    attention = np.array([w.toarray()[0, parts.sources] for w in model.attention_weights(X[[5]])])
    assert_allclose(parts.weights, np.repeat(attention[:, None], 2, axis=1))
    table = parts.to_frame(heads=True)
    assert_array_equal(table["head"].unique(), [0, 1, 2])
    assert len(table) == 2 * 3 * len(parts.sources)
    assert_allclose(table["weight"] * table["value"], table["contribution"], rtol=1e-5, atol=1e-12)
    by_source = table[table["item"] == "item 1"].groupby("source")["contribution"].sum()
    assert_allclose(by_source[parts.source_labels], parts.contributions[0], rtol=1e-5, atol=1e-9)
    merged = parts.to_frame()
    assert merged["weight"].isna().all()  # three weights make no single one
    single = explain(AttentionRecommender().fit(X), X[[5]], [1]).to_frame()
    assert single["weight"].notna().all()


@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_order_counts_in_explanations(solver):
    model = SequentialAttentionRecommender(2, regularization=5, solver=solver)
    model.fit(X, timestamps=TIMES)
    when = TIMES[[4]]
    parts = explain(model, X[[4]], [1, 2], timestamps=when)
    scores = model.predict(X[[4]], timestamps=when)[0, [1, 2]]
    assert_allclose(parts.scores, scores, rtol=1e-5)
    assert_array_equal(parts.remainder, 0)
    weights = model.attention_weights(X[[4]], timestamps=when)
    assert_allclose(parts.weights[1, 0], weights[1].toarray()[0, parts.sources])
    left_out = explain(model, X[[4]], [1], timestamps=when, method="leave_one_out")
    assert_allclose(left_out.scores, parts.scores[:1], rtol=1e-5)


def test_remainders_are_more_than_rounding():
    base = explain(PopularityRecommender().fit([[1, 2, 3]]), [[1, 0, 0]], [2])
    parts = {"baseline": np.array([40.0]), "contributions": np.array([[50.0, -10.0]])}
    for rest, told in {5e-3: 0.0, -5e-3: 0.0, 2e-2: 2e-2, -2e-2: -2e-2}.items():
        split = type(base)(**{**vars(base), **parts, "scores": np.array([80 + rest])})
        assert split.remainder[0] == pytest.approx(told, rel=1e-6)  # a ten-thousandth of 100


def test_explanations_are_shown_in_a_line():
    parts = explain(ItemItemCF().fit(X), X[[1]], item_names=NAMES)
    best = f"{parts.item_labels[0]} ({parts.scores[0]:.3g})"
    assert repr(parts).startswith(f"<Explanation of {best}, film ")
    assert repr(parts).endswith(f") and 7 more by {len(parts.sources)} items of the history>")
    users = explain(UserUserCF(5).fit(X), X[[0]], [4])
    assert repr(users) == f"<Explanation of item 4 ({users.scores[0]:.3g}) by 5 users>"
    assert len(repr(parts)) < 120


def test_long_histories_are_summed_up():
    parts = explain(ItemItemCF().fit(X), X[[1]], [0])
    assert len(parts.sources) > 4
    full, short = parts.to_frame(), parts.to_frame(max_sources=2)
    n_others = len(parts.sources) - 2
    assert short["source"].tolist()[2:] == [f"({n_others} others)"]
    assert short["kind"].tolist() == ["item", "item", "others"]
    assert_array_equal(short["source"][:2], full["source"][:2])
    assert short["contribution"].sum() == pytest.approx(full["contribution"].sum())
    # a row for one other would hide it for nothing
    assert len(parts.to_frame(max_sources=len(parts.sources) - 1)) == len(full)


def test_order_is_by_absolute_contribution():
    parts = explain(AttentionRecommender(regularization=1).fit(X), X[[1]], [0])
    sizes = parts.to_frame()["contribution"].abs()
    assert sizes.is_monotonic_decreasing
    assert (parts.contributions < 0).any()


def test_baseline_is_a_row_of_its_own():
    model = ItemItemCF(feedback="explicit").fit(X)
    parts = explain(model, X[[2]], [0])
    first = parts.to_frame().iloc[0]
    assert (first["source"], first["kind"]) == ("(baseline)", "baseline")
    assert first["contribution"] == pytest.approx(parts.baseline[0])
    empty = explain(model, np.zeros((1, 20)), [0])
    assert empty.to_frame()["kind"].tolist() == ["baseline"]
    assert empty.to_text() == ["item 0: the same whatever the history"]


# -- sentences --------------------------------------------------------------------------------


def sentence(**fields):
    base = explain(PopularityRecommender().fit([[1, 2, 3]]), [[1, 0, 0]], [2])
    return type(base)(**{**vars(base), **fields}).to_text()[0]


def test_sentences():
    names = np.array(["Alien", "Dune", "Amelie"], dtype=object)
    history = {"sources": np.array([0, 1]), "ratings": np.array([5.0, 3.5]), "item_names": names}
    both = sentence(contributions=np.array([[0.1, 0.4]]), **history)
    assert both == "Amelie: because you rated Dune 3.5 and Alien 5"
    mixed = sentence(contributions=np.array([[0.1, -0.4]]), **history)
    assert mixed == "Amelie: because you rated Alien 5; in spite of Dune 3.5"
    against = sentence(contributions=np.array([[-0.1, 0.0]]), **history)
    assert against == "Amelie: in spite of Alien 5"
    history["ratings"] = np.ones(2)
    known = sentence(contributions=np.array([[0.1, 0.4]]), **history)
    assert known == "Amelie: because you know Dune and Alien"
    users = {"sources": np.array([7, 9]), "source": "user", "ratings": None}
    liked = sentence(contributions=np.array([[0.1, 0.4]]), **users)
    assert liked == "item 2: because user 9 and user 7, like you in taste, vote for it"


def test_sentence_names_as_many_sources_as_asked():
    parts = explain(ItemItemCF().fit(X), X[[1]], [0], item_names=NAMES)
    assert parts.to_text(1)[0].count("film") == 2
    assert parts.to_text(3)[0].count("film") == 4
    with pytest.raises(ValueError, match="max_sources must be at least 1, got 0"):
        parts.to_text(0)


# -- leave-one-out ----------------------------------------------------------------------------


def test_without_each_entry():
    rows = sp.csr_array(np.array([[1.0, 0, 2, 3], [0, 0, 0, 0], [4, 0, 0, 5]]))
    expected = [[0, 0, 2, 3], [1, 0, 0, 3], [1, 0, 2, 0], [0, 0, 0, 5], [4, 0, 0, 0]]
    times = rows.copy()
    times.data *= 2
    fewer = Histories.of(rows, times).without_each_entry()
    assert_array_equal(fewer.X.toarray(), expected)
    assert_array_equal(fewer.metadata["timestamps"].toarray(), 2 * np.array(expected))
    assert Histories.of(rows).rows([1]).without_each_entry().X.shape == (0, 4)


def test_what_no_sum_can_split_has_a_remainder():
    parts = explain(Product(), [[2.0, 3.0, 5.0, 0.0]], [3])
    assert parts.scores == [30]
    assert_array_equal(parts.contributions, [[30 - 15, 30 - 10, 30 - 6]])
    assert_array_equal(parts.remainder, [30 - 59])
    table = parts.to_frame()
    assert table["kind"].tolist() == ["item", "item", "item", "remainder"]
    assert table["source"].iloc[-1] == "(remainder)"
    assert table["contribution"].sum() == 30


def test_leave_one_out_is_the_last_resort():
    model = Silent().fit(X)
    with pytest.raises(NotImplementedError, match="no words"):
        explain(model, X[[0]], method="exact")
    parts = explain(model, X[[0]])
    assert_array_equal(parts.contributions, 0)  # popularity does not look at the history
    assert_array_equal(parts.remainder, parts.scores)
    indices, _ = model.recommend(X[[0]])
    assert_array_equal(parts.items, indices[0])
    asked = explain(ItemItemCF().fit(X), X[[0]], [1], method="leave_one_out")
    exact = explain(ItemItemCF().fit(X), X[[0]], [1])
    assert_allclose(asked.contributions, exact.contributions, rtol=1e-4, atol=1e-4)  # a plain sum


def test_leave_one_out_of_an_empty_history_is_its_prior():
    parts = explain(Silent().fit(X), np.zeros((1, 20)), [3])
    assert_array_equal(parts.baseline, parts.scores)
    assert parts.contributions.shape == (1, 0)


def test_leave_one_out_drops_timestamps_too():
    class Latest(BaseEstimator):
        def predict(self, X, *, timestamps):
            assert_array_equal(timestamps.indices, X.indices)
            return np.repeat(timestamps.max(axis=1).toarray().reshape(-1, 1), 3, axis=1)

    parts = explain(Latest(), [[1, 1, 0]], [2], timestamps=[[4.0, 9.0, 0.0]])
    assert_array_equal(parts.contributions, [[0, 5]])


# -- names, pipelines, searches -----------------------------------------------------------------


def test_frames_bring_their_names():
    model = AttentionRecommender().fit(FRAME)
    parts = explain(model, FRAME.iloc[[4]], "film b")
    assert parts.item_labels == ["film b"]
    assert parts.source_labels == [NAMES[j] for j in X[[4]].indices]
    assert model.explain(FRAME.iloc[[4]], [1]).item_labels == ["film b"]
    loo = explain(model, FRAME.iloc[[4]], "film b", method="leave_one_out")
    assert loo.source_labels == parts.source_labels


def test_pipelines_show_the_ratings_as_they_were():
    pipeline = make_pipeline(MaxAbsScaler(), AttentionRecommender(0.5)).fit(X)
    parts = explain(pipeline, X[[0]], [3])
    assert_array_equal(parts.ratings, X[[0]].data)
    assert_allclose(parts.scores, pipeline.predict(X[[0]])[0, [3]], rtol=1e-5)


def test_searches_are_explained_by_their_best_model():
    search = GridSearchCV(AttentionRecommender(), {"temperature": [1, 2]}, cv=2).fit(X)
    parts = explain(search, X[[0]], [3])
    expected = search.best_estimator_.explain(X[[0]], [3])
    assert_array_equal(parts.contributions, expected.contributions)
    loo = explain(search, X[[0]], [3], method="leave_one_out")
    assert_allclose(loo.scores, parts.scores)


def test_errors():
    model = ItemItemCF().fit(X)
    with pytest.raises(ValueError, match="explain takes one history, X has 2 rows"):
        explain(model, X[:2])
    with pytest.raises(ValueError, match=r"items are names \('film b'\): pass item_names"):
        explain(model, X[[0]], "film b")
    with pytest.raises(ValueError, match="items must be in item_names; 'film z' is not"):
        explain(model, X[[0]], ["film a", "film z"], item_names=NAMES)
    with pytest.raises(ValueError, match="a name for each of the 20 items"):
        explain(model, X[[0]], item_names=NAMES[:3])
    with pytest.raises(ValueError, match="heads=True needs"):
        explain(model, X[[0]]).to_frame(heads=True)
    with pytest.raises(ValueError, match="max_sources must be at least 1 or None"):
        explain(model, X[[0]]).to_frame(max_sources=0)
    with pytest.raises(ValueError, match="The history holds all items"):
        explain(Product(), np.ones((1, 3)))
