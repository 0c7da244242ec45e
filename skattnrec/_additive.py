"""Users come and go: sums over their histories add up, and the model follows from the sums."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import joblib
import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_memory

from ._compat import fit_context
from ._context import Context
from .base import BaseRecommender
from .exceptions import ChangedMeanwhileError

__all__ = ["AdditiveRecommender"]


class AdditiveRecommender(BaseRecommender):
    """Exact learning and unlearning of users, for models solved from sums over users.

    ``statistics_`` is a sum over users with ``+``, ``-`` and ``first_unknown``; see
    :class:`~skattnrec.attention._statistics.SufficientStatistics`.
    """

    memory: Any
    statistics_: Any
    _counted_parameters: ClassVar[tuple[str, ...]]  # those that the sums depend on

    # -- what a model defines -----------------------------------------------------------------

    @abstractmethod
    def _set_up(self, X: sp.csr_array, context: Context) -> None:
        """Learn all that sums depend on, from the first users."""

    @abstractmethod
    def _count(self, X: sp.csr_array, context: Context, memory: Any) -> Any:
        """Add up some users, or read the sums from a joblib.Memory where it has them."""

    @abstractmethod
    def _solve(self) -> None:
        """Set all that follows from ``statistics_``."""

    @abstractmethod
    def _fingerprints(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Numbers by which rows are known, (n_rows,)."""

    # -- what users call ----------------------------------------------------------------------

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        self._set_up(X, context)
        self._counted = {
            name: (getattr(self, name), _hash_of(getattr(self, name)))
            for name in self._counted_parameters
        }
        with self._step_progress("statistics"):
            self.statistics_ = self._count(X, context, check_memory(self.memory))
        with self._step_progress("votes"):
            self._solve()

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        *,
        timestamps: Any = None,
        user_features: Any = None,
        refresh: bool = True,
    ) -> AdditiveRecommender:
        """Learn from more users; the result is that of one ``fit`` on all of them.

        Centre and spread of the ratings stay those of the first users; give ``rating_center`` and
        ``rating_spread`` to have them the same in every fit. To replace a user's history by a
        longer one, forget the old one first. Several threads may call it at once: all that they
        bring is learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories of users that were not learned from before.
        y : Ignored
            Accepted for scikit-learn's sake and never used.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            The time of every entry of ``X``, for models that need it.
        user_features : {array-like, sparse matrix} of shape (n_users, d), default=None
            What is known of each user, if the model was fitted with it.
        refresh : bool, default=True
            Solve for the votes now. With False the model keeps its votes, and call
            :meth:`refresh` when a few batches are in.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If a parameter that the sums depend on was changed, or the sums were dropped. The model
            stays as it was.
        """
        return self._until_taken(self._learn_more, X, y, timestamps, user_features, refresh)

    def forget(
        self,
        X: Any,
        *,
        timestamps: Any = None,
        user_features: Any = None,
        refresh: bool = True,
    ) -> AdditiveRecommender:
        """Unlearn users; the result is that of a ``fit`` without them, to the last bit.

        Centre and spread of the ratings stay as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories that were learned from, exactly as they were given.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            Their times, for models that need them.
        user_features : {array-like, sparse matrix} of shape (n_users, d), default=None
            What is known of each user, if the model was fitted with it.
        refresh : bool, default=True
            Solve for the votes now, so that nothing of the users is left in them.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If a row was never learned, or was forgotten already (that a wrong row passes has a
            chance of 2^-64 for each row learned); and as :meth:`partial_fit`. The model stays as
            it was.
        """
        self._validate_params()
        self._fitted()
        return self._until_taken(self._unlearn, X, timestamps, user_features, refresh)

    def refresh(self) -> AdditiveRecommender:
        """Solve for the votes from the statistics of the users learned so far.

        Parameters that the sums do not depend on, such as ``regularization``, may have been changed
        meanwhile.

        Returns
        -------
        self : object
            The estimator.
        """
        self._validate_params()
        self._fitted()
        return self._until_taken(lambda: self._take(self._draft_with_statistics(), True))

    def drop_statistics(self) -> AdditiveRecommender:
        """Drop what only :meth:`partial_fit`, :meth:`forget` and :meth:`refresh` need.

        Makes the model small, to be saved and served; its answers stay the same.

        Returns
        -------
        self : object
            The estimator.
        """
        self._fitted()
        return self._until_taken(self._drop_statistics)

    # -- steps, which are taken again where another thread was faster ---------------------------

    def _until_taken(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Take a step from the model as it is now, until no other thread came in between."""
        while True:
            try:
                return step(*arguments)
            except ChangedMeanwhileError:
                continue

    def _learn_more(
        self, X: Any, y: Any, timestamps: Any, user_features: Any, refresh: bool
    ) -> AdditiveRecommender:
        if "prior_" not in self.__dict__:
            draft = self._draft()
            replaced = draft._replaces
            draft.fit(X, y, timestamps=timestamps, user_features=user_features)
            draft._replaces = replaced
            return self._take(draft, False)
        draft = self._draft_with_statistics()
        X, context = draft._validate(X, timestamps, user_features, reset=False)
        if draft.statistics_.n_entries == 0:  # nobody is left, or had rated
            draft._set_up(X, context)
            draft.statistics_ = draft._count(X, context, check_memory(None))
        else:
            draft.statistics_ = draft.statistics_ + draft._count(X, context, check_memory(None))
        return self._take(draft, refresh)

    def _unlearn(
        self, X: Any, timestamps: Any, user_features: Any, refresh: bool
    ) -> AdditiveRecommender:
        draft = self._draft_with_statistics()
        X, context = draft._validate(X, timestamps, user_features, reset=False)
        filled = np.flatnonzero(np.diff(X.indptr))
        unknown = draft.statistics_.first_unknown(draft._fingerprints(X, context)[filled])
        if unknown is not None:
            included = "" if context.times is None else " and times"
            included += "" if context.features is None else " and user features"
            raise ValueError(
                f"Row {filled[unknown]} of X was not learned, or was forgotten already. Rows to "
                f"forget must be those given to fit or partial_fit, ratings{included} included."
            )
        draft.statistics_ = draft.statistics_ - draft._count(X, context, check_memory(None))
        return self._take(draft, refresh)

    def _drop_statistics(self) -> AdditiveRecommender:
        draft = self._draft()
        draft.__dict__.pop("statistics_", None)
        return self._take(draft, False)

    def _draft_with_statistics(self) -> Any:
        """Copy the model to learn more, if its statistics allow for it."""
        draft = self._draft()
        if "statistics_" not in draft.__dict__:
            raise ValueError(
                "The statistics of this model were dropped: it can neither learn, forget nor "
                "refresh. Fit again, or use a copy from before drop_statistics()."
            )
        for name, (value, hashed) in draft._counted.items():
            given = getattr(draft, name)
            if given is not value and _hash_of(given) != hashed:
                raise ValueError(
                    f"{name} was changed since the model was fitted, and its statistics were made "
                    f"with the old value. Fit again, or set {name} back."
                )
        return draft

    def _take(self, draft: Any, refresh: bool) -> AdditiveRecommender:
        if refresh:
            draft._solve()
            draft._is_cold = draft.statistics_.item_counts == 0
        self._commit(draft)
        return self


def _hash_of(value: Any) -> str:
    """Hash the value of a parameter; equal numbers of different types are equal."""
    return str(joblib.hash(float(value) if isinstance(value, Real) else value))
