"""The contract of a recommender, and how to write your own.

A recommender is a scikit-learn estimator on a matrix of users x items. Rows given to ``predict``
or ``recommend`` are *histories*: they are scored by what they hold, never looked up by their row
number, so new users need no special treatment.

To write a recommender, derive from :class:`BaseRecommender` and define

``_fit(X, context)``
    Learn from a canonical CSR array of shape (n_users, n_items), float32 or float64, and set
    attributes that end in an underscore. ``context.times`` is None or an array with the time
    of every element of ``X.data``; ``context.features`` is None or a CSR array with a row of user
    features for each row of ``X``. ``self`` is a blank copy, which takes the place of the model
    when all is learned: nothing of an earlier fit is there, and a fit that fails changes nothing.
``_score(X, context)``
    Return a new float array of shape (n_rows, n_items), finite, each row a function of that row
    of ``X`` and its context alone. Empty rows may hold anything: ``_score_empty`` scores them.

and, where the model can do better than the defaults,

``_prior(X)``
    The scores of an empty history, shape (n_items,). Default: the number of known ratings.
``_score_empty(X, context)``
    Return a new float array of shape (n_rows, n_items): scores of rows of which nothing is known
    but their context. Default: ``prior_`` for each.
``_explain(X, context, items)``
    Split the scores of one row into contributions; see :class:`Explanation`.
``_score_pairs(X, context, rows, items)``
    The scores of ``items[p]`` for row ``rows[p]`` of ``X``, shape (n_pairs,). Default: those rows
    are scored whole.
``_sparse_factors(X, context)``
    Two sparse matrices whose product is the scores. With them ``recommend`` makes no dense scores,
    which takes a fraction of the time where most scores of a large catalogue are 0.
``_item_similarity(items)``
    Scores of shape (len(items), n_items). Default: what a history of that one item would score.
``_n_steps()``
    How many parts of ``_fit`` are run under ``with self._step_progress(name)``, for callbacks and
    ``verbose``. Default: 0.

Models whose scores are ratings on the scale of ``X`` override ``_predicts_ratings``; they accept
negative ratings unless they override ``_accepts_negative``, too. Models that cannot do without
timestamps override ``_needs_times``, those that have a use for user features
``_reads_user_features``; the features that they get are those of fit in number and name. Models in
which an entry adds the same whatever else a history holds may override ``_entries_add_up``. Public
methods of your own begin with ``model = self._fitted()`` and ask ``model``, which a fit in another
thread does not change; those that learn more write to ``draft = self._draft()``, to new arrays, and
end with ``self._commit(draft)``.
:func:`skattnrec.checks.check_recommender` checks the laws that every recommender obeys.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from ._blocks import join_blocks
from ._compat import fit_context
from ._context import Context
from ._explanation import Explanation
from ._features import check_same_items
from ._hooks import RecommenderHooks
from ._learning import LearnsAtOnce
from ._lists import check_candidates, check_exclusions, list_blocks, pad
from ._progress import ReportsProgress
from ._user_features import check_same_users, validate_user_features
from ._validation import (
    as_dtype,
    check_cutoff,
    check_item_indices,
    check_n_rows,
    check_pairs,
    refuse_too_large,
    validate_interactions,
)
from .metrics import RankingScorer

__all__ = ["BaseRecommender", "Explanation"]

_ROUTED = {"timestamps": True, "user_features": True}
_BLOCK_ROWS = 2**14  # rows of sparse scores ranked at a time


class BaseRecommender(RecommenderHooks, ReportsProgress, LearnsAtOnce, BaseEstimator):
    """Base class of all recommenders; the module docstring tells how to write one.

    Attributes
    ----------
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    # both are routed by meta-estimators without any set_fit_request call
    __metadata_request__fit: ClassVar[dict[str, bool]] = _ROUTED
    __metadata_request__predict: ClassVar[dict[str, bool]] = _ROUTED
    __metadata_request__score: ClassVar[dict[str, bool]] = _ROUTED

    # -- what users call ----------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any = None, *, timestamps: Any = None, user_features: Any = None
    ) -> BaseRecommender:
        """Learn from ratings.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Ratings. Stored entries are known, absent ones unknown; in dense input 0 is unknown.
        y : Ignored
            Accepted for scikit-learn's sake and never used; it must have the rows of ``X``.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            The time of every known rating: numbers of any unit, or dates, which become seconds
            since 1970. Models without a notion of order check and then ignore them.
        user_features : {array-like, sparse matrix} of shape (n_users, d), default=None
            What is known of each user (or visit): numbers, such as one-hot encoded groups; 0 says
            nothing. Models without a use for them check and then ignore them.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            On NaN or infinite ratings, wrong shapes, empty matrices, indices outside of the
            matrix, negative ratings where the model does not accept them, tables in the place of
            matrices, and timestamps that do not match ``X``, or that are missing where the model
            needs them. Whatever is raised, an earlier fit stays as it was.
        """
        with self._fit_progress(X, y, timestamps=timestamps, user_features=user_features):
            learned = self._blank()
            X, context = learned._validate(X, timestamps, user_features, reset=True)
            check_n_rows(y, X.shape[0])
            check_same_items(learned)
            learned.prior_ = learned._prior(X)
            learned._is_cold = np.bincount(X.indices, minlength=X.shape[1]) == 0
            learned._fit(X, context)
            learned._saw_times = context.times is not None  # a scorer that gets none asks for it
            self._commit(learned)
        return self

    def predict(self, X: Any, *, timestamps: Any = None, user_features: Any = None) -> np.ndarray:
        """Score every item for every history.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories, of known users or new ones.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``.
        user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
            What is known of the user of each row, if the model was fitted with it.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_items)
            Finite. Rating models: ratings on the scale of ``X``; ranking models: scores that
            are comparable within a row. Rows without history get ``prior_``.
        """
        model = self._fitted()
        X, context = model._validate(X, timestamps, user_features, reset=False)
        return model._score_or_prior(X, context)

    def recommend(
        self,
        X: Any,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        items: Any = None,
        exclude: Any = None,
        timestamps: Any = None,
        user_features: Any = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Recommend the k best items for every history.

        Works in blocks of rows, so that memory stays small for any number of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories, of known users or new ones.
        k : int, default=10
            Length of each list.
        exclude_seen : bool, default=True
            Leave out the items of the history.
        items : array-like of int or matrix of shape (n_rows, n_items), default=None
            The items that may be listed: columns for all rows; or a sparse or boolean matrix with
            those of each row, where it is not 0. None means all.
        exclude : {sparse matrix, array-like of bool} of shape (n_rows, n_items), default=None
            What may not be listed: items where the matrix is not 0.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``.
        user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
            What is known of the user of each row, if the model was fitted with it.

        Returns
        -------
        indices : ndarray of shape (n_rows, k)
            Item columns, best first, ties to the lower column; -1 where a row has fewer than k
            candidates left.
        scores : ndarray of shape (n_rows, k)
            Their scores, NaN where the index is -1.

        See Also
        --------
        skattnrec.recommend : The same for pipelines and searches.
        """
        model = self._fitted()
        X, context = model._validate(X, timestamps, user_features, reset=False)
        k = check_cutoff(k)
        candidates = check_candidates(items, X.shape)
        hidden = check_exclusions(X, exclude, exclude_seen)
        n_listed = min(k, X.shape[1])
        lists = join_blocks(
            model._rank(*block, n_listed)
            for block in list_blocks(X, context, candidates, hidden, _BLOCK_ROWS)
        )
        return pad(lists, k)

    def score(
        self, X: Any, y: Any = None, *, timestamps: Any = None, user_features: Any = None
    ) -> float:
        """NDCG@10 of :class:`~skattnrec.metrics.RankingScorer` with its default settings.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories. Without ``y``, the latest entry (without times: a fifth) of each is hidden.
        y : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            Held-out ratings. A one-dimensional ``y``, which scikit-learn's tools may pass
            along, is ignored.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``.
        user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
            What is known of the user of each row, if the model was fitted with it.

        Returns
        -------
        float
            Between 0 and 1, higher is better.
        """
        if y is not None and np.ndim(y) == 1 and not sp.issparse(y):
            y = None
        given = {"timestamps": timestamps, "user_features": user_features}
        return RankingScorer()(self, X, y, **given)  # type: ignore[return-value]

    def explain(
        self, X: Any, items: Any = None, *, timestamps: Any = None, user_features: Any = None
    ) -> Explanation:
        """Split the scores of one history into the contributions of their sources.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (1, n_items)
            One history.
        items : array-like of int, default=None
            The item columns to explain; None means the (at most ten) recommended ones.
        timestamps : {array-like, sparse matrix} of shape (1, n_items), default=None
            The time of every entry of ``X``.
        user_features : {array-like, sparse matrix} of shape (1, d), default=None
            What is known of the user, if the model was fitted with it.

        Returns
        -------
        Explanation
            Its contributions and baseline add up to the scores of ``predict``.

        See Also
        --------
        skattnrec.inspection.explain : The same with names, and for any estimator.
        """
        model = self._fitted()
        history, context = model._validate(X, timestamps, user_features, reset=False)
        if history.shape[0] != 1:
            raise ValueError(f"explain takes one history, X has {history.shape[0]} rows.")
        if items is None:
            best, _ = model.recommend(X, timestamps=timestamps, user_features=user_features)
            items = best[0][best[0] >= 0]
            if not items.size:
                raise ValueError("The history holds all items: name the items to explain.")
        items = check_item_indices(items, model.n_features_in_)
        scores = model._score_or_prior(history, context)[0, items]
        extra: dict[str, Any]
        if history.nnz == 0 and context.features is None:
            nothing = np.empty((len(items), 0), scores.dtype)
            baseline, sources, contributions, extra = scores, np.empty(0, np.intp), nothing, {}
        else:
            baseline, sources, contributions, extra = model._explain(history, context, items)
        if extra.get("source", "item") == "item":
            extra = {"ratings": history.toarray()[0, sources], **extra}
        extra["item_names"] = getattr(model, "feature_names_in_", None)
        if "features" in extra:
            extra["feature_names"] = model.user_feature_names_in_
        return Explanation(items, scores, baseline, sources, contributions, **extra)

    def similar_items(self, items: Any, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the items most like given ones.

        Works in blocks of items, so that memory stays small for any number of them.

        Parameters
        ----------
        items : int or array-like of int
            Item columns.
        k : int, default=10
            Length of each list.

        Returns
        -------
        indices : ndarray of shape (len(items), k)
            Item columns, most similar first, ties to the lower column, never the item itself; -1
            where there are fewer than k others.
        scores : ndarray of shape (len(items), k)
            Their similarities, NaN where the index is -1.
        """
        model = self._fitted()
        items = check_item_indices(items, model.n_features_in_)
        k = check_cutoff(k)
        n_others = model.n_features_in_ - 1
        if n_others == 0:
            return pad((np.empty((1, 0), np.intp), np.empty((1, 0), model.prior_.dtype)), k)
        return pad(model._rank_similar(items, min(k, n_others)), k)

    # -- shared steps -------------------------------------------------------------------------

    def _validate(
        self, X: Any, timestamps: Any, user_features: Any, *, reset: bool
    ) -> tuple[sp.csr_array, Context]:
        """Check what a method was given: histories as canonical CSR, and their context."""
        nonnegative = not self._accepts_negative()
        checked = validate_interactions(self, X, reset=reset, nonnegative=nonnegative)
        dtype = checked.dtype if reset else self.prior_.dtype
        refuse_too_large(self, checked, self._largest_rating(dtype), dtype)
        if timestamps is None and self._needs_times():
            raise ValueError(
                f"{type(self).__name__} needs timestamps: a matrix with the time of every entry of "
                "X. Pass them as timestamps=... to fit and to every question. Pipelines, searches "
                "and cross-validation hand them on after "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        context = Context.of(checked, timestamps, user_features)
        if self._reads_user_features():
            check_same_users(user_features, X)
            self._check_user_features(user_features, context.features, reset=reset)
        elif context.features is not None:
            context = Context(context.times)
        # the arithmetic of fit decides
        return checked if reset else as_dtype(checked, self.prior_.dtype), context

    def _check_user_features(
        self, given: Any, features: sp.csr_array | None, *, reset: bool
    ) -> None:
        """Check the columns of user features: those of fit, in number and name."""
        validate_user_features(self, given, features, reset=reset)

    def _scores_of_pairs(
        self, X: Any, rows: Any, items: Any, timestamps: Any, user_features: Any
    ) -> np.ndarray:
        """Score pairs of rows of X and items; see ``skattnrec._scores.scores_of_pairs``."""
        model = self._fitted()
        X, context = model._validate(X, timestamps, user_features, reset=False)
        return model._score_pairs_or_prior(X, context, *check_pairs(rows, items, X.shape))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = not self._accepts_negative()
        tags.target_tags.required = False
        return tags
