"""Baseline of ratings: who rates high, what is rated high, and no personal taste.

Reference: Y. Koren, "Factor in the neighbors: scalable and accurate collaborative filtering",
ACM TKDD 4(1), 2010.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import Interval
from .._context import Context
from .._kernels.baseline import DAMPING, fit_baseline, row_offsets
from .._kernels.rounding import without_rounding
from ..base import BaseRecommender

__all__ = ["BaselinePredictor"]


class BaselinePredictor(BaseRecommender):
    r"""Predict ratings by the mean, plus what the item adds, plus what the user adds.

    Parameters
    ----------
    user_damping : float, default=5.0
        Ratings of value 0 that are added to what a user's offset is the mean of.
    item_damping : float, default=5.0
        The same for items. Few ratings say little: the more damping, the closer to the mean.
    max_iter : int, default=20
        How often the offsets of items and users are worked out in turn, at most.
    tol : float, default=1e-4
        Stop when an iteration lowers the loss by less than this share of it.
    clip : bool, default=False
        Keep predictions between the lowest and the highest rating of ``fit``. ``explain`` splits
        what is predicted without it.

    Attributes
    ----------
    mean_ : float
        Mean of the known ratings, :math:`\mu` in the notes.
    item_biases_ : ndarray of shape (n_features_in_,)
        :math:`b_i`, 0 for items without ratings.
    user_biases_ : ndarray of shape (n_users,)
        :math:`b_u` of the users of ``fit``. ``predict`` works them out from the histories.
    rating_range_ : tuple of (float, float)
        The lowest and the highest rating.
    loss_curve_ : list of float
        The loss after each iteration, as a share of the number of ratings. It never rises.
    n_iter_ : int
        Number of iterations run.
    prior_ : ndarray of shape (n_features_in_,)
        What an empty history gets: :math:`\mu + b_i`.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    PopularityRecommender : The yardstick of rankings.
    ALSFactorizer : The same offsets, and taste on top of them.

    Notes
    -----
    The prediction is :math:`b_{ui} = \mu + b_u + b_i`, with the offsets that minimise

    .. math::
        \sum_{u,i} (r_{ui} - \mu - b_u - b_i)^2
        + d_u \sum_u b_u^2 + d_i \sum_i b_i^2

    over the known ratings, :math:`d_u` and :math:`d_i` the damping. The minimum is unique where
    both are positive; alternating reaches it, each step being a damped mean:

    .. math::
        b_i = \frac{\sum_u (r_{ui} - \mu - b_u)}{d_i + n_i} \qquad
        b_u = \frac{\sum_i (r_{ui} - \mu - b_i)}{d_u + n_u} .

    References
    ----------
    .. [1] Y. Koren, "Factor in the neighbors: scalable and accurate collaborative filtering",
       ACM TKDD 4(1), 2010, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import BaselinePredictor
    >>> X = np.array([[5, 3, 0], [4, 0, 2], [0, 1, 3]])
    >>> model = BaselinePredictor(user_damping=1, item_damping=1).fit(X)
    >>> model.mean_
    3.0
    >>> model.predict([[5, 0, 0], [0, 0, 1]]).round(2)
    array([[4.44, 2.81, 3.44],
           [2.94, 1.31, 1.94]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "user_damping": [Interval(Real, 0, None, closed="left")],
        "item_damping": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "clip": ["boolean"],
    }

    def __init__(
        self,
        user_damping: float = DAMPING,
        item_damping: float = DAMPING,
        *,
        max_iter: int = 20,
        tol: float = 1e-4,
        clip: bool = False,
    ):
        self.user_damping = user_damping
        self.item_damping = item_damping
        self.max_iter = max_iter
        self.tol = tol
        self.clip = clip

    def _predicts_ratings(self) -> bool:
        return True

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        self.mean_, items, self.loss_curve_ = fit_baseline(
            X.indptr,
            X.indices,
            X.data,
            X.shape[1],
            user_damping=self.user_damping,
            item_damping=self.item_damping,
            max_iter=self.max_iter,
            tol=self.tol,
        )
        self.n_iter_ = max(1, len(self.loss_curve_))
        self._user_damping = self.user_damping
        self.item_biases_ = items.astype(X.dtype)
        self.prior_ = (self.mean_ + items).astype(X.dtype)
        self.user_biases_ = self._user_biases(X)
        low, high = (X.data.min(), X.data.max()) if X.nnz else (0, 0)
        self.rating_range_ = float(low), float(high)

    def _user_biases(self, X: sp.csr_array) -> np.ndarray:
        offsets = row_offsets(X.indptr, X.indices, X.data, self.prior_, self._user_damping)
        return offsets.astype(X.dtype)

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        scores = self.prior_ + self._user_biases(X)[:, None]
        return scores.clip(*self.rating_range_) if self.clip else scores

    def _score_pairs(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Scores of given pairs, (n_pairs,)."""
        scores = self.prior_[items] + self._user_biases(X)[rows]
        return scores.clip(*self.rating_range_) if self.clip else scores

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Each rating of the history adds its share of the user's offset to every item alike."""
        history = X.indices.astype(np.intp)
        shares = (X.data - self.prior_[history]) / (len(history) + self._user_damping)
        contributions = np.tile(shares, (len(items), 1)).astype(X.dtype)
        return self.prior_[items], history, contributions, {}

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Items are alike whose offsets are: minus their distance."""
        distances = np.abs(self.item_biases_[items, None] - self.item_biases_)
        largest = np.abs(self.prior_).max()
        return -without_rounding(distances, largest, distances.dtype)
