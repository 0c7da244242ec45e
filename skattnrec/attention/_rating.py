r"""The rating objective: attention over what a history says about ratings.

A rating is the baseline plus votes of the history. Item j votes for item i in every head twice: by
how far its rating is off the baseline, and by being in the history at all,

.. math::
    \hat r_{ui} = b_{ui} + \sum_h \sum_{j \in H(u)} a^h_{uj}
        \big((r_{uj} - b_{uj}) V^h_{ji} + s \, P^h_{ji}\big)

with s the root mean square of :math:`r_{uj} - b_{uj}`, which makes both kinds of votes free of the
unit of ratings. The votes for an item are a ridge regression on the users who rated it, over the
items most like or unlike it. Y. Koren, "Factor in the neighbors: scalable and accurate
collaborative filtering", ACM TKDD 4(1), 2010, with attention in the place of equal weights.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels._blas import one_blas_thread
from .._kernels.baseline import DAMPING, fit_baseline, row_offsets
from .._kernels.entries import rows_of_entries
from .._kernels.products import csr_times_csr
from .._kernels.rating_votes import fit_rating_votes
from .._kernels.similarity import PRODUCT, most_similar

__all__ = ["RatingVotes", "item_levels"]

_N_SUPPORT = 200  # items that may vote for an item
_SHRINKAGE = 50.0  # of the similarities that they are chosen by
_MAX_ITER = 10  # of the baseline


def item_levels(X: sp.csr_array) -> np.ndarray:
    """Mean rating plus what each item adds, (n_items,): the rating of an empty history."""
    mean, offsets, _ = fit_baseline(X.indptr, X.indices, X.data, X.shape[1], max_iter=_MAX_ITER)
    return (mean + offsets).astype(X.dtype)


class RatingVotes:
    """The learned votes.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
        Ratings.
    weights : ndarray of shape (n_heads, nnz)
        Attention of each head.
    levels : ndarray of shape (n_items,)
        From :func:`item_levels`.
    regularization : float
        Penalty of squared votes, in pseudo-observations.

    Attributes
    ----------
    by_rating, by_presence : list of n_heads csr_array of shape (n_items, n_items)
        V and P of the module docstring: row j holds the votes of item j.
    """

    def __init__(
        self, X: sp.csr_array, weights: np.ndarray, levels: np.ndarray, regularization: float
    ):
        self.levels = levels
        residuals = self._residuals(X)
        mean_square = float(np.mean(np.square(residuals, dtype=np.float64))) if X.nnz else 0.0
        self.scale = X.dtype.type(np.sqrt(mean_square) or 1.0)
        R = sp.csr_array((residuals, X.indices, X.indptr), shape=X.shape)
        support = _support(R)
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
        return X.data - self.levels[X.indices] - self._offsets(X)[rows_of_entries(X.indptr)]

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


def _support(R: sp.csr_array) -> sp.csr_array:
    """Choose the items that may vote for each item: those most like and most unlike it.

    Parameters
    ----------
    R : csr_array of shape (n_users, n_items)
        Residuals.

    Returns
    -------
    csr_array of shape (n_items, n_items)
        Shrunk cosines of at most ``_N_SUPPORT`` items in each row, never the item itself.
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
            left, right, norms, norms, PRODUCT, _N_SUPPORT, itself, ranges, _SHRINKAGE, 0.0
        )
        found.append(sp.csr_array((data, indices, indptr), shape=(n_items, n_items)))
    return _largest(sp.csr_array(found[0] + found[1]), _N_SUPPORT)


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
