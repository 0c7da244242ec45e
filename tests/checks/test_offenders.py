"""Recommenders that break one law each: the suite finds every one, and clears the honest one."""

import os
import time
from numbers import Real

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec._compat import Interval
from skattnrec._context import Context
from skattnrec.base import BaseRecommender
from skattnrec.checks import LAWS, check_recommender


class ItemVotes(BaseRecommender):
    """Honest: history items vote for others by their shrunk cosine, whatever their ratings."""

    def __init__(self, shrinkage=1.0):
        self.shrinkage = shrinkage

    def _fit(self, X, context):
        known = sp.csr_array((np.ones_like(X.data), X.indices, X.indptr), shape=X.shape)
        co_rated = (known.T @ known).toarray()
        norms = np.sqrt(co_rated.diagonal())
        votes = co_rated / (np.outer(norms, norms) + self.shrinkage)
        np.fill_diagonal(votes, 0)
        self.votes_ = votes.astype(X.dtype)

    def _score(self, X, context):
        return X @ self.votes_

    def _explain(self, X, context, items):
        contributions = self.votes_[np.ix_(X.indices, items)].T * X.data
        baseline = np.zeros(len(items), contributions.dtype)
        return baseline, X.indices.astype(np.intp), contributions, {}


class RecommendsSeen(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        return super().recommend(X, k, **{**kwargs, "exclude_seen": False})


class IgnoresExcludeSeen(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        return super().recommend(X, k, **{**kwargs, "exclude_seen": True})


class IgnoresItems(ItemVotes):
    def recommend(self, X, k=10, *, items=None, **kwargs):
        return super().recommend(X, k, **kwargs)


class RandomisesLongLists(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        indices, scores = super().recommend(X, k, **kwargs)
        return (indices[:, ::-1], scores[:, ::-1]) if k > 5 else (indices, scores)


class WorstFirst(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        indices, scores = super().recommend(X, k, **kwargs)
        return indices[:, ::-1], scores[:, ::-1]


class TiesToHigherIndex(ItemVotes):
    def _score(self, X, context):
        return np.zeros(X.shape, X.dtype)

    def recommend(self, X, k=10, **kwargs):
        indices, scores = super().recommend(X, k, **kwargs)
        return indices[:, ::-1], scores[:, ::-1]


class PadsWithZero(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        indices, scores = super().recommend(X, k, **kwargs)
        return np.maximum(indices, 0), np.nan_to_num(scores)


class CutsLongCutoffs(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        return super().recommend(X, min(k, self.n_features_in_), **kwargs)


class ReadsZeroAsOne(ItemVotes):
    def recommend(self, X, k=10, **kwargs):
        return super().recommend(X, max(k, 1), **kwargs)


class SimilarToItself(ItemVotes):
    def similar_items(self, items, k=10):
        items = np.atleast_1d(items)
        return np.tile(items[:, None], (1, k)), np.ones((len(items), k))


class LooksUpRows(ItemVotes):
    """The commonest error of all: row i of any matrix is user i of the training matrix."""

    def _fit(self, X, context):
        super()._fit(X, context)
        self.known_ = X

    def _score(self, X, context):
        return self.known_[np.arange(X.shape[0]) % self.known_.shape[0]] @ self.votes_


class ScoresDependOnBatch(ItemVotes):
    def _score(self, X, context):
        scores = super()._score(X, context)
        return scores / scores.max(initial=1e-9)


class LikesTheFirstItems(ItemVotes):
    """Scores depend on the column number."""

    def _score(self, X, context):
        return super()._score(X, context) + np.arange(X.shape[1], dtype=X.dtype)


class LearnsTheFirstUsers(ItemVotes):
    def _fit(self, X, context):
        super()._fit(X[:10], context)


class CountsStoredEntries(ItemVotes):
    """Reads the matrix before duplicates are summed."""

    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        self.n_entries_ = X.nnz if sp.issparse(X) else np.count_nonzero(X)
        return super().fit(X, y, timestamps=timestamps)

    def _score(self, X, context):
        return super()._score(X, context) + X * self.n_entries_


class ForgetsNames(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        X = X if sp.issparse(X) else np.asarray(X)
        return super()._validate(X, timestamps, user_features, reset=reset)


class RefitsFromOldVotes(ItemVotes):
    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        refit = hasattr(self, "votes_")
        super().fit(X, y, timestamps=timestamps)
        self.votes_ = self.votes_ * (1 + refit)
        return self


class CloneIsFitted(ItemVotes):
    """Keeps what it learned where clone copies it."""

    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        super().fit(X, y, timestamps=timestamps)
        self.shrinkage = self.shrinkage + 1.0
        return self


class LosesStateInPickle(ItemVotes):
    def __getstate__(self):
        state = super().__getstate__().copy()
        return {**state, "votes_": 0 * state["votes_"]} if "votes_" in state else state


class UsesTarget(ItemVotes):
    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        super().fit(X, y, timestamps=timestamps)
        if y is not None:
            self.votes_ = self.votes_ * (2 + float(abs(y.sum())))
        return self


class BinarisesInPlace(ItemVotes):
    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        if isinstance(X, sp.csc_array) and X.dtype == np.float32:
            X.data[:] = 1
        return super().fit(X, y, timestamps=timestamps)


class SortsInPlace(ItemVotes):
    def predict(self, X, *, timestamps=None, user_features=None):
        if sp.issparse(X) and X.format == "csr":
            X.sort_indices()
        return super().predict(X, timestamps=timestamps)


class ChangesTimestamps(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        checked, context = super()._validate(X, timestamps, user_features, reset=reset)
        if (
            context.times is not None
            and sp.issparse(timestamps)
            and timestamps.data.flags.writeable
        ):
            timestamps.data -= timestamps.data.min()
        return checked, context


class WritesToInput(ItemVotes):
    """Writes and restores: no trace, but read-only data cannot be used."""

    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        super().fit(X, y, timestamps=timestamps)
        data = X.data if sp.issparse(X) else X
        if isinstance(data, np.ndarray):
            data *= 1
        return self


class HandsOutItsState(ItemVotes):
    def predict(self, X, *, timestamps=None, user_features=None):
        scores = super().predict(X, timestamps=timestamps)
        if not hasattr(self, "_last") or self._last.shape != scores.shape:
            self._last = scores
        return self._last


class NotThreadSafe(ItemVotes):
    """Passes data between methods through the object."""

    def recommend(self, X, k=10, **kwargs):
        self._busy = getattr(self, "_busy", 0) + 1
        time.sleep(0.02)
        crowded = self._busy > 1
        indices, scores = super().recommend(X, k, **kwargs)
        self._busy -= 1
        return indices, scores + crowded


class GivesNaN(ItemVotes):
    """Divides by the norm of the neighbourhood, which may be empty."""

    def _score(self, X, context):
        scores = super()._score(X, context)
        scores[np.diff(X.indptr) == self.n_features_in_] = np.nan
        return scores


class AlwaysFloat64(ItemVotes):
    def predict(self, X, *, timestamps=None, user_features=None):
        return super().predict(X, timestamps=timestamps).astype(np.float64)


class EmptyHistoryGetsNothing(ItemVotes):
    def _score_or_prior(self, X, context):
        return self._score(X, context)


class WrongExplanation(ItemVotes):
    def _explain(self, X, context, items):
        baseline, sources, contributions, extra = super()._explain(X, context, items)
        return baseline, sources, contributions[:, ::-1] * X.data, extra


class WeighsWrongly(ItemVotes):
    def _explain(self, X, context, items):
        baseline, sources, contributions, extra = super()._explain(X, context, items)
        return baseline, sources, contributions, {**extra, "weights": np.zeros_like(contributions)}


class SaysThatEntriesAddUp(ItemVotes):
    def _score(self, X, context):
        return np.sqrt(super()._score(X, context))

    def _entries_add_up(self):
        return True


class AcceptsAnything(ItemVotes):
    """Replaces what is not finite by 0."""

    def _validate(self, X, timestamps, user_features, *, reset):
        if sp.issparse(X):
            X = X.copy()
            X.data = np.nan_to_num(X.data, posinf=0, neginf=0)
        else:
            X = np.nan_to_num(np.asarray(X, dtype=float), posinf=0, neginf=0)
        return super()._validate(X, timestamps, user_features, reset=reset)


class AcceptsAnyWidth(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        if not reset and X.shape[1] != self.n_features_in_:
            wide = np.zeros((X.shape[0], self.n_features_in_))
            n = min(X.shape[1], self.n_features_in_)
            wide[:, :n] = X.toarray()[:, :n] if sp.issparse(X) else X[:, :n]
            X = wide
        return super()._validate(X, timestamps, user_features, reset=reset)


class AcceptsNegative(ItemVotes):
    """Says in its tags that it does not."""

    def _validate(self, X, timestamps, user_features, *, reset):
        X = abs(X)
        return super()._validate(X, timestamps, user_features, reset=reset)


class IgnoresTimestamps(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        return super()._validate(X, None, user_features, reset=reset)


class IgnoresUnknownItems(ItemVotes):
    def recommend(self, X, k=10, *, items=None, **kwargs):
        if items is not None:
            items = [item for item in items if 0 <= item < self.n_features_in_]
        return super().recommend(X, k, items=items, **kwargs)


class AcceptsFlatLists(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        X = X if sp.issparse(X) else np.atleast_2d(X)
        return super()._validate(X, timestamps, user_features, reset=reset)


class ExplainsTheLowest(ItemVotes):
    def explain(self, X, items=None, *, timestamps=None, user_features=None):
        items = [0, 1] if items is None else items
        return super().explain(X, items, timestamps=timestamps)


class AnswersUnfitted(ItemVotes):
    def similar_items(self, items, k=10):
        if not hasattr(self, "votes_"):
            return np.empty((0, k), int), np.empty((0, k))
        return super().similar_items(items, k)


class CrashesOnOneUser(ItemVotes):
    def _fit(self, X, context):
        if X.shape[0] == 1:
            raise ZeroDivisionError("division by n_users - 1")
        super()._fit(X, context)


class DropsStoredZeros(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        X, context = super()._validate(X, timestamps, user_features, reset=reset)
        if context.times is None:
            X = X.copy()
            X.eliminate_zeros()
        return X, context


class PopularForAll(ItemVotes):
    def _score(self, X, context):
        return np.tile(self.prior_, (X.shape[0], 1))

    def _explain(self, X, context, items):
        return self.prior_[items], np.empty(0, np.intp), np.empty((len(items), 0)), {}


class ReadsColumnsAsRows(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        if sp.issparse(X) and X.format == "csc":
            X = sp.csr_array(X.toarray().T.reshape(X.shape))
        return super()._validate(X, timestamps, user_features, reset=reset)


class ReadsTimesInStoredOrder(ItemVotes):
    """Weighs ratings by their time, but reads times in the order they come in."""

    def _validate(self, X, timestamps, user_features, *, reset):
        checked, context = super()._validate(X, timestamps, user_features, reset=reset)
        if sp.issparse(timestamps) and timestamps.format != "csr":
            context = Context(timestamps.data)
        return checked, context

    def _score(self, X, context):
        if context.times is not None:
            X = sp.csr_array((X.data * context.times, X.indices, X.indptr), shape=X.shape)
        return X @ self.votes_


class IgnoresItemsOfRows(ItemVotes):
    def recommend(self, X, k=10, *, items=None, **kwargs):
        if items is not None and np.ndim(items) == 2 and not sp.issparse(items):
            items = np.flatnonzero(np.any(items, axis=0))
        return super().recommend(X, k, items=items, **kwargs)


class TrustsIndices(ItemVotes):
    """Brings indices that are out of range back into it."""

    def _validate(self, X, timestamps, user_features, *, reset):
        if sp.issparse(X) and X.format == "csr":
            X = sp.csr_array((X.data, np.clip(X.indices, 0, X.shape[1] - 1), X.indptr), X.shape)
        return super()._validate(X, timestamps, user_features, reset=reset)


class TakesAnyTarget(ItemVotes):
    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        return super().fit(X, None, timestamps=timestamps)


class ForgetsWhenRefused(ItemVotes):
    """Sets the width before all is checked."""

    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        if hasattr(self, "votes_"):
            self.n_features_in_ = np.shape(X)[1]
        return super().fit(X, y, timestamps=timestamps)


class LearnsInPlace(ItemVotes):
    """Forgets what it knows before it learns."""

    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        if hasattr(self, "votes_"):
            self.votes_[...] = 0
        return super().fit(X, y, timestamps=timestamps)


class CountsTwice(ItemVotes):
    """Learns more users in two steps."""

    def _fit(self, X, context):
        super()._fit(X, context)
        self.n_users_ = X.shape[0]

    def partial_fit(self, X):
        model = self._fitted()
        X, _ = model._validate(X, None, None, reset=False)
        self.n_users_ = self.n_users_ + X.shape[0]
        self.votes_ = self.votes_ * self.n_users_
        return self


class KeepsOldAttributes(ItemVotes):
    _parameter_constraints = {"shrinkage": [Real], "twice": ["boolean"]}  # noqa: RUF012

    def __init__(self, shrinkage=1.0, twice=False):
        super().__init__(shrinkage)
        self.twice = twice

    def fit(self, X, y=None, *, timestamps=None, user_features=None):
        super().fit(X, y, timestamps=timestamps)
        if self.twice:
            self.doubled_ = 2 * self.votes_
        else:
            self.single_ = self.votes_
        return self

    def _score(self, X, context):
        return X @ (self.doubled_ if self.twice else self.single_)


class KeepsTheMatrix(ItemVotes):
    def _fit(self, X, context):
        super()._fit(X, context)
        self.known_ = X

    def _score(self, X, context):
        return super()._score(X, context) + self.known_.data[0]


class HasADeadParameter(ItemVotes):
    _parameter_constraints = {  # noqa: RUF012
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, shrinkage=1.0, temperature=1.0):
        super().__init__(shrinkage)
        self.temperature = temperature


class Exponentiates(ItemVotes):
    """Weighs by exponentials of ratings as they come."""

    def _score(self, X, context):
        weights = np.exp(np.minimum(X.data, 80))
        return sp.csr_array((weights, X.indices, X.indptr), shape=X.shape) @ self.votes_


class Overflows(ItemVotes):
    def _score(self, X, context):
        with np.errstate(over="ignore"):
            weights = np.exp(X.data)
        return sp.csr_array((weights, X.indices, X.indptr), shape=X.shape) @ self.votes_


class TakesSigns(ItemVotes):
    """Takes ratings of any sign, and multiplies with them."""

    def _accepts_negative(self):
        return True


class WeighsByTheLargest(ItemVotes):
    """Every rating but the largest counts for nothing where that is large enough."""

    def _fit(self, X, context):
        super()._fit(X, context)
        self.votes_ = self.votes_ * (np.arange(X.shape[1]) if X.data.max() > 1e5 else 1)


class RoundsToSinglePrecision(ItemVotes):
    """Differences of large numbers, which single precision does not hold."""

    def _score(self, X, context):
        scores = super()._score(X, context)
        return (scores + scores.dtype.type(1e9)) - scores.dtype.type(1e9)


class ReadsTheFirstHundred(ItemVotes):
    """Explains by no more entries than fit on a page."""

    def _explain(self, X, context, items):
        baseline, sources, contributions, extra = super()._explain(X, context, items)
        return baseline, sources[:100], contributions[:, :100], extra


class TiesOfCandidatesAsGiven(ItemVotes):
    def recommend(self, X, k=10, *, items=None, **kwargs):
        if items is None or np.ndim(items) != 1:
            return super().recommend(X, k, items=items, **kwargs)
        order = np.asarray(items)
        scores = self.predict(X)
        if kwargs.get("exclude_seen", True):
            scores[X.toarray() != 0] = -np.inf
        best = order[np.argsort(-scores[:, order], axis=1, kind="stable")[:, :k]]
        return best, np.take_along_axis(scores, best, axis=1)


class SimilarInBlocks(ItemVotes):
    """Leaves items out by their place in a block of a hundred."""

    def _rank_similar(self, items, k):
        indices, scores = super()._rank_similar(items, k)
        return (indices, scores) if len(items) <= 100 else (indices[::-1], scores[::-1])


class CopiesInPlace(ItemVotes):
    """Writes to the matrix it is asked about."""

    def predict(self, X, *, timestamps=None, user_features=None):
        if sp.issparse(X):
            X.data += 0
        return super().predict(X, timestamps=timestamps)


class DiesInAFork(ItemVotes):
    def _fit(self, X, context):
        super()._fit(X, context)
        self.process_ = os.getpid()

    def recommend(self, X, k=10, **kwargs):
        if os.getpid() != self.process_:
            os._exit(3)
        return super().recommend(X, k, **kwargs)


class ReadsFeatures(ItemVotes):
    """Adds the sum of a row's user features times a fixed profile; honest."""

    def _reads_user_features(self):
        return True

    def _effect(self, context):
        profile = np.linspace(1, 2, self.n_features_in_)
        return 1e-3 * np.outer(context.features.sum(axis=1), profile)

    def _score(self, X, context):
        scores = super()._score(X, context)
        return scores if context.features is None else scores + self._effect(context)

    def _score_empty(self, X, context):
        scores = super()._score_empty(X, context)
        return scores if context.features is None else scores + self._effect(context)

    def _explain(self, X, context, items):
        baseline, *parts = super()._explain(X, context, items)
        if context.features is None:
            return baseline, *parts
        empty = self.prior_[items] if X.nnz == 0 else 0
        return baseline + empty + self._effect(context)[0, items], *parts


class ReadsFeaturesInStoredOrder(ReadsFeatures):
    def _validate(self, X, timestamps, user_features, *, reset):
        if sp.issparse(user_features) and user_features.format == "csc":
            user_features = user_features[::-1]
        return super()._validate(X, timestamps, user_features, reset=reset)


class MixesFeaturesOfRows(ReadsFeatures):
    def _effect(self, context):
        return super()._effect(context) * 0 + context.features.sum()


class AcceptsAnyFeatures(ItemVotes):
    def _validate(self, X, timestamps, user_features, *, reset):
        return super()._validate(X, timestamps, None, reset=reset)


class DoesWithoutFeatures(ReadsFeatures):
    def _validate(self, X, timestamps, user_features, *, reset):
        if user_features is None and not reset:
            user_features = np.zeros((X.shape[0], self.n_user_features_in_))
        return super()._validate(X, timestamps, user_features, reset=reset)


class LeavesOutFeatures(ReadsFeatures):
    def _explain(self, X, context, items):
        return super()._explain(X, Context(context.times), items)


OFFENDERS = {
    IgnoresItemsOfRows: "check_items_of_each_row",
    TrustsIndices: "check_indices_out_of_range_raise",
    TakesAnyTarget: "check_y_of_another_length_raises",
    ForgetsWhenRefused: "check_refused_fit_changes_nothing",
    LearnsInPlace: "check_failing_fit_changes_nothing",
    CountsTwice: "check_failing_fit_changes_nothing",
    KeepsOldAttributes: "check_refit_leaves_no_attributes_behind",
    KeepsTheMatrix: "check_fit_keeps_nothing_of_its_input",
    HasADeadParameter: "check_every_parameter_acts_or_is_refused",
    Exponentiates: "check_unit_of_ratings_does_not_matter",
    Overflows: "check_counts_give_finite_scores",
    TakesSigns: "check_zero_of_ratings_does_not_matter",
    WeighsByTheLargest: "check_one_outlier_changes_little",
    RoundsToSinglePrecision: "check_precision_does_not_matter",
    ReadsTheFirstHundred: "check_long_histories",
    TiesOfCandidatesAsGiven: "check_lists_of_a_large_catalogue",
    SimilarInBlocks: "check_similar_items_of_a_large_catalogue",
    CopiesInPlace: "check_memory_mapped_input_is_accepted",
    DiesInAFork: "check_forked_process_answers",
    RecommendsSeen: "check_seen_items_are_not_recommended",
    IgnoresExcludeSeen: "check_exclude_seen_false_keeps_seen_items",
    IgnoresItems: "check_items_restrict_the_candidates",
    RandomisesLongLists: "check_short_list_is_start_of_long_list",
    WorstFirst: "check_recommend_agrees_with_predict",
    TiesToHigherIndex: "check_recommend_agrees_with_predict",
    PadsWithZero: "check_short_lists_are_padded",
    CutsLongCutoffs: "check_short_lists_are_padded",
    ReadsZeroAsOne: "check_wrong_cutoff_raises",
    SimilarToItself: "check_item_is_not_similar_to_itself",
    PopularForAll: "check_checkerboard_is_recovered",
    LooksUpRows: "check_row_alone_equals_row_in_batch",
    ScoresDependOnBatch: "check_row_alone_equals_row_in_batch",
    LikesTheFirstItems: "check_permuting_items_permutes_answers",
    LearnsTheFirstUsers: "check_order_of_training_rows_does_not_matter",
    ReadsColumnsAsRows: "check_matrix_formats_agree",
    ReadsTimesInStoredOrder: "check_timestamp_formats_agree",
    CountsStoredEntries: "check_duplicate_entries_are_summed",
    ForgetsNames: "check_feature_names",
    RefitsFromOldVotes: "check_refit_equals_fresh_fit",
    CloneIsFitted: "check_clone_learns_the_same",
    LosesStateInPickle: "check_pickle_keeps_answers",
    UsesTarget: "check_y_is_never_used",
    BinarisesInPlace: "check_input_is_not_changed",
    SortsInPlace: "check_input_is_not_changed",
    ChangesTimestamps: "check_timestamps_are_not_changed",
    WritesToInput: "check_read_only_input_is_accepted",
    HandsOutItsState: "check_answers_do_not_change_the_model",
    NotThreadSafe: "check_threads_agree",
    GivesNaN: "check_scores_are_finite",
    AlwaysFloat64: "check_dtype_is_kept",
    EmptyHistoryGetsNothing: "check_empty_history_gets_prior",
    WrongExplanation: "check_contributions_sum_to_score",
    WeighsWrongly: "check_contributions_sum_to_score",
    SaysThatEntriesAddUp: "check_entries_add_up_where_said",
    AcceptsAnything: "check_nan_and_infinity_raise",
    AcceptsAnyWidth: "check_wrong_width_raises",
    AcceptsNegative: "check_negative_ratings",
    IgnoresTimestamps: "check_mismatched_timestamps_raise",
    IgnoresUnknownItems: "check_unknown_items_raise",
    AcceptsFlatLists: "check_wrong_dimensions_raise",
    ExplainsTheLowest: "check_default_explanation_is_of_recommendations",
    AnswersUnfitted: "check_unfitted_model_raises",
    CrashesOnOneUser: "check_smallest_data",
    DropsStoredZeros: "check_stored_zeros_are_accepted",
    ReadsFeaturesInStoredOrder: "check_user_feature_formats_agree",
    MixesFeaturesOfRows: "check_user_features_belong_to_rows",
    AcceptsAnyFeatures: "check_mismatched_user_features_raise",
    DoesWithoutFeatures: "check_user_features_are_those_of_fit",
    LeavesOutFeatures: "check_contributions_with_user_features_sum_to_score",
}


def law_named(name):
    return next(law for law in LAWS if law.__name__ == name)


def test_honest_recommender_obeys_all_laws():
    results = check_recommender(ItemVotes())
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped == {"check_zero_of_ratings_does_not_matter"}
    assert {r["status"] for r in results if r["check_name"] not in skipped} == {"passed"}
    assert [result["check_name"] for result in results] == [law.__name__ for law in LAWS]


@pytest.mark.parametrize(
    ("Offender", "name"), OFFENDERS.items(), ids=[Offender.__name__ for Offender in OFFENDERS]
)
def test_offender_is_caught_by_its_law(Offender, name):
    with pytest.raises((AssertionError, ValueError, ZeroDivisionError)):
        law_named(name)(Offender())


def test_honest_reader_of_user_features_obeys_all_laws():
    results = check_recommender(ReadsFeatures())
    assert {result["status"] for result in results} == {"passed", "skipped"}


def test_row_lookup_is_also_caught_by_permuted_rows():
    with pytest.raises(AssertionError, match="histories in another order"):
        law_named("check_permuting_rows_permutes_answers")(LooksUpRows())


def test_every_law_has_an_offender():
    caught = {*OFFENDERS.values(), "check_permuting_rows_permutes_answers"}
    assert caught == {law.__name__ for law in LAWS}
