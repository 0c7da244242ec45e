r"""The prior: what a user scores before the history says anything, by popularity and user features.

User features become tokens :math:`z_u`, free of units and bounded. With the mean relevance
:math:`m_i` of item i over users, the prior is a ridge regression of relevance on tokens,

.. math::

    p_{ui} = m_i + \sum_f z_{uf} W_{fi}, \qquad
    W = (Z^\top Z + \rho I)^{-1} Z^\top (Y - 1 m^\top)

It takes part in the attention over the history as :math:`\kappa` entries of the usual rating would
in a softmax, and so fades as the history grows:

.. math:: s_{ui} = \sum_{j \in H(u)} a_{uj} V_{ji} + \pi_u p_{ui}, \qquad
    \pi_u = \frac{\kappa}{\kappa + \sum_{j \in H(u)} e^{z_{uj} / \tau}}

The penalty :math:`\rho` is the one with the least generalized cross-validation [1]_, which follows
from the same sums over users: features that tell nothing get votes of 0.

.. [1] Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good ridge
   parameter, Technometrics 21(2), 1979.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._features import FeatureScaling
from .._kernels._blas import blas_threads_for
from .._kernels.entries import rows_of_entries
from .._kernels.products import csr_times_dense
from ._weights import RatingLogits

__all__ = ["Prior", "TokenSums", "Tokens"]

MAX_TOKENS = 1000
_MAX_VOTES = 2**27  # of tokens for items
_TOKEN_UNIT = 2.0**-14
_TARGET_DIGITS = 18  # binary ones below the largest relevance there may be
_MAX_USERS = 2**26  # so that sums have room in 64 bits
_LADDER = 2.0 ** np.arange(41)  # penalties to choose from


@dataclass(frozen=True)
class Tokens:
    """How user features become tokens; learned from the first users, and fixed.

    Attributes
    ----------
    columns : ndarray of shape (n_tokens,), intp
        The features that are tokens: all of them, or the 1000 that most users have.
    scaling : FeatureScaling
        Of these.
    """

    columns: np.ndarray
    scaling: FeatureScaling

    @classmethod
    def learn(cls, features: sp.csr_array, n_items: int) -> Tokens:
        """Learn from checked features, (n_users, d)."""
        n_tokens = min(MAX_TOKENS, max(1, _MAX_VOTES // n_items))
        columns = np.arange(features.shape[1])
        if len(columns) > n_tokens:
            warnings.warn(
                f"user_features has {len(columns)} columns: the {n_tokens} that most users have "
                "are read, the others are not. Choose columns, or make fewer of them, for example "
                "by sklearn.decomposition.TruncatedSVD.",
                UserWarning,
                stacklevel=2,
            )
            counts = np.bincount(features.indices, minlength=len(columns))
            columns = np.sort(np.argsort(-counts, kind="stable")[:n_tokens])
        kept = features[:, columns]
        scaling = FeatureScaling.learn(kept)
        flags = _is_flag(kept)  # become 0 and 1, also those of groups that most users are in
        flag_sizes = abs(kept).max(axis=0).toarray().ravel()
        scaling = replace(
            scaling,
            is_number=scaling.is_number & ~flags,
            centers=np.where(flags, 0.0, scaling.centers),
            sizes=np.where(flags, flag_sizes, scaling.sizes),
            weights=np.where(flags, 1.0, scaling.weights),
        )
        return cls(columns, scaling)

    def of(self, features: sp.csr_array) -> sp.csr_array:
        """Make tokens of features, (n_rows, n_tokens), multiples of 2^-14 in [-10, 10].

        A row of zeros, of which nothing is known, has none.
        """
        tokens = self.scaling.scale(features[:, self.columns])
        is_known = (np.diff(features.indptr) > 0)[rows_of_entries(tokens.indptr)]
        tokens.data = np.rint(tokens.data / _TOKEN_UNIT) * _TOKEN_UNIT * is_known
        tokens.eliminate_zeros()
        return tokens


def _is_flag(features: sp.csr_array) -> np.ndarray:
    """Tell which columns have zeros, and one value besides, (d,)."""
    table = sp.csc_array(features)
    lengths = np.diff(table.indptr)
    flags = (lengths > 0) & (lengths < table.shape[0])
    changes = np.flatnonzero(table.data[1:] != table.data[:-1]) + 1  # within a column, or between
    columns = np.repeat(np.arange(len(lengths)), lengths)
    flags[columns[changes[columns[changes] == columns[changes - 1]]]] = False
    return flags


@dataclass(frozen=True)
class TokenSums:
    """Sums over users that the votes of tokens follow from: integers, which add up exactly.

    Attributes
    ----------
    gram : csr_array of shape (n_tokens, n_tokens), int64
        Z'Z.
    cross : csr_array of shape (n_tokens, n_items), int64
        Z'Y.
    totals : ndarray of shape (n_tokens,), int64
        Sum of each token.
    target_squares : ndarray of shape (n_items,), int64
        Sum of the squared relevance of each item.
    n_users : int
        Those with a history.
    target_unit : float
        What the integers of Y count.
    """

    gram: sp.csr_array
    cross: sp.csr_array
    totals: np.ndarray
    target_squares: np.ndarray
    n_users: int
    target_unit: float

    @classmethod
    def of(
        cls, X: sp.csr_array, tokens: sp.csr_array, ratings: RatingLogits, threshold: float | None
    ) -> TokenSums:
        """Sum up users; those without a history do not count."""
        filled = np.flatnonzero(np.diff(X.indptr))
        relevance = ratings.relevance(X, threshold)
        largest = 1.0 if threshold is not None else float(np.exp(ratings.bound))
        unit = float(2.0 ** (np.ceil(np.log2(largest)) - _TARGET_DIGITS))
        targets = np.rint(relevance / unit).astype(np.int64)
        Y = sp.csr_array((targets, X.indices, X.indptr), shape=X.shape)[filled]
        data = np.rint(tokens.data / _TOKEN_UNIT).astype(np.int64)
        Z = sp.csr_array((data, tokens.indices, tokens.indptr), shape=tokens.shape)[filled]
        squares = np.zeros(X.shape[1], np.int64)
        np.add.at(squares, Y.indices, Y.data**2)
        totals = np.zeros(Z.shape[1], np.int64)
        np.add.at(totals, Z.indices, Z.data)
        sums = cls(sp.csr_array(Z.T @ Z), sp.csr_array(Z.T @ Y), totals, squares, len(filled), unit)
        return sums._with_room()

    def combine(self, other: TokenSums, sign: int) -> TokenSums:
        """Add the sums over other users, or take them away."""
        return TokenSums(
            sp.csr_array(self.gram + sign * other.gram),
            sp.csr_array(self.cross + sign * other.cross),
            self.totals + sign * other.totals,
            self.target_squares + sign * other.target_squares,
            self.n_users + sign * other.n_users,
            self.target_unit,
        )._with_room()

    def widened(self, n_new: int) -> TokenSums:
        """Add items of which nothing is known."""
        n_tokens, n_items = self.cross.shape
        parts = self.cross.data, self.cross.indices, self.cross.indptr
        cross = sp.csr_array(parts, shape=(n_tokens, n_items + n_new))
        squares = np.append(self.target_squares, np.zeros(n_new, np.int64))
        return replace(self, cross=cross, target_squares=squares)

    def _with_room(self) -> TokenSums:
        if self.n_users > _MAX_USERS:
            raise OverflowError(
                f"There is no room for exact sums over the features of more than {_MAX_USERS} "
                "users: learn from a sample of the users."
            )
        for matrix in (self.gram, self.cross):
            matrix.sum_duplicates()
            matrix.eliminate_zeros()
        return self

    def votes(self, mean: np.ndarray) -> tuple[np.ndarray, float]:
        """Solve for the votes of tokens.

        Parameters
        ----------
        mean : ndarray of shape (n_items,)
            Mean relevance of the items.

        Returns
        -------
        votes : ndarray of shape (n_tokens, n_items)
        penalty : float
            Infinite where the tokens tell nothing.
        """
        n_tokens = len(self.totals)
        gram = self.gram.toarray() * _TOKEN_UNIT**2
        cross = self.cross.toarray() * (_TOKEN_UNIT * self.target_unit)
        cross -= np.outer(self.totals * _TOKEN_UNIT, mean)
        squares = self.target_squares * self.target_unit**2 - self.n_users * mean**2
        with blas_threads_for(n_tokens):
            eigenvalues, vectors = np.linalg.eigh(gram)
            eigenvalues = np.maximum(eigenvalues, 0)
            turned = vectors.T @ cross
            explained = np.square(turned).sum(axis=1)
            penalty = _least_gcv(eigenvalues, explained, float(squares.sum()), self.n_users)
            votes = vectors @ (turned / (eigenvalues + penalty)[:, None])
        return votes, penalty


def _least_gcv(
    eigenvalues: np.ndarray, explained: np.ndarray, squares: float, n_users: int
) -> float:
    """Find the penalty of the least generalized cross-validation; the largest one of equals."""
    best, penalty = squares / max(1 - 1 / max(n_users, 1), 1e-9) ** 2, np.inf
    for candidate in _LADDER[::-1]:
        shrunk = eigenvalues + candidate
        used = (1 + (eigenvalues / shrunk).sum()) / max(n_users, 1)
        if used >= 1:
            break
        residual = squares - (explained * (shrunk + candidate) / shrunk**2).sum()
        if residual / (1 - used) ** 2 < best:
            best, penalty = residual / (1 - used) ** 2, float(candidate)
    return penalty


@dataclass(frozen=True)
class Prior:
    """The prior of the module docstring.

    Attributes
    ----------
    weight : float
        How many ratings it counts as.
    ratings : RatingLogits
    mean : ndarray of shape (n_items,)
        What a user scores of whom nothing is known.
    tokens : Tokens or None
    votes : ndarray of shape (n_tokens, n_items) or None
        What the tokens of a user add.
    """

    weight: float
    ratings: RatingLogits
    mean: np.ndarray
    tokens: Tokens | None = None
    votes: np.ndarray | None = None

    def shares(self, X: sp.csr_array) -> np.ndarray:
        """Weight of the prior beside each history, (n_rows,): 1 beside an empty one."""
        loudness = np.exp(self.ratings.of_heads(X)[0])
        totals = np.bincount(rows_of_entries(X.indptr), loudness, minlength=X.shape[0])
        is_empty = np.diff(X.indptr) == 0
        return np.where(is_empty, 1.0, self.weight / np.where(is_empty, 1, self.weight + totals))

    def score(self, features: sp.csr_array | None, n_rows: int) -> np.ndarray:
        """Score all items for users by their features, (n_rows, n_items)."""
        if self.tokens is None or self.votes is None:
            return np.tile(self.mean, (n_rows, 1))
        assert features is not None
        tokens = self.tokens.of(features)
        data = tokens.data.astype(self.votes.dtype)
        return csr_times_dense(tokens.indptr, tokens.indices, data, self.votes) + self.mean

    def add_to(self, scores: np.ndarray, X: sp.csr_array, features: sp.csr_array | None) -> None:
        """Add what the prior says beside each history, in place."""
        shares = self.shares(X).astype(scores.dtype)
        scores += shares[:, None] * self.score(features, X.shape[0])

    def explain(
        self, X: sp.csr_array, features: sp.csr_array | None, items: np.ndarray
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Split what it adds to one row: the part of the mean, (n,), and those of features."""
        share = self.shares(X).astype(self.mean.dtype)[0]
        if self.tokens is None or self.votes is None:
            return share * self.mean[items], {}
        assert features is not None
        tokens = self.tokens.of(features)
        data = tokens.data.astype(self.votes.dtype)
        columns = self.tokens.columns[tokens.indices]
        parts = share * (data[:, None] * self.votes[tokens.indices[:, None], items])  # (f, n)
        values = features[[0]].toarray()[0, columns]
        told = {"features": columns, "feature_values": values, "feature_contributions": parts.T}
        return share * self.mean[items], told
