"""One side of the Bayesian factorization, users or items: posteriors, and the prior they share."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels.posterior import column_moments, posterior_step, unpack
from ._presence import Presence

__all__ = ["PosteriorSide"]

_PRIOR_VARIANCE = 0.2  # of a bias or factor before anything is learned, in squared units
_N_STEPS = 4  # conjugate gradient steps for the prior means, each iteration


class PosteriorSide:
    """Posteriors of the vectors (bias, factors) of all rows of a matrix of ratings.

    Parameters
    ----------
    R : csr_array of shape (n_rows, n_columns)
        Ratings less their mean.
    units : ndarray of shape (k,), float64
        How large biases and factors are, roughly; results scale with them.
    presence_regularization : float or None
        None for prior means that do not depend on what the row has rated.
    prior_strength : float
        How many rows the prior of the covariance counts as.
    prior_variance : float
        What it says, in squared units.

    Attributes
    ----------
    means : ndarray of shape (n_rows, k)
    covariances : ndarray of shape (n_rows, k (k + 1) / 2), packed
    prior_mean : ndarray of shape (k,), float64
    presence : Presence or None
    precision : ndarray of shape (k, k)
        Inverse covariance of the prior.
    squared_error : float
        Expected squared error over all ratings, after the last half-step.
    """

    def __init__(
        self,
        R: sp.csr_array,
        units: np.ndarray,
        presence_regularization: float | None,
        prior_strength: float,
        prior_variance: float,
    ):
        self.R, self.units = R, units
        n, k = R.shape[0], len(units)
        self.means = np.zeros((n, k), R.dtype)
        self.covariances = np.zeros((n, k * (k + 1) // 2), R.dtype)
        self.log_determinants = np.zeros(n)
        self.presence = None
        if presence_regularization is not None:
            self.presence = Presence(R, k, presence_regularization)
        self.prior_strength = prior_strength
        self._prior_squares = prior_strength * prior_variance * np.diag(units**2)
        self.prior_mean = np.zeros(k)
        self._prior_means = np.zeros((n, k), R.dtype)
        self.precision: np.ndarray = np.diag(1 / (_PRIOR_VARIANCE * units**2))
        self.squared_error = 0.0

    def step(self, columns: PosteriorSide, noise: float) -> None:
        """Work out the posteriors, given those of the columns and the variance of a rating."""
        R, dtype = self.R, self.R.dtype.type
        self.means, self.covariances, self.log_determinants, errors = posterior_step(
            R.indptr,
            R.indices,
            R.data,
            columns.means,
            *column_moments(columns.means, columns.covariances),
            self._prior_means,
            self.precision.astype(dtype),
            dtype(noise),
        )
        self.squared_error = float(errors.sum())

    def update_prior(self) -> None:
        """Learn the mean and covariance of the prior from the posteriors."""
        explained = np.zeros_like(self.means)
        if self.presence is not None:
            centred = self.means - self.prior_mean.astype(self.R.dtype)
            self.presence.improve(centred, _N_STEPS)
            explained = self.presence.predict()
        self.prior_mean = (self.means - explained).mean(axis=0, dtype=np.float64)
        self._prior_means = explained + self.prior_mean.astype(self.R.dtype)
        squares = self._expected_squares() + self._prior_squares
        self.precision = np.linalg.inv(squares / (len(self.means) + self.prior_strength))

    def divergence(self) -> float:
        """Say how far the posteriors are from the prior, and the prior from its own prior.

        Up to constants: Kullback-Leibler divergences, plus minus the log density of the prior.
        """
        n, k = self.means.shape
        log_determinant = np.linalg.slogdet(self.precision)[1]
        return 0.5 * float(
            np.sum(self.precision * (self._expected_squares() + self._prior_squares))
            - (n + self.prior_strength) * log_determinant
            - self.log_determinants.sum()
            - n * k
        )

    def _expected_squares(self) -> np.ndarray:
        """Sum of squared deviations from the prior means, penalty of the presence included."""
        deviations = (self.means - self._prior_means).astype(np.float64)
        spread = unpack(self.covariances.sum(axis=0, dtype=np.float64))
        squares = deviations.T @ deviations + spread
        if self.presence is not None:
            weights = self.presence.weights.astype(np.float64)
            squares += float(self.presence.regularization) * (weights.T @ weights)
        return squares
