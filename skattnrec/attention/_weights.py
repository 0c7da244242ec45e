r"""From ratings, features and age to attention weights, whatever the unit of the ratings.

A rating enters as how far it is from the usual one, in spreads,

.. math:: z = \operatorname{clip}\left(\frac{r - m}{s}, -2.5, 2.5\right)

with the median m of the known ratings and their spread s, which a few odd ratings do not move. So
weights and targets are the same for stars, points out of a hundred and counts, and bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .._kernels.attention import profile_logits, smoothed_softmax
from .._kernels.entries import rows_of_entries, time_order
from .._spreads import in_spreads

__all__ = [
    "SequenceAttention",
    "SetAttention",
    "ladder",
    "time_groups",
]

FARTHEST = 2.5  # spreads from the centre that a rating may count as; chosen on validation data
LARGEST_CONTENT = 4.0
LARGEST_LOGIT = 8.0  # so that no entry speaks more than e^16 times as loud as another


@dataclass(frozen=True)
class RatingLogits:
    """How much an entry counts for its rating.

    Attributes
    ----------
    center, spread : float
        Of the ratings.
    temperatures : ndarray of shape (n_heads,)
        In spreads.
    """

    center: float
    spread: float
    temperatures: np.ndarray

    @property
    def bound(self) -> float:
        """The largest logit there may be, whatever the ratings."""
        return min(FARTHEST / float(np.min(self.temperatures)), LARGEST_LOGIT)

    def of_heads(self, X: sp.csr_array) -> np.ndarray:
        """Rating logits of each head, (n_heads, nnz), float64."""
        distances = in_spreads(X.data, self.center, self.spread, FARTHEST)
        with np.errstate(over="ignore"):  # cut below
            logits = distances / self.temperatures[:, None]
        return logits.clip(-LARGEST_LOGIT, LARGEST_LOGIT, out=logits)

    def relevance(self, X: sp.csr_array, threshold: float | None) -> np.ndarray:
        """Target of each stored entry: graded by the first head, or 0 and 1."""
        if threshold is not None:
            return (X.data >= threshold).astype(np.float64)
        return np.exp(self.of_heads(X)[0])


@dataclass(frozen=True)
class SetAttention:
    """Attention over histories without an order.

    Attributes
    ----------
    ratings : RatingLogits
    smoothing : float
    content_weight : float
    keys : list of n_heads ndarray of shape (n_items, d_head), or None
        Projected item features, for content logits.
    """

    ratings: RatingLogits
    smoothing: float
    content_weight: float
    keys: list[np.ndarray] | None

    @property
    def bound(self) -> float:
        """The largest weight there may be."""
        largest = self.ratings.bound if self.keys is None else LARGEST_LOGIT
        return float(np.exp((1 - self.smoothing) * largest))

    def weights(self, X: sp.csr_array) -> np.ndarray:
        """Weights of each head at the stored entries, (n_heads, nnz), float64."""
        logits = self.ratings.of_heads(X)
        if self.keys is not None:
            for head, keys in enumerate(self.keys):
                content = profile_logits(X.indptr, X.indices, np.exp(logits[head]), keys)
                content = np.clip(
                    content / np.sqrt(keys.shape[1]), -LARGEST_CONTENT, LARGEST_CONTENT
                )
                with np.errstate(over="ignore"):  # cut below
                    logits[head] += self.content_weight * content / self.ratings.temperatures[head]
            logits = np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)
        return np.array([smoothed_softmax(X.indptr, of_head, self.smoothing) for of_head in logits])


@dataclass(frozen=True)
class SequenceAttention:
    """Attention over histories in the order of time, which fades with age.

    Attributes
    ----------
    ratings : RatingLogits
    smoothing : float
    half_lives : ndarray of shape (n_heads,)
        Ages after which half of the attention is left.
    age : {"rank", "time"}
    """

    ratings: RatingLogits
    smoothing: float
    half_lives: np.ndarray
    age: str

    @property
    def bound(self) -> float:
        """The largest weight there may be, of all prefixes of all histories."""
        return float(np.exp((1 - self.smoothing) * self.ratings.bound))

    def weights(self, X: sp.csr_array, times: np.ndarray) -> np.ndarray:
        """Weights of each head at the stored entries, (n_heads, nnz), float64."""
        logits = self.ratings.of_heads(X) + self._log_decays(self._ages(X, times))
        return np.array([smoothed_softmax(X.indptr, of_head, self.smoothing) for of_head in logits])

    def factors(
        self, X: sp.csr_array, times: np.ndarray, order: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Factors of the attention of all prefixes, each (n_heads, nnz), in the given order.

        Returns
        -------
        weights : before decay and normaliser
        decays : from the entry before, in that order
        """
        weights = np.exp(self.ratings.of_heads(X)[:, order])
        starts, ends = time_groups(X.indptr, times[order])
        entries = np.arange(len(order))
        is_start = entries == starts
        # an entry is as old as there are entries of later times
        steps = ends - starts + 1.0 if self.age == "rank" else _steps(times[order])
        return weights, np.exp(self._log_decays(np.where(is_start, steps, 0.0)))

    def _log_decays(self, ages: np.ndarray) -> np.ndarray:
        rates = np.log(2) / self.half_lives
        with np.errstate(over="ignore"):  # minus infinity is faded
            return -rates[:, None] * np.minimum(ages, np.finfo(float).max)

    def _ages(self, X: sp.csr_array, times: np.ndarray) -> np.ndarray:
        """Age of each stored entry: entries of later times, or time until the latest one."""
        order = time_order(X.indptr, times)
        row_ends = np.repeat(X.indptr[1:].astype(np.int64), np.diff(X.indptr)) - 1
        ages = np.empty(X.nnz)
        if self.age == "rank":
            _, ends = time_groups(X.indptr, times[order])
            ages[order] = row_ends - ends
        else:
            with np.errstate(over="ignore"):
                ages[order] = times[order[row_ends]] - times[order]
        return ages


def ladder(first: float, ratio: float, n_heads: int) -> np.ndarray:
    """Numbers of the heads, each ``ratio`` times the one before; positive, and at most infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return np.maximum(first * ratio ** np.arange(n_heads, dtype=float), np.finfo(float).tiny)


def time_groups(indptr: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last entry of the same row and time, for entries in order, either way."""
    n_entries = len(times)
    rows = rows_of_entries(indptr)
    changes = np.flatnonzero((np.diff(rows) != 0) | (np.diff(times) != 0)) + 1
    bounds = np.concatenate([[0], changes, [n_entries]]) if n_entries else np.zeros(1, np.int64)
    sizes = np.diff(bounds)
    return np.repeat(bounds[:-1], sizes), np.repeat(bounds[1:] - 1, sizes)


def _steps(times: np.ndarray) -> np.ndarray:
    """Time from the entry before, whichever way they are in order."""
    with np.errstate(over="ignore"):
        return np.abs(np.diff(times, prepend=times[:1]))
