import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skattnrec import _blocks, base
from skattnrec.base import BaseRecommender
from skattnrec.metrics import RankingScorer

VOTES = np.array(
    [
        [0.0, 3.0, 2.0, 1.0, 0.0],
        [3.0, 0.0, 1.0, 1.0, 5.0],
        [2.0, 1.0, 0.0, 4.0, 0.0],
        [1.0, 1.0, 4.0, 0.0, 2.0],
        [0.0, 5.0, 0.0, 2.0, 0.0],
    ]
)
X = np.array([[1.0, 0, 0, 0, 0], [0, 2, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]])


class FixedVotes(BaseRecommender):
    """Learns nothing: scores are X @ VOTES, weighted by time where times are given."""

    def __init__(self, signed=False):
        self.signed = signed

    def _fit(self, X, context):
        self.fit_times_ = context.times

    def _score(self, X, context):
        self.last_rows_ = X.shape[0]
        self.last_dtype_ = X.dtype
        data = X.data if context.times is None else X.data * context.times
        weighted = sp.csr_array((data, X.indices, X.indptr), X.shape)
        return weighted @ VOTES.astype(X.dtype)

    def _accepts_negative(self):
        return self.signed


class SparseVotes(FixedVotes):
    """The same scores by their factors."""

    def _sparse_factors(self, X, context):
        self.last_rows_ = X.shape[0]
        data = X.data if context.times is None else X.data * context.times
        histories = sp.csr_array((data, X.indices, X.indptr), X.shape)
        return histories, sp.csr_array(VOTES.astype(X.dtype))


class Explained(FixedVotes):
    def _explain(self, X, context, items):
        contributions = VOTES[np.ix_(X.indices, items)].T * X.data
        return np.zeros(len(items)), X.indices.astype(np.intp), contributions, {"source": "item"}


@pytest.fixture
def model():
    return FixedVotes().fit(X)


def test_base_class_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        BaseRecommender()


# -- fit and predict --------------------------------------------------------------------------


def test_fit_returns_self_and_counts_items(model):
    assert model.fit(X) is model
    assert model.n_features_in_ == 5
    assert model.prior_.tolist() == [2, 2, 2, 1, 0]


def test_predict_is_the_score_of_the_model_or_the_prior(model):
    expected = X @ VOTES
    expected[2] = model.prior_
    assert model.predict(X).tolist() == expected.tolist()


def test_dtype_of_fit_decides():
    model = FixedVotes().fit(X.astype(np.float32))
    assert model.predict(X).dtype == np.float32
    assert model.last_dtype_ == np.float32
    model.fit(X)
    assert model.predict(X.astype(np.float32)).dtype == np.float64


def test_times_reach_the_model_in_entry_order():
    times = np.zeros(X.shape)
    times[X != 0] = [7, 6, 5, 4, 3, 2, 1]
    model = FixedVotes().fit(X, timestamps=times)
    assert model.fit_times_.tolist() == [7, 6, 5, 4, 3, 2, 1]
    expected = (X * times) @ VOTES
    expected[2] = model.prior_
    assert model.predict(X, timestamps=sp.csc_array(times)).tolist() == expected.tolist()


def test_negative_ratings_are_refused_unless_the_model_takes_them(model):
    with pytest.raises(ValueError, match="Negative values in data passed to FixedVotes"):
        model.predict(-X)
    signed = FixedVotes(signed=True).fit(-X)
    assert signed.predict(-X)[0].tolist() == (-VOTES[0]).tolist()


@pytest.mark.parametrize("signed", [False, True])
def test_tags(signed):
    tags = get_tags(FixedVotes(signed=signed))
    assert tags.input_tags.sparse
    assert tags.input_tags.positive_only is not signed
    assert not tags.target_tags.required


@pytest.mark.parametrize("method", ["fit", "predict", "score"])
def test_context_is_routed_without_being_asked_for(method):
    requests = getattr(FixedVotes().get_metadata_routing(), method).requests
    assert requests == {"timestamps": True, "user_features": True}


@pytest.mark.parametrize("verb", ["predict", "recommend", "explain", "score"])
def test_question_before_fit(verb):
    with pytest.raises(NotFittedError, match="This FixedVotes instance is not fitted yet"):
        getattr(FixedVotes(), verb)(X[:1])


def test_similar_items_before_fit():
    with pytest.raises(NotFittedError):
        FixedVotes().similar_items(0)


# -- recommend --------------------------------------------------------------------------------


