"""What a rule is to a recommender whose lists it reorders."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

__all__ = ["ListRule"]


class ListRule(BaseEstimator, metaclass=ABCMeta):
    """Base class of the rules of a :class:`RerankedRecommender`.

    A rule of your own defines :meth:`reorder` and, if it learns something, :meth:`fit`. Its
    ``__init__`` only assigns, as that of any estimator.
    """

    def fit(self, X: sp.csr_array, model: Any) -> ListRule:
        """Learn what the rule needs to know, and check its parameters.

        Parameters
        ----------
        X : csr_array of shape (n_users, n_items)
            What the model was learned from.
        model : object
            The fitted recommender.

        Returns
        -------
        self : object
            The rule.
        """
        return self

    @abstractmethod
    def reorder(self, indices: np.ndarray, scores: np.ndarray, X: sp.csr_array) -> np.ndarray:
        """Bring lists into another order.

        Parameters
        ----------
        indices : ndarray of shape (n_rows, m), intp
            The best items of each row, of those that are not in its history, best first; -1 at the
            end of rows with fewer.
        scores : ndarray of shape (n_rows, m)
            What the model gives them; NaN where the index is -1.
        X : csr_array of shape (n_rows, n_items)
            The histories. What becomes of a row must depend on that row alone.

        Returns
        -------
        ndarray of shape (n_rows, m), intp
            Item columns, none twice; as many in each row as before. Other items than the given
            ones may be among them, but none of the history.
        """
