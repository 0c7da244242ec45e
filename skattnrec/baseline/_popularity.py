"""Popularity: the same scores for everybody, the yardstick below which no model should fall."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import StrOptions
from .._context import Context
from ..base import BaseRecommender

__all__ = ["PopularityRecommender"]


class PopularityRecommender(BaseRecommender):
    r"""Recommend what most users know.

    Parameters
    ----------
    popularity : {"count", "sum"}, default="count"
        What counts: the number of an item's known ratings, or their sum.

    Attributes
    ----------
    prior_ : ndarray of shape (n_features_in_,)
        The score of each item.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    ItemItemCF : The simplest model of personal taste.

    Notes
    -----
    .. math:: s_{ui} = |\{v : r_{vi} \text{ known}\}| \quad\text{or}\quad \sum_v r_{vi}

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import PopularityRecommender
    >>> X = np.array([[5, 3, 0], [4, 0, 0], [0, 2, 1]])
    >>> indices, scores = PopularityRecommender().fit(X).recommend(X, k=1)
    >>> indices.ravel()
    array([2, 1, 0])
    >>> scores.ravel()
    array([1., 2., 2.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "popularity": [StrOptions({"count", "sum"})]
    }

    def __init__(self, popularity: str = "count"):
        self.popularity = popularity

    def _prior(self, X: sp.csr_array) -> np.ndarray:
        if self.popularity == "count":
            return super()._prior(X)
        return np.bincount(X.indices, X.data, minlength=X.shape[1]).astype(X.dtype)

    def _largest_rating(self, dtype: Any) -> float:
        return float(np.finfo(dtype).max) ** (0.75 if self.popularity == "sum" else 1)  # sums

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        """Learn nothing beyond the prior."""

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return np.tile(self.prior_, (X.shape[0], 1))

    def _score_pairs(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Scores of given pairs, (n_pairs,)."""
        return self.prior_[items]

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Nothing in the history matters: the prior is the whole score."""
        nothing = np.empty((len(items), 0), self.prior_.dtype)
        return self.prior_[items], np.empty(0, np.intp), nothing, {}

    def _entries_add_up(self) -> bool:
        return True