def test_recommend_by_hand(model):
    indices, scores = model.recommend(X, k=3)
    # row 0: votes of item 0; row 1: 2 x item 1 + item 2; row 2: prior; row 3: only item 4 is left
    assert indices.tolist() == [[1, 2, 3], [4, 0, 3], [0, 1, 2], [4, -1, -1]]
    np.testing.assert_array_equal(scores, [[3, 2, 1], [10, 8, 6], [2, 2, 2], [7, np.nan, np.nan]])


def test_recommend_seen_items_too(model):
    indices, scores = model.recommend(X[:1], k=5, exclude_seen=False)
    assert indices.tolist() == [[1, 2, 3, 0, 4]]
    assert scores.tolist() == [[3, 2, 1, 0, 0]]


def test_recommend_among_candidates_in_any_order(model):
    indices, scores = model.recommend(X[:2], k=2, items=[4, 2, 0])
    assert indices.tolist() == [[2, 4], [4, 0]]
    assert scores.tolist() == [[2, 0], [10, 8]]


@pytest.mark.parametrize("k", [1, 2])
def test_ties_among_candidates_in_any_order_go_to_the_lower_column(model, k):
    assert model.prior_.tolist()[:3] == [2, 2, 2]
    indices, _ = model.recommend(X[[2]], k=k, items=[2, 1, 0])
    assert indices.tolist() == [[0, 1][:k]]


def test_recommend_works_in_blocks(model, monkeypatch):
    many = np.tile(X, (5, 1))
    times = np.random.default_rng(0).uniform(1, 2, many.shape)
    expected = model.recommend(many, k=3, timestamps=times)
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 15)  # three rows of five items
    actual = model.recommend(many, k=3, timestamps=times)
    assert model.last_rows_ == 2  # 20 rows: six blocks of three, one of two
    np.testing.assert_array_equal(actual[0], expected[0])
    np.testing.assert_array_equal(actual[1], expected[1])


def test_block_is_at_least_a_row(model, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 1)
    indices, _ = model.recommend(X, k=1)
    assert model.last_rows_ == 1
    assert indices.ravel().tolist() == [1, 4, 0, 4]


