"""Ratings predicted by attention over what a history says about ratings."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._compat import Interval
from .._context import Context
from .._kernels._blas import one_blas_thread
from .._kernels.baseline import DAMPING, fit_baseline, row_offsets
from .._kernels.entries import rows_of_entries
from .._kernels.products import csr_times_csr
from .._kernels.rating_votes import fit_rating_votes
from .._kernels.similarity import PRODUCT, most_similar
from .._spreads import in_spreads
from ._base import BaseAttention, all_equal
from ._parameters import CONSTRAINTS, DEFAULTS, documented
from ._weights import SetAttention, ladder

__all__ = ["AttentionRatingPredictor"]

_FARTHEST = 10.0  # spreads from the centre that a rating may be
_SHRINKAGE = 50.0  # of the similarities that voters are chosen by
_MAX_ITER = 10  # of the baseline
_ROUNDING = 640.0  # numbers of machine precision that a rating may be off the baseline by chance


@documented
class AttentionRatingPredictor(BaseAttention):
    r"""Predict ratings by attention over the known ones, learned in closed form.

    A rating is what is usual for the item and the user, plus votes of the history: each of its
    items votes by how far its rating is from what is usual, and by being there at all. How loud
    an item speaks is its attention weight; what it votes for is learned by a ridge regression.

    Parameters
    ----------
    n_heads : int, default=1
        Number of heads.
    {temperature}
    temperature_ratio : float, default=0.5
        Positive. Head h has temperature ``temperature * temperature_ratio ** h``.
    rating_center : float, default=None
        The rating that counts as usual. None learns the median of the known ratings.
    rating_spread : float, default=None
        Positive. By how much ratings differ: weights see up to 2.5 spreads, and ratings count as at
        most 10 spreads from the centre. None learns the standard deviation of the known ratings,
        the lowest and the highest 5 % of them moved to where the others end.
    {smoothing}
    regularization : float, default=200.0
        Positive ridge penalty, in pseudo-observations.
    n_neighbors : int, default=200
        How many items may vote for each one: those whose ratings are most like or unlike its own.
    {verbose}

    Attributes
    ----------
    values_, presence_values_ : list of n_heads csr_array of shape (n_features_in_, n_features_in_)
        Row j holds the votes of item j: by its rating, and by being there.
    {rating_center_}
    {temperatures_}
    prior_ : ndarray of shape (n_features_in_,)
        Ratings of an empty history: :math:`\mu + b_i`.
    {n_features_in_}
    {feature_names_in_}

    See Also
    --------
    AttentionRecommender : Ranks items.
    skattnrec.BaselinePredictor : What is usual, alone.
    skattnrec.RatingRegressor : Predicts ratings of pairs in a table.

    Notes
    -----
    With attention weights a as in :class:`AttentionRecommender`, with heads of several temperatures
    as in :class:`MultiHeadAttentionRecommender`, and the baseline
    :math:`b_{ui} = \mu + b_u + b_i` of :class:`~skattnrec.BaselinePredictor`,

    .. math::
        \hat r_{ui} = b_{ui} + \sum_h \sum_{j \in H(u)} a^h_{uj}
            \big((r_{uj} - b_{uj}) V^h_{ji} + s \, P^h_{ji}\big)

    with s the root mean square of :math:`r_{uj} - b_{uj}`, which makes both kinds of votes free of
    the unit of ratings. The votes for an item are a ridge regression on the users who rated it,
    over its neighbours, with the penalty :math:`s^2 \lambda` [1]_. They are sparse, so that memory
    grows with the number of items only. Predictions scale with the ratings.

    References
    ----------
    .. [1] Koren, Factor in the neighbors: scalable and accurate collaborative filtering, ACM TKDD
       4(1), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRatingPredictor
    >>> X = np.array([[5, 4, 1, 0], [4, 5, 1, 2], [1, 2, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRatingPredictor(regularization=1).fit(X)
    >>> ratings = model.predict([[5, 0, 0, 0]])
    >>> bool(ratings[0, 1] > ratings[0, 2])
    True
    """

    regularization: float

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: CONSTRAINTS[name]
            for name in (
                "n_heads",
                "temperature",
                "temperature_ratio",
                "rating_center",
                "rating_spread",
                "smoothing",
                "verbose",
            )
        },
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_heads: int = 1,
        *,
        temperature: float = DEFAULTS["temperature"],
        temperature_ratio: float = DEFAULTS["temperature_ratio"],
        rating_center: float | None = None,
        rating_spread: float | None = None,
        smoothing: float = DEFAULTS["smoothing"],
        regularization: float = 200.0,
        n_neighbors: int = 200,
        verbose: bool = False,
    ):
        self.n_heads = n_heads
        self.temperature = temperature
        self.temperature_ratio = temperature_ratio
        self.rating_center = rating_center
        self.rating_spread = rating_spread
        self.smoothing = smoothing
        self.regularization = regularization
        self.n_neighbors = n_neighbors
        self.verbose = verbose

    def _predicts_ratings(self) -> bool:
        return True

    def _n_steps(self) -> int:
        return 1

    def _make_temperatures(self) -> np.ndarray:
        return ladder(self.temperature, self.temperature_ratio, self.n_heads)

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        self._attention = SetAttention(self._learn_logits(X), self.smoothing, 0.0, None)
        self._warn_of_idle(X)
        with self._step_progress("votes"):
            self._votes = RatingVotes(
                self._in_spreads(X),
                self._weights(X, context),
                self.regularization,
                self.n_neighbors,
            )
        self.values_ = self._votes.by_rating
        self.presence_values_ = self._votes.by_presence
        self.prior_ = self._as_ratings(self._votes.levels.copy())

    def _warn_of_idle(self, X: sp.csr_array) -> None:
        self._warn_of_idle_ratings(X, reads_more=False)
        if self.n_heads == 1:
            if self.temperature_ratio != DEFAULTS["temperature_ratio"]:
                self._warn("temperature_ratio", "there is one head")
        elif np.isinf(self.temperature) or self.temperature_ratio == 1 or all_equal(X):
            self._warn("n_heads", "all heads are the same")

    def _attend(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._attention.weights(X)

    def _in_spreads(self, X: sp.csr_array) -> sp.csr_array:
        """Ratings as distances from the centre, in spreads."""
        distances = in_spreads(X.data, self.rating_center_, self.rating_spread_, _FARTHEST)
        return sp.csr_array((distances.astype(X.dtype), X.indices, X.indptr), shape=X.shape)

    def _as_ratings(self, distances: np.ndarray) -> np.ndarray:
        """Turn distances back to ratings, in place, as far as numbers go."""
        limits = np.finfo(distances.dtype)
        with np.errstate(over="ignore"):
            distances *= min(self.rating_spread_, limits.max)
            distances += np.clip(self.rating_center_, limits.min, limits.max)
        return np.clip(distances, limits.min, limits.max, out=distances)

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        scores = self._votes.score(self._in_spreads(X), self._weights(X, context))
        return self._as_ratings(scores)

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Every vote is weight times value: the split is exact."""
        weights = self._weights(X, context)
        levels, heads = self._votes.explain(self._in_spreads(X), weights, items)
        heads = heads * heads.dtype.type(min(self.rating_spread_, np.finfo(heads.dtype).max))
        baseline = self._as_ratings(levels)
        told = {"heads": heads, "weights": np.repeat(weights[:, None], len(items), axis=1)}
        return baseline, X.indices.astype(np.intp), heads.sum(axis=0), told

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Votes by rating alone."""
        return np.sum([votes[items].toarray() for votes in self.values_], axis=0)


class RatingVotes:
    """The learned votes.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
        Ratings in spreads from the centre.
    weights : ndarray of shape (n_heads, nnz)
        Attention of each head.
    regularization : float
        Penalty of squared votes, in pseudo-observations.
    n_neighbors : int
        How many items may vote for each one.

    Attributes
    ----------
    levels : ndarray of shape (n_items,)
        Mean rating plus what each item adds: the rating of an empty history.
    by_rating, by_presence : list of n_heads csr_array of shape (n_items, n_items)
        V and P of the module docstring: row j holds the votes of item j.
    """

    def __init__(
        self, X: sp.csr_array, weights: np.ndarray, regularization: float, n_neighbors: int
    ):
        mean, offsets, _ = fit_baseline(X.indptr, X.indices, X.data, X.shape[1], max_iter=_MAX_ITER)
        self.levels = (mean + offsets).astype(X.dtype)
        residuals = self._residuals(X)
        mean_square = float(np.mean(np.square(residuals, dtype=np.float64))) if X.nnz else 0.0
        self.scale = X.dtype.type(np.sqrt(mean_square) or 1.0)
        R = sp.csr_array((residuals, X.indices, X.indptr), shape=X.shape)
        support = _support(R, n_neighbors)
        unit = float(np.mean(np.square(weights, dtype=np.float64))) if X.nnz else 1.0
        penalty = X.dtype.type(regularization * unit * self.scale**2)
        T = R.tocsc()
        with one_blas_thread():  # every thread of the kernel calls BLAS
            votes = fit_rating_votes(
                X.indptr,
                X.indices,
                self._channels(X, weights),
                T.indptr,
                T.indices,
                T.data,
                support.indptr,
                support.indices,
                penalty,
            )
        # a row of votes holds those for an item; as a CSC array those are a column
        matrices = [
            sp.csc_array((channel, support.indices, support.indptr), shape=support.shape).tocsr()
            for channel in votes
        ]
        n_heads = len(weights)
        self.by_rating, self.by_presence = matrices[:n_heads], matrices[n_heads:]

    def _offsets(self, X: sp.csr_array) -> np.ndarray:
        """Tell what each history adds to the levels, (n_rows,)."""
        offsets = row_offsets(X.indptr, X.indices, X.data, self.levels, DAMPING)
        return offsets.astype(X.dtype)

    def _residuals(self, X: sp.csr_array) -> np.ndarray:
        """Ratings less the baseline, (nnz,)."""
        usual = self.levels[X.indices] + self._offsets(X)[rows_of_entries(X.indptr)]
        residuals = X.data - usual
        residuals[np.abs(residuals) < _ROUNDING * np.finfo(X.dtype).eps] = 0  # no taste
        return residuals

    def _channels(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """List what votes are multiplied with: (2 n_heads, nnz), those by rating first."""
        return np.concatenate([weights * self._residuals(X), weights * self.scale])

    def score(self, X: sp.csr_array, weights: np.ndarray) -> np.ndarray:
        """Ratings of all items, (n_rows, n_items)."""
        ratings = self.levels + self._offsets(X)[:, None]
        for channel, votes in zip(
            self._channels(X, weights), self.by_rating + self.by_presence, strict=True
        ):
            history = X.indptr, X.indices, channel
            ratings += csr_times_csr(history, (votes.indptr, votes.indices, votes.data), X.shape[1])
        return ratings

    def explain(
        self, X: sp.csr_array, weights: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Baseline, (n,), and contributions of the heads, (n_heads, n, s), of one row."""
        channels = self._channels(X, weights)
        parts = [
            votes[X.indices][:, items].toarray().T * channel  # (n, s)
            for channel, votes in zip(channels, self.by_rating + self.by_presence, strict=True)
        ]
        heads = np.array(parts).reshape(2, len(weights), len(items), X.nnz).sum(axis=0)
        return self.levels[items] + self._offsets(X), heads


def _support(R: sp.csr_array, n_neighbors: int) -> sp.csr_array:
    """Choose the items that may vote for each item: those most like and most unlike it.

    Parameters
    ----------
    R : csr_array of shape (n_users, n_items)
        Residuals.
    n_neighbors : int

    Returns
    -------
    csr_array of shape (n_items, n_items)
        Shrunk cosines of at most ``n_neighbors`` items in each row, never the item itself.
    """
    n_items = R.shape[1]
    T = R.T.tocsr()
    norms = np.sqrt(np.bincount(R.indices, np.square(R.data), minlength=n_items))
    norms = np.divide(1, norms, out=np.zeros(n_items), where=norms > 0).astype(R.dtype)
    itself = np.arange(n_items)
    ranges = np.column_stack([itself, itself + 1])
    found = []
    for sign in (1, -1):
        left, right = (T.indptr, T.indices, sign * T.data), (R.indptr, R.indices, R.data)
        indptr, indices, data = most_similar(
            left, right, norms, norms, PRODUCT, n_neighbors, itself, ranges, _SHRINKAGE, 0.0
        )
        found.append(sp.csr_array((data, indices, indptr), shape=(n_items, n_items)))
    return _largest(sp.csr_array(found[0] + found[1]), n_neighbors)


def _largest(S: sp.csr_array, k: int) -> sp.csr_array:
    """Keep the k largest entries of each row, at ties those of lower columns."""
    rows = rows_of_entries(S.indptr)
    order = np.lexsort((S.indices, -S.data, rows))
    rank = np.empty(S.nnz, np.int64)
    rank[order] = np.arange(S.nnz) - S.indptr[rows]
    kept = rank < k
    indptr = np.append(0, np.cumsum(np.bincount(rows[kept], minlength=S.shape[0])))
    indices = S.indices[kept].astype(np.int32)
    return sp.csr_array((S.data[kept], indices, indptr.astype(np.int32)), shape=S.shape)
