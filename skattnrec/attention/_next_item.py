"""Probabilities of the next item, and samples of it, from the scores of a ranking model."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._kernels.topk import mask_entries

__all__ = ["NextItemMixin"]


class NextItemMixin:
    """``predict_proba`` and ``sample`` for recommenders whose scores rank items."""

    proba_temperature: float

    def predict_proba(
        self, X: Any, *, timestamps: Any = None, exclude_seen: bool = True
    ) -> np.ndarray:
        r"""Give the probability of each item to be the next one.

        It is a softmax over the catalogue of the scores in units of their standard deviation,

        .. math:: p_{ui} \propto \exp\left(\frac{s_{ui}}{\sigma_u \tau_p}\right)

        with :math:`\tau_p` = ``proba_temperature`` and :math:`\sigma_u` the standard deviation of
        the scores of row u over all items.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``.
        exclude_seen : bool, default=True
            Give items of the history no probability, unless there are no others.

        Returns
        -------
        ndarray of shape (n_rows, n_items)
            Rows sum to 1.
        """
        check_is_fitted(self)
        X, times = self._validate(X, timestamps, reset=False)  # type: ignore[attr-defined]
        scores = self._score_or_prior(X, times)  # type: ignore[attr-defined]
        spread = scores.std(axis=1, keepdims=True, dtype=np.float64)
        scores /= np.where(spread > 0, spread * self.proba_temperature, 1)
        if exclude_seen:
            open_rows = np.diff(X.indptr) < X.shape[1]
            seen, masked = X[open_rows], scores[open_rows]
            mask_entries(masked, seen.indptr, seen.indices)
            scores[open_rows] = masked
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def sample(
        self,
        X: Any,
        random_state: Any = None,
        *,
        timestamps: Any = None,
        exclude_seen: bool = True,
    ) -> np.ndarray:
        """Draw the next item of each history from :meth:`predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``.
        exclude_seen : bool, default=True
            Never draw items of the history, unless there are no others.

        Returns
        -------
        ndarray of shape (n_rows,), intp
            Item columns.
        """
        probabilities = self.predict_proba(X, timestamps=timestamps, exclude_seen=exclude_seen)
        cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
        draws = check_random_state(random_state).random_sample(len(cumulative))
        targets = (draws * cumulative[:, -1])[:, None]
        return (cumulative <= targets).sum(axis=1)
