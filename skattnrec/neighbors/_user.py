"""User-user collaborative filtering: recommend what similar users know.

The neighbours of a history are found when it is asked for, among the users seen in ``fit``; P.
Resnick et al., "GroupLens: an open architecture for collaborative filtering of netnews", CSCW 1994.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_scalar

from .._context import Context
from .._kernels.entries import rows_of_entries
from .._kernels.rounding import negligible
from .._structure import with_data
from ._base import Factors, NeighborRecommender, multiply
from ._twins import TwinFinder

__all__ = ["UserUserCF"]


class UserUserCF(NeighborRecommender):
    r"""Recommend what users with a similar history know.

    Parameters
    ----------
    n_neighbors : int, default=50
        How many users are asked.
    similarity : str, default="cosine"
        How two histories are compared: "cosine", "adjusted_cosine", "pearson", "jaccard" or
        "conditional_probability"; see the notes.
    weighting : {"tfidf", "bm25", "uniform"} or None, default=None
        Implicit feedback and "cosine", "jaccard" or "conditional_probability" only: how much an
        item says about the users who know it. Popular items say less, but for "uniform". None
        means "tfidf" there, and is the only choice elsewhere.
    shrinkage : float, default=0.0
        Similarities that rest on n items are multiplied by n / (n + ``shrinkage``) [1]_.
    min_similarity : float, default=0.0
        Users as similar as this, or less, are no neighbours. With a negative value unlike users
        may be, and count against.
    popularity_exponent : float or None, default=None
        "conditional_probability" only: how much users of many items are held back, from 0 (not)
        to 1. None means 0.5.
    center : {"user", "item", "baseline", "zero"} or None, default=None
        Explicit feedback only: what is subtracted from ratings before they are compared by
        "cosine", and before they are averaged. None means "user".
    damping : float or None, default=None
        Explicit feedback only: added to the sum of similarities that a weighted mean is divided by,
        so that few neighbours, or not very similar ones, move a prediction less. None means 0.
    feedback : {"implicit", "explicit"}, default="implicit"
        "implicit": entries say how much users want items, and scores rank items. "explicit":
        entries are ratings, of any sign, and predictions are ratings.

    Attributes
    ----------
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: the number of known ratings of each item, or for explicit
        feedback its mean rating, damped by five ratings of the overall mean.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    ItemItemCF : Recommend what resembles the history; documents similarities and centres.

    Notes
    -----
    With N(u) the ``n_neighbors`` users most similar to the history u, :math:`U_i` those who know
    item i, and :math:`s_{uv}` the similarity,

    .. math::
        \text{implicit: } \hat r_{ui} = \sum_{v \in N(u) \cap U_i} s_{uv} a_{vi}
        \qquad
        \text{explicit: } \hat r_{ui} = c_{ui} +
        \frac{\sum_{v \in N(u) \cap U_i} s_{uv} (r_{vi} - c_{vi})}
        {\delta + \sum_{v \in N(u) \cap U_i} |s_{uv}|}

    where :math:`\delta` is ``damping`` (with the centre "zero", :math:`\delta` times ``prior_`` is
    added on top of the fraction) and by default :math:`c_{ui} = \bar r_u`, the mean rating of the
    user [2]_. Where no neighbour knows the item, the prediction is :math:`c_{ui}`, and with "zero"
    ``prior_``.

    The amounts a, similarities, weights and centres are those of :class:`ItemItemCF`, with users
    and items changing places, but for the adjusted cosine, which always subtracts the means of
    users, and the conditional probability of v given u, :math:`n_{uv} / (n_u n_v^\gamma)`, where
    each u has its own ``n_neighbors`` v. "pearson" is the correlation over the items that both
    users rated, with means over those items.

    Rows are not looked up by their number. A user of ``fit`` whose history equals the one in
    question, in its columns and ratings, counts as the same user and is no neighbour.

    Ratings are predicted better with more shrinkage, more neighbours, damping and the baseline: try
    ``n_neighbors=200, shrinkage=30, damping=0.2, center="baseline"``.

    References
    ----------
    .. [1] J. Herlocker, J. Konstan, A. Borchers, J. Riedl, "An algorithmic framework for performing
       collaborative filtering", SIGIR 1999, for the idea; the formula is that of Y. Koren,
       "Factorization meets the neighborhood", KDD 2008.
    .. [2] P. Resnick, N. Iacovou, M. Suchak, P. Bergstrom, J. Riedl, "GroupLens: an open
       architecture for collaborative filtering of netnews", CSCW 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.neighbors import UserUserCF
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 5]])
    >>> model = UserUserCF(n_neighbors=2).fit(X)
    >>> indices, _ = model.recommend([[5, 0, 0, 0], [0, 0, 0, 5]], k=1)
    >>> indices.ravel()
    array([1, 2])
    >>> users, _ = model.similar_users(X[:1], k=2)
    >>> users
    array([[1, 3]])
    """

    _default_center = "user"

    def __init__(
        self,
        n_neighbors: int = 50,
        *,
        similarity: str = "cosine",
        weighting: str | None = None,
        shrinkage: float = 0.0,
        min_similarity: float = 0.0,
        popularity_exponent: float | None = None,
        center: str | None = None,
        damping: float | None = None,
        feedback: str = "implicit",
    ):
        self.n_neighbors = n_neighbors
        self.similarity = similarity
        self.weighting = weighting
        self.shrinkage = shrinkage
        self.min_similarity = min_similarity
        self.popularity_exponent = popularity_exponent
        self.center = center
        self.damping = damping
        self.feedback = feedback

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        X = X.copy()  # it is kept, and may be changed by whom it belongs to
        values = self._fit_values(X)
        users = self._compared(values)
        self._weights = self._fit_weighting(users)
        self._search = self._fit_search(self._weights.apply(users))
        self._twins = TwinFinder(X)
        self._votes = with_data(X, self._center.residuals(values))  # n_users x n_items
        self._known = None
        if self._predicts_ratings():
            self._known = with_data(X, np.ones_like(X.data))

    def _neighbors(self, X: sp.csr_array, n_neighbors: int) -> sp.csr_array:
        """Similarities of the nearest users of fit, (n_rows, n_users)."""
        rows = self._weights.apply(self._compared(self._values(X)))
        return self._search.query(rows, n_neighbors, self._twins.find(X))

    def _factors(self, X: sp.csr_array) -> Factors:
        return self._neighbors(X, self.n_neighbors), self._votes

    def _weight_factors(self, votes: Factors) -> Factors:
        return abs(votes[0]), self._known

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Contribution of neighbour v to item i: its vote, or its part of the mean."""
        near = self._neighbors(X, self.n_neighbors)
        users = near.indices.astype(np.intp)
        votes = self._votes[users][:, items]  # (s, n)
        known = with_data(votes, np.ones_like(votes.data)).toarray().T  # (n, s)
        baseline, weights = self._split(X, near.data * known, items)
        extra = {"source": "user", "weights": weights}
        return baseline, users, weights * votes.toarray().T, extra

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Cosine of the columns of the ratings, less the centre."""
        size = np.abs(self._votes.data).max(initial=0)
        votes = with_data(self._votes, np.ldexp(self._votes.data, -np.frexp(size)[1]))
        squares = np.square(votes.data, dtype=np.float64)
        lengths = np.sqrt(np.bincount(votes.indices, squares, minlength=votes.shape[1]))
        scale = np.divide(1, lengths, out=np.zeros(lengths.shape), where=lengths > 0)
        products = multiply(votes[:, items].T.tocsr(), votes)
        cosines = (products * (scale[items, None] * scale)).astype(votes.dtype)
        if votes.data.min(initial=0) < 0:
            cosines[np.abs(cosines) <= negligible(votes.dtype)] = 0
        return cosines

    def similar_users(self, X: Any, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the users of ``fit`` most like given histories.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories, of known users or new ones.
        k : int, default=10
            Length of each list, padded with -1 beyond the number of users seen in ``fit``.

        Returns
        -------
        indices : ndarray of shape (n_rows, k)
            Row numbers of the training matrix, most similar first, ties to the lower row; -1
            where a history has fewer than k neighbours. Never a row with the same history.
        scores : ndarray of shape (n_rows, k)
            Their similarities, NaN where the index is -1.

        Raises
        ------
        TypeError, ValueError
            If ``k`` is not a positive integer.
        """
        model = self._fitted()
        X, _ = model._validate(X, None, None, reset=False)
        k = check_scalar(k, "k", Integral, min_val=1)
        near = model._neighbors(X, k)
        rows = rows_of_entries(near.indptr)
        order = np.lexsort((near.indices, -near.data, rows))
        rank = np.arange(near.nnz) - near.indptr[rows]
        indices = np.full((X.shape[0], k), -1, dtype=np.intp)
        scores = np.full((X.shape[0], k), np.nan, dtype=near.dtype)
        indices[rows, rank] = near.indices[order]
        scores[rows, rank] = near.data[order]
        return indices, scores
