"""Matrix factorization of ratings by variational Bayes: nothing to regularize by hand.

Every user and item has a normal distribution instead of a point, so a factor that few ratings
support counts little. The half-steps are those of alternating least squares plus the uncertainty
of the other side.

References: Y. J. Lim, Y. W. Teh, "Variational Bayesian approach to movie rating prediction", KDD
Cup 2007; Y. Koren, "Factorization meets the neighborhood", KDD 2008, for what presence tells.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state
from tqdm import tqdm

from .._compat import Interval
from .._context import Context
from .._kernels._blas import one_blas_thread
from .._kernels.baseline import fit_baseline
from .._kernels.posterior import column_moments, posterior_step, unpack
from ..base import BaseRecommender
from ._explicit import Scale, Side, less_biases
from ._fold_in import dot_pairs
from ._posterior import PosteriorSide
from ._presence import multiply, presence_rows
from ._start import first_factors

__all__ = ["BayesianFactorizer"]

_START = 4.0  # first factors, in units: long enough for users to tell them from noise
_FIRST_NOISE = 0.8  # what prior_strength ratings expect, as a share of the variance around items
_PRIOR_VARIANCE = 0.02  # what prior_strength users expect, in squared units


class BayesianFactorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseRecommender):
    r"""Factorize ratings by variational Bayes.

    How much to regularize is learned: the noise of ratings, how users and items differ in bias and
    in each factor, and how these go together. What somebody has rated at all says something
    about him before any rating is read, and likewise who has rated an item.

    Parameters
    ----------
    n_components : int, default=32
        Number of factors of each user and item. More than needed do no harm but take time, which
        grows with their square, and for users and items of few ratings with their cube.
    presence_regularization : float or None, default=5.0
        Penalty of what having rated an item says about a user, whatever the rating, and having been
        rated by a user about an item; None: it says nothing.
    prior_strength : float, default=50.0
        How many users, items and ratings the expectation counts as that factors vary little and
        ratings are noisy. Matters where there are not many more of them.
    max_iter : int, default=15
        Number of times that users and items are worked out in turn, at most.
    tol : float, default=1e-4
        Stop when an iteration lowers the loss by less than this, per rating.
    random_state : int, RandomState instance or None, default=None
        Draws the first item factors. Pass an int for the same factors in every run.
    verbose : bool, default=False
        Show a progress bar.

    Attributes
    ----------
    user_factors_ : ndarray of shape (n_users, n_components)
        Posterior means of the factors of the users seen in ``fit``, as of before the last change
        of ``item_factors_``. ``predict`` does not use them; ``transform`` gives the exact ones.
    item_factors_ : ndarray of shape (n_features_in_, n_components)
        Posterior means of the factors of the items.
    user_biases_ : ndarray of shape (n_users,)
        Posterior means, as ``user_factors_``.
    item_biases_ : ndarray of shape (n_features_in_,)
        Posterior means.
    item_covariances_ : ndarray of shape (n_features_in_, n_components + 1, n_components + 1)
        Posterior covariance of the bias and the factors of each item.
    mean_ : float
        Mean rating.
    rating_spread_ : float
        Standard deviation of the ratings.
    noise_ : float
        Variance of a rating given its user and item.
    loss_curve_ : list of float
        The loss after each iteration, per rating and in units of ``rating_spread_``; it never
        rises. See the notes.
    n_iter_ : int
        Number of iterations run.
    prior_ : ndarray of shape (n_features_in_,)
        Ratings for an empty history: those of the mean user.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    ALSFactorizer : Points instead of distributions: faster, and its penalty wants tuning.
    skattnrec.RatingRegressor : This model over pairs of user and item.

    Notes
    -----
    The model is

    .. math::
        r_{ui} &= \mu + b_u + b_i + x_u^\top y_i + \varepsilon_{ui},
            \quad \varepsilon_{ui} \sim N(0, \sigma^2) \\
        (b_u, x_u) &\sim N\Big(m + |H(u)|^{-1/2} \sum_{j \in H(u)} p_j, \; \Sigma\Big)

    and the same for items with :math:`(b_i, y_i)`, a mean, a covariance and vectors p of their own,
    the sum running over the users who rated the item. The posterior is approximated by
    independent normal distributions of all users and items. Given the items, that of a user is
    exact: with :math:`z_j = (1, y_j)` and precision :math:`\Lambda = \Sigma^{-1}`

    .. math::
        S_u = \Big(\Lambda + \sigma^{-2} \sum_{j \in H(u)} E[z_j z_j^\top]\Big)^{-1}, \quad
        \bar v_u = S_u \Big(\Lambda m_u
            + \sigma^{-2} \sum_{j \in H(u)} E[z_j (r_{uj} - \mu - b_j)]\Big).

    :math:`E[z z^\top] = \bar z \bar z^\top + S` is where uncertain items count less. Users and
    items take turns; then :math:`\sigma^2`, m, p and :math:`\Sigma` are set to what the posteriors
    say, the p by conjugate gradients, so that no matrix of items x items is needed. Every step
    lowers the loss, per rating: the negative evidence lower bound, the penalty of the p, and minus
    the log density of a :math:`\Sigma` and :math:`\sigma^2` that ``prior_strength`` observations
    expect.

    ``predict`` folds histories in by that exact step, so a score is linear in the ratings and
    splits into the contributions of the history, presence included.

    References
    ----------
    .. [1] Y. J. Lim, Y. W. Teh, "Variational Bayesian approach to movie rating prediction", KDD
       Cup and Workshop 2007.
    .. [2] Y. Koren, "Factorization meets the neighborhood: a multifaceted collaborative filtering
       model", KDD 2008.
    .. [3] R. Salakhutdinov, A. Mnih, "Bayesian probabilistic matrix factorization using Markov
       chain Monte Carlo", ICML 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import BayesianFactorizer
    >>> X = np.kron([[5, 1], [1, 5]], np.ones((6, 3)))  # two groups of users with a taste each
    >>> model = BayesianFactorizer(2, prior_strength=1, random_state=0).fit(X)
    >>> model.predict([[5, 0, 0, 0, 0, 0], [0, 0, 0, 5, 0, 0]]).round(1)
    array([[5. , 5. , 5. , 1.1, 1.1, 1.1],
           [1.1, 1.1, 1.1, 5. , 5. , 5. ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "presence_regularization": [Interval(Real, 0, None, closed="neither"), None],
        "prior_strength": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        n_components: int = 32,
        *,
        presence_regularization: float | None = 5.0,
        prior_strength: float = 50.0,
        max_iter: int = 15,
        tol: float = 1e-4,
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.n_components = n_components
        self.presence_regularization = presence_regularization
        self.prior_strength = prior_strength
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    def _predicts_ratings(self) -> bool:
        return True

    def _largest_rating(self, dtype: Any) -> float:
        return float(np.finfo(dtype).max) ** 0.45  # variances are squares

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        self.mean_, offsets, _ = fit_baseline(X.indptr, X.indices, X.data, X.shape[1])
        self._scale = scale = Scale.fit(X, self.mean_, bias=True)
        self.rating_spread_ = scale.spread
        users, items = self._start(scale.standardize(X), (offsets / scale.spread).astype(X.dtype))
        self._noise = _FIRST_NOISE * items.units[0] ** 2
        self.loss_curve_: list[float] = []
        for _ in tqdm(range(self.max_iter), disable=not self.verbose):
            with one_blas_thread():  # small systems
                self._iterate(users, items)
            if self.loss_curve_[-1] > min(self.loss_curve_[-2:-1], default=np.inf) - self.tol:
                break
        self.n_iter_ = len(self.loss_curve_)
        self.noise_ = self._noise * scale.spread**2
        self.user_biases_, self.user_factors_ = scale.of_ratings(_side(users.means))
        self.item_biases_, self.item_factors_ = scale.of_ratings(_side(items.means))
        units = np.sqrt(np.full(len(items.units), scale.spread))
        units[0] = scale.spread
        self.item_covariances_ = unpack(items.covariances) * np.outer(units, units).astype(X.dtype)
        self._items = (items.means, *column_moments(items.means, items.covariances))
        self._precision = users.precision.astype(X.dtype)
        self._prior_mean = users.prior_mean.astype(X.dtype)
        self._presence = None if users.presence is None else users.presence.weights
        self.prior_ = self._ratings(self._prior_mean[None])[0]

    def _iterate(self, users: PosteriorSide, items: PosteriorSide) -> None:
        """Update both sides, their priors and the noise."""
        users.step(items, self._noise)
        items.step(users, self._noise)
        self.loss_curve_.append(self._loss(users, items))
        users.update_prior()
        items.update_prior()
        squares = items.squared_error + self.prior_strength * _FIRST_NOISE * items.units[0] ** 2
        self._noise = squares / (items.R.nnz + self.prior_strength)

    def _start(self, R: sp.csr_array, offsets: np.ndarray) -> tuple[PosteriorSide, PosteriorSide]:
        """Set up both sides, with first means of the items."""
        rest = less_biases(R, offsets)
        unit = float(rest.data.std(dtype=np.float64)) if R.nnz else 0.0
        unit = unit or 1.0
        units = np.r_[unit, np.full(self.n_components, np.sqrt(unit))]
        settings = (units, self.presence_regularization, self.prior_strength, _PRIOR_VARIANCE)
        users, items = PosteriorSide(R, *settings), PosteriorSide(R.T.tocsr(), *settings)
        random_state = check_random_state(self.random_state)
        factors = first_factors(rest, self.n_components, "random", random_state)
        items.means[:, 0] = offsets
        items.means[:, 1:] = factors * R.dtype.type(_START * np.sqrt(unit))
        return users, items

    def _loss(self, users: PosteriorSide, items: PosteriorSide) -> float:
        """Negative evidence lower bound and minus log density of the priors, per rating."""
        n_ratings, strength = items.R.nnz, self.prior_strength
        squares = items.squared_error + strength * _FIRST_NOISE * items.units[0] ** 2
        noise = squares / self._noise + (n_ratings + strength) * np.log(2 * np.pi * self._noise)
        return (noise / 2 + users.divergence() + items.divergence()) / max(n_ratings, 1)

    def _posterior(self, X: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
        """Means and packed covariances of (bias, factors) of histories."""
        R = self._scale.standardize(X)
        prior_means = np.tile(self._prior_mean, (X.shape[0], 1))
        if self._presence is not None:
            prior_means += multiply(presence_rows(X), self._presence)
        noise = X.dtype.type(self._noise)
        means, covariances, *_ = posterior_step(
            R.indptr, R.indices, R.data, *self._items, prior_means, self._precision, noise
        )
        return means, covariances

    def _ratings(self, users: np.ndarray) -> np.ndarray:
        """Ratings of all items by users with given (bias, factors), (n_rows, n_items)."""
        items = self._items[0]
        ratings = users[:, 1:] @ items[:, 1:].T
        ratings += users[:, :1]
        ratings += items[:, 0]
        ratings *= users.dtype.type(self._scale.spread)
        ratings += users.dtype.type(self.mean_)
        return ratings

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._ratings(self._posterior(X)[0])

    def _score_pairs(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Ratings of given pairs, (n_pairs,)."""
        users, means = self._posterior(X)[0], self._items[0]
        ratings = dot_pairs(users[:, 1:], means[:, 1:], rows, items)
        ratings += users[rows, 0] + means[items, 0]
        return ratings * users.dtype.type(self._scale.spread) + users.dtype.type(self.mean_)

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """z_i' S_u times what history item j adds: its presence, and its rating."""
        covariance = unpack(self._posterior(X)[1])[0]  # (k, k)
        means, _, with_bias, _ = self._items
        design = np.hstack([np.ones_like(means[:, :1]), means[:, 1:]])  # z
        history = X.indices.astype(np.intp)
        deviations = self._scale.standardize(X).data[:, None]
        added = (design[history] * deviations - with_bias[history]) / self._noise  # (s, k)
        if self._presence is not None:
            added = added + self._presence[history] @ self._precision / np.sqrt(len(history))
        votes = design[items] @ covariance  # (n, k)
        baseline = means[items, 0] + votes @ (self._precision @ self._prior_mean)
        baseline = self.mean_ + self._scale.spread * baseline
        contributions = self._scale.spread * (votes @ added.T)
        return baseline.astype(X.dtype), history, contributions.astype(X.dtype), {}

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Cosine of the item factors, along which users differ as the prior says."""
        spread = np.linalg.inv(self._precision.astype(np.float64))[1:, 1:]
        directions = normalize(self._items[0][:, 1:] @ np.linalg.cholesky(spread))
        return (directions[items] @ directions.T).astype(self.item_factors_.dtype)

    def transform(self, X: Any) -> np.ndarray:
        """Fold in histories: the posterior means of their factors, with the items fixed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories, of known users or new ones.

        Returns
        -------
        user_factors : ndarray of shape (n_rows, n_components)
            Without the biases.
        """
        model = self._fitted()
        X, _ = model._validate(X, None, None, reset=False)
        return model._scale.of_ratings(_side(model._posterior(X)[0]))[1]

    @property
    def _n_features_out(self) -> int:
        return self.item_factors_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _side(means: np.ndarray) -> Side:
    """Biases and factors of the means of both."""
    return Side(means[:, 0], np.ascontiguousarray(means[:, 1:]))
