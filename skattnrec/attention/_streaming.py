"""Users come and go: the statistics of their histories add up, the votes follow."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from .._compat import fit_context
from ..base import BaseRecommender
from ._logits import Attention
from ._statistics import SufficientStatistics

__all__ = ["StreamingRecommender"]


class StreamingRecommender(BaseRecommender):
    """Exact learning and unlearning of users, for models solved from sufficient statistics."""

    objective: str
    statistics_: SufficientStatistics
    _attention: Attention

    # -- what a model defines -----------------------------------------------------------------

    @abstractmethod
    def _count(self, X: sp.csr_array, times: np.ndarray | None) -> SufficientStatistics:
        """Statistics of some users."""

    @abstractmethod
    def _solve(self) -> None:
        """Set the votes that follow from ``statistics_``."""

    # -- what users call ----------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any = None, *, timestamps: Any = None, refresh: bool = True
    ) -> StreamingRecommender:
        """Learn from more users; the result is that of one ``fit`` on all of them.

        To replace a user's history by a longer one, forget the old one first.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories of users that were not learned from before.
        y : Ignored
            Accepted for scikit-learn's sake and never used.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            The time of every entry of ``X``: always or never.
        refresh : bool, default=True
            Solve for the votes now. With False the model keeps its votes, and call
            :meth:`refresh` when a few batches are in.

        Returns
        -------
        self : object
            The estimator.
        """
        if not hasattr(self, "values_"):
            return self.fit(X, timestamps=timestamps)
        self._update(X, timestamps, +1)
        return self.refresh() if refresh else self

    def forget(
        self, X: Any, *, timestamps: Any = None, refresh: bool = True
    ) -> StreamingRecommender:
        """Unlearn users; the result is that of a ``fit`` without them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_users, n_items)
            Histories that were learned from, exactly as they were given.
        timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
            Their times, if they were learned with times.
        refresh : bool, default=True
            Solve for the votes now, so that nothing of the users is left in them.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If an item would be left with fewer than no ratings: these rows were never learned.
        """
        check_is_fitted(self)
        self._update(X, timestamps, -1)
        return self.refresh() if refresh else self

    def refresh(self) -> StreamingRecommender:
        """Solve for the votes from the statistics of the users learned so far.

        Returns
        -------
        self : object
            The estimator.
        """
        check_is_fitted(self)
        self._check_additive()
        self._solve()
        return self

    # -- shared steps -------------------------------------------------------------------------

    def _check_additive(self) -> None:
        if self.objective == "rating":
            raise ValueError(
                "objective='rating' has no statistics that add up over users: its baselines depend "
                "on all ratings. Fit again instead."
            )

    def _update(self, X: Any, timestamps: Any, sign: Literal[1, -1]) -> None:
        self._check_additive()
        X, times = self._validate(X, timestamps, reset=False)
        if (times is not None) != self._attention.is_causal:
            raise ValueError(
                "The model was fitted with timestamps: give those of X."
                if self._attention.is_causal
                else "The model was fitted without timestamps: leave them out."
            )
        change = self._count(X, times)
        if sign > 0:
            self.statistics_ = self.statistics_ + change
            return
        missing = np.flatnonzero(self.statistics_.item_counts < change.item_counts)
        if missing.size:
            j = missing[0]
            raise ValueError(
                f"These rows hold {change.item_counts[j]} ratings of item {j}, of which only "
                f"{self.statistics_.item_counts[j]} were learned: forget what was learned."
            )
        self.statistics_ = self.statistics_ - change