@pytest.mark.parametrize("block", [2, 100])
@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("items", [None, [4, 2, 1], sp.csr_array(np.tri(4, 5, 2, dtype=bool))])
def test_sparse_factors_give_the_lists_of_dense_scores(
    model, monkeypatch, block, exclude_seen, items
):
    """Those of dense scores, also for the empty history X[2], without asking for dense scores."""
    monkeypatch.setattr(base, "_BLOCK_ROWS", block)
    times = np.random.default_rng(0).uniform(1, 2, X.shape)
    options = {"exclude_seen": exclude_seen, "items": items, "timestamps": times}
    sparse = SparseVotes().fit(X)
    monkeypatch.delattr(FixedVotes, "_score")
    actual = sparse.recommend(X, 3, **options)
    monkeypatch.undo()
    assert sparse.last_rows_ == min(block, 4)
    for ours, expected in zip(actual, model.recommend(X, 3, **options), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("k", [0, -3])
def test_recommend_cutoff(model, k):
    with pytest.raises(ValueError, match=f"k must be at least 1, got k={k}"):
        model.recommend(X, k=k)


@pytest.mark.parametrize("Votes", [FixedVotes, SparseVotes])
@pytest.mark.parametrize(("items", "n"), [(None, 5), ([3, 0], 2), (np.ones(X.shape, bool), 5)])
def test_lists_longer_than_the_candidates_are_filled_up(Votes, items, n):
    model = Votes().fit(X.astype(np.float32))
    indices, scores = model.recommend(X, 9, items=items, exclude_seen=False)
    longest = model.recommend(X, n, items=items, exclude_seen=False)
    np.testing.assert_array_equal(indices[:, :n], longest[0])
    np.testing.assert_array_equal(scores[:, :n], longest[1])
    assert (indices[:, n:] == -1).all()
    assert np.isnan(scores[:, n:]).all()
    assert scores.dtype == np.float32


def by_hand(scores, allowed, k):
    """Lists of the allowed items, by a loop."""
    indices, values = np.full((len(scores), k), -1), np.full((len(scores), k), np.nan)
    for row, may in enumerate(allowed):
        order = [j for j in np.argsort(-scores[row], kind="stable") if may[j]][:k]
        indices[row, : len(order)] = order
        values[row, : len(order)] = scores[row][order]
    return indices, values


ALLOWED = np.random.default_rng(3).random(X.shape) < 0.7
FORBIDDEN = np.random.default_rng(4).random(X.shape) < 0.3


@pytest.mark.parametrize("Votes", [FixedVotes, SparseVotes])
@pytest.mark.parametrize(
    "kind", [np.array, sp.csr_array, sp.csc_matrix, sp.coo_array, pd.DataFrame]
)
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_candidates_and_exclusions_of_each_row(Votes, kind, exclude_seen):
    model = Votes().fit(X)
    scores = model.predict(X)
    seen = (X != 0) & exclude_seen
    actual = model.recommend(X, 3, items=kind(ALLOWED), exclude_seen=exclude_seen)
    for ours, expected in zip(actual, by_hand(scores, ALLOWED & ~seen, 3), strict=True):
        np.testing.assert_array_equal(ours, expected)
    actual = model.recommend(X, 3, exclude=kind(FORBIDDEN), exclude_seen=exclude_seen)
    for ours, expected in zip(actual, by_hand(scores, ~FORBIDDEN & ~seen, 3), strict=True):
        np.testing.assert_array_equal(ours, expected)
    options = {"items": kind(ALLOWED), "exclude": kind(FORBIDDEN), "exclude_seen": exclude_seen}
    actual = model.recommend(X, 3, **options)
    for ours, expected in zip(actual, by_hand(scores, ALLOWED & ~FORBIDDEN & ~seen, 3)):
        np.testing.assert_array_equal(ours, expected)


def test_columns_for_all_and_exclusions_of_each_row(monkeypatch):
    monkeypatch.setattr(base, "_BLOCK_ROWS", 3)
    allowed = np.isin(np.arange(5), [4, 1, 2]) & ~FORBIDDEN & (X == 0)
    for Votes in (FixedVotes, SparseVotes):
        model = Votes().fit(X)
        actual = model.recommend(X, 3, items=[4, 1, 2], exclude=FORBIDDEN)
        for ours, expected in zip(actual, by_hand(model.predict(X), allowed, 3), strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_stored_zeros_name_no_item(model):
    items = sp.csr_array((np.array([0, 1, 0]), [0, 1, 2], [0, 3, 3, 3, 3]), shape=X.shape)
    assert model.recommend(X, 2, items=items)[0].tolist() == [[1, -1]] + [[-1, -1]] * 3
    indices, _ = model.recommend(X[:1], 5, exclude=items[:1])
    assert indices.tolist() == [[2, 3, 4, -1, -1]]


@pytest.mark.parametrize("name", ["items", "exclude"])
def test_matrices_of_items_are_checked(model, name):
    with pytest.raises(ValueError, match=f"{name} must be a sparse or a boolean matrix"):
        model.recommend(X, **{name: np.ones(X.shape)})
    with pytest.raises(ValueError, match=re.escape(f"{name} has shape (2, 5), X has (4, 5)")):
        model.recommend(X, **{name: sp.csr_array(X[:2])})
    broken = sp.csr_array(X)
    broken.indices[0] = 5
    with pytest.raises(ValueError, match=f"{name} is a broken CSR matrix"):
        model.recommend(X, **{name: broken})


def test_recommend_unknown_items(model):
    with pytest.raises(ValueError, match=re.escape("items must be columns in [0, 4]; got 5")):
        model.recommend(X, k=1, items=[1, 5])


# -- score ------------------------------------------------------------------------------------


def test_score_is_that_of_the_default_scorer(model):
    rng = np.random.default_rng(0)
    histories = np.where(rng.random((40, 5)) < 0.7, 1.0, 0.0)
    model.fit(histories)
    assert model.score(histories) == RankingScorer()(model, histories)
    targets = np.where(histories == 0, 1.0, 0.0)
    assert model.score(histories, targets) == RankingScorer()(model, histories, targets)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_score_ignores_a_flat_target(model, kind):
    rng = np.random.default_rng(0)
    histories = np.where(rng.random((40, 5)) < 0.7, 1.0, 0.0)
    assert model.score(histories, kind(range(40))) == model.score(histories)


# -- explain ----------------------------------------------------------------------------------


def test_explain_by_hand():
    parts = Explained().fit(X).explain(X[[1]], [4, 0])
    assert parts.items.tolist() == [4, 0]
    assert parts.scores.tolist() == [10, 8]
    assert parts.sources.tolist() == [1, 2]
    assert parts.contributions.tolist() == [[10, 0], [6, 2]]
    assert parts.baseline.tolist() == [0, 0]
    assert parts.source == "item"
    assert parts.heads is None


def test_explain_the_recommended_items():
    model = Explained().fit(X)
    indices, scores = model.recommend(X[[1]], k=3)
    parts = model.explain(X[[1]])
    assert parts.items.tolist() == indices[0].tolist()
    assert parts.scores.tolist() == scores[0].tolist()


def test_explain_empty_history():
    parts = Explained().fit(X).explain(X[[2]], [3, 0])
    assert parts.scores.tolist() == parts.baseline.tolist() == [1, 2]
    assert parts.contributions.shape == (2, 0)
    assert parts.sources.size == 0


def test_explain_takes_one_history():
    with pytest.raises(ValueError, match=re.escape("explain takes one history, X has 4 rows.")):
        Explained().fit(X).explain(X)


def test_explain_with_nothing_to_recommend():
    model = Explained().fit(X)
    with pytest.raises(ValueError, match="The history holds all items: name the items to explain"):
        model.explain(np.ones((1, 5)))
    assert model.explain(np.ones((1, 5)), 2).scores.tolist() == [7]


def test_model_that_does_not_explain(model):
    with pytest.raises(NotImplementedError, match="FixedVotes does not explain its scores"):
        model.explain(X[[0]], [1])


def test_explanation_is_frozen():
    parts = Explained().fit(X).explain(X[[0]], [1])
    with pytest.raises(AttributeError):
        parts.items = None


# -- similar items ----------------------------------------------------------------------------


def test_similar_items_default_to_the_score_of_that_item_alone(model):
    indices, scores = model.similar_items([2, 1], k=3)
    assert indices.tolist() == [[3, 0, 1], [4, 0, 2]]
    assert scores.tolist() == [[4, 2, 1], [5, 3, 1]]


def test_similar_items_of_one(model):
    indices, _ = model.similar_items(2, k=4)
    assert indices.tolist() == [[3, 0, 1, 4]]


def test_all_other_items_are_the_most_that_can_be_similar(model):
    indices, scores = model.similar_items(2, k=6)
    assert indices.tolist() == [[3, 0, 1, 4, -1, -1]]
    np.testing.assert_array_equal(scores, [[4, 2, 1, 0, np.nan, np.nan]])
    with pytest.raises(ValueError, match="k must be at least 1"):
        model.similar_items(2, k=0)


def test_the_only_item_is_like_no_other():
    indices, scores = FixedVotes().fit(X[:, :1]).similar_items(0, k=2)
    assert indices.tolist() == [[-1, -1]]
    assert np.isnan(scores).all()


def test_similar_items_work_in_blocks(model, monkeypatch):
    expected = model.similar_items(range(5), k=4)
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 10)
    actual = model.similar_items(range(5), k=4)
    assert model.last_rows_ == 1  # five items: two blocks of two, one of one
    for ours, whole in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, whole)


