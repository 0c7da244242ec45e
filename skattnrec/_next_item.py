"""Probabilities of the next item, and samples of it, from the scores of a ranking model."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ._compat import Interval, validate_params
from ._kernels.topk import mask_entries

__all__ = ["NextItemMixin"]


class NextItemMixin:
    """``predict_proba`` and ``sample`` for recommenders whose scores rank items."""

    def predict_proba(
        self,
        X: Any,
        *,
        temperature: float = 1.0,
        timestamps: Any = None,
        user_features: Any = None,
        exclude_seen: bool = True,
    ) -> np.ndarray:
        r"""Give the probability of each item to be the next one.

        It is a softmax over the catalogue of the scores in units of their standard deviation,

        .. math:: p_{ui} \propto \exp\left(\frac{s_{ui}}{\sigma_u \tau}\right)

        with :math:`\tau` = ``temperature`` and :math:`\sigma_u` the standard deviation of
        the scores of row u over all items.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        temperature : float, default=1.0
            Positive. Low values bet on the best items, high ones on all alike.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``, for models that need it.
        user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
            What is known of the user of each row, if the model was fitted with it.
        exclude_seen : bool, default=True
            Give items of the history no probability, unless there are no others.

        Returns
        -------
        ndarray of shape (n_rows, n_items)
            Rows sum to 1.
        """
        _check_temperature(temperature)
        model = self._fitted()  # type: ignore[attr-defined]
        X, context = model._validate(X, timestamps, user_features, reset=False)
        scores = model._score_or_prior(X, context)
        spread = scores.std(axis=1, keepdims=True, dtype=np.float64)
        if exclude_seen:
            open_rows = np.diff(X.indptr) < X.shape[1]
            seen, masked = X[open_rows], scores[open_rows]
            mask_entries(masked, seen.indptr, seen.indices)
            scores[open_rows] = masked
        scores -= scores.max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):  # infinitely worse than the best
            scores /= np.where(spread > 0, spread, 1)
            scores /= max(temperature, np.finfo(scores.dtype).tiny)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def sample(
        self,
        X: Any,
        random_state: Any = None,
        *,
        temperature: float = 1.0,
        timestamps: Any = None,
        user_features: Any = None,
        exclude_seen: bool = True,
    ) -> np.ndarray:
        """Draw the next item of each history from :meth:`predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.
        temperature : float, default=1.0
            Positive. Low values bet on the best items, high ones on all alike.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``, for models that need it.
        user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
            What is known of the user of each row, if the model was fitted with it.
        exclude_seen : bool, default=True
            Never draw items of the history, unless there are no others.

        Returns
        -------
        ndarray of shape (n_rows,), intp
            Item columns.
        """
        probabilities = self.predict_proba(
            X,
            temperature=temperature,
            timestamps=timestamps,
            user_features=user_features,
            exclude_seen=exclude_seen,
        )
        cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
        draws = check_random_state(random_state).random_sample(len(cumulative))
        targets = (draws * cumulative[:, -1])[:, None]
        return (cumulative <= targets).sum(axis=1)


@validate_params(
    {"temperature": [Interval(Real, 0, None, closed="neither")]},
    prefer_skip_nested_validation=True,
)
def _check_temperature(temperature: float) -> None:
    """Refuse what is no temperature."""