# -- times ------------------------------------------------------------------------------------


class Timed(Explained):
    def _needs_times(self):
        return True


@pytest.mark.parametrize("verb", ["fit", "predict", "recommend", "explain", "score"])
def test_models_that_need_times_do_not_go_without(verb):
    model = Timed().fit(X, timestamps=X)
    message = r"Timed needs timestamps: .*timestamps=.*enable_metadata_routing=True"
    with pytest.raises(ValueError, match=message):
        getattr(model, verb)(X[[1]])
    assert model.similar_items([1], k=1)[0].shape == (1, 1)


# -- large and small numbers ------------------------------------------------------------------


def test_ratings_too_large_for_the_arithmetic_of_fit_are_refused():
    model = FixedVotes().fit(X.astype(np.float32))
    with pytest.raises(
        ValueError, match=re.escape("X[1, 2] = 1e+300 is too large for FixedVotes in float32")
    ):
        model.predict(np.where(np.arange(5) == 2, X * 1e300, X)[:3])


# -- names and copies -------------------------------------------------------------------------


def test_item_names(model):
    frame = pd.DataFrame(X, columns=list("abcde"))
    assert model.fit(frame).feature_names_in_.tolist() == list("abcde")
    indices, _ = model.recommend(frame, k=1)
    assert indices.ravel().tolist() == [1, 4, 0, 4]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("edcba")])


def test_clone_is_not_fitted(model):
    assert not hasattr(clone(model), "prior_")
