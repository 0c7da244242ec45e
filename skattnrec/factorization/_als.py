"""Matrix factorization by alternating least squares, of explicit or of implicit feedback.

Explicit feedback: the known ratings are approximated, the unknown ones say nothing. Implicit
feedback: every entry of the matrix counts, the unknown ones as weak zeros. Either way histories are
folded in exactly, by one ridge regression each.

References: Y. Koren, R. Bell, C. Volinsky, "Matrix factorization techniques for recommender
systems", Computer 42(8), 2009; Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit
feedback datasets", ICDM 2008.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state

from .._compat import Interval, StrOptions
from .._context import Context
from .._lists import Candidates
from ..base import BaseRecommender
from ._fold_in import ExplicitFoldIn, dot_pairs
from ._implicit import ImplicitFoldIn, factorize_presence, known_rows
from ._modes import settings_of
from ._optimization import factorize_ratings
from ._retrieval import ApproximateSearch, rank_candidates, rank_others

__all__ = ["ALSFactorizer"]


class ALSFactorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseRecommender):
    r"""Factorize ratings, or implicit feedback, by alternating least squares.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of factors of each user and item. None means 128 for implicit feedback, and for
        explicit feedback 10, as ratings seldom tell more apart.
    feedback : {"implicit", "explicit"}, default="implicit"
        "implicit": entries say how sure it is that users want items, and scores rank items.
        "explicit": entries are ratings, of any sign, and predictions are ratings.
    regularization : float or None, default=None
        Weight of the squared factors. Implicit feedback: as a share of the mean total weight of the
        known ratings of a user or item, so that one value suits data of any size, scale and
        ``confidence``. Explicit feedback: for biases it is like so many ratings of 0, and factors
        weigh the same where the standard deviation of the ratings is 1. None means 0.2 for implicit
        feedback, 12 for explicit, or a quarter of the mean number of ratings where that is less,
        and 0.1 with ``weighted_regularization``.
    confidence : float or None, default=None
        Implicit feedback only: how much more a typical rating counts than an unknown entry; the
        weight of any other is in the notes. None means 3.
    weighted_regularization : bool or None, default=None
        Explicit feedback only: penalise the factors of each user and item in proportion to how
        many ratings he or it has [3]_. None means False.
    bias : bool or None, default=None
        Explicit feedback only: add a mean, and a bias of each user and item. None means True.
    solver : {"als", "sgd"} or None, default=None
        Explicit feedback only: alternating least squares, or stochastic gradient descent on the
        same loss. None means "als".
    learning_rate : float or None, default=None
        "sgd" only: the length of a step, for ratings of standard deviation 1. Halved whenever an
        epoch does not lower the loss. None means 0.02.
    init : {"random", "svd"}, default="random"
        The first item factors: sums of random groups of users, or singular vectors of the matrix,
        in which unknown entries are 0.
    max_iter : int, default=10
        Number of times that user and item factors are learned in turn, or epochs, at most.
    tol : float or None, default=None
        Explicit feedback only: stop when an iteration lowers the loss by less than this share.
        None means 1e-4.
    validation_fraction : float or None, default=None
        Explicit feedback only: hold out this share of the ratings, learn from the others, stop when
        the error on those held out rises, and keep the factors with the lowest one.
    retrieval : {"exact", "approximate"}, default="exact"
        "approximate": ``recommend`` and ``similar_items`` look for the best items in a graph of
        near ones instead of scoring all, which pays off from some hundred thousand items. They may
        miss some; the scores of those found are exact. Needs ``pip install skattnrec[ann]``.
    random_state : int, RandomState instance or None, default=None
        Draws the first item factors, ratings to hold out, and the order of gradient steps. Pass
        an int for the same factors in every run.
    verbose : bool, default=False
        Show a progress bar.

    Attributes
    ----------
    user_factors_ : ndarray of shape (n_users, n_components)
        Factors of the users seen in ``fit``, as learned before the last change of
        ``item_factors_``. ``predict`` does not use them; ``transform`` gives the exact ones.
    item_factors_ : ndarray of shape (n_features_in_, n_components)
        Factors of the items.
    typical_rating_ : float
        Implicit feedback only: the median of the positive ratings.
    mean_ : float
        Explicit feedback only: the mean rating, 0 without ``bias``.
    rating_spread_ : float
        Explicit feedback only: the standard deviation of the ratings, :math:`\sigma` in the notes.
    user_biases_ : ndarray of shape (n_users,)
        Explicit feedback only, as ``user_factors_``; 0 without ``bias``.
    item_biases_ : ndarray of shape (n_features_in_,)
        Explicit feedback only; 0 without ``bias``.
    penalty_ : float
        The weight of the squared factors, :math:`\lambda` in the notes; with
        ``weighted_regularization`` for each rating.
    loss_curve_ : list of float
        Explicit feedback only: the loss after each iteration, which never rises.
    validation_curve_ : list of float
        Explicit feedback only: root mean squared error on the held-out ratings after each
        iteration; empty without ``validation_fraction``.
    n_iter_ : int
        Number of iterations run.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history. Implicit feedback: the number of known ratings of each item;
        explicit: the mean plus its bias, and without ``bias`` its damped mean rating.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    BayesianFactorizer : More accurate ratings, and no regularization to choose.
    ItemItemCF : Recommend what resembles the history.
    AttentionRecommender : A closed-form model of the whole catalogue.

    Notes
    -----
    **Explicit feedback.** The factors x of users and y of items and the biases b minimise, over
    the known ratings,

    .. math::
        \sum_{u,i} (r_{ui} - \mu - b_u - b_i - x_u^\top y_i)^2
        + \sum_u \lambda_u (b_u^2 + \sigma \|x_u\|^2)
        + \sum_i \lambda_i (b_i^2 + \sigma \|y_i\|^2)

    with :math:`\mu` the mean rating. All penalties are ``regularization``; weighted ones are
    :math:`\lambda_u = \text{regularization} \cdot n_u` with n ratings of the user or item. With the
    standard deviation :math:`\sigma` of the ratings before the factors, ratings times c > 0 give
    predictions times c. Each half-step solves for all users, or all items, exactly.

    **Implicit feedback.** The factors minimise, over all entries,

    .. math::
        \sum_{u,i} c_{ui} (p_{ui} - x_u^\top y_i)^2
        + \lambda \Big(\sum_u \|x_u\|^2 + \sum_i \|y_i\|^2\Big)

    with the confidence :math:`c_{ui} = 1 + \kappa a_{ui}`, :math:`a = \min(r / m, 2)`, and the
    preference :math:`p_{ui} = 1` where a rating r > 0 is stored; elsewhere c = 1 and p = 0.
    :math:`\kappa` is ``confidence`` and m ``typical_rating_``. So ratings may be counts, of any
    unit. They say how sure a preference is, not how strong, and a stored 0 counts as unknown (it is
    still left out by ``exclude_seen``). The
    penalty is ``regularization`` times the mean weight that a row or column of the matrix holds,

    .. math::
        \lambda = \text{regularization} \cdot
        \frac{\sum_{r_{ui} > 0} c_{ui}}{n_\text{users} + n_\text{items}} .

    Settings of other libraries carry over: ``implicit`` takes :math:`\lambda` itself and weighs
    known ratings by :math:`\alpha r`, so with ratings of 1 its ``alpha`` is ``1 + confidence``.

    **Fold-in.** A history is given the user factors that fit it best, with the items fixed, solved
    exactly; so scores depend on the history alone and split into the contributions of its items:
    with unit weights and t the ratings less mean and item biases for explicit feedback,

    .. math::
        s_{ui} = y_i^\top (Y^\top C_u Y + \lambda I)^{-1} Y^\top C_u p_u
        = \sum_j y_i^\top W_u \, c_{uj} p_{uj} \, y_j
        \quad\text{or}\quad \mu + b_i + \sum_j y_i^\top W_u \, t_{uj} \, y_j .

    The engine of implicit feedback is that of the ``implicit`` library. It takes three conjugate
    gradient steps per user and item and iteration [2]_, in the dtype of ``X``, but with weights
    rounded to float32. It uses the threads that OpenMP and numba may (``OMP_NUM_THREADS``,
    ``NUMBA_NUM_THREADS``, joblib's limits), with BLAS held to one; in a forked process, where
    OpenMP would wait for threads that are not there, it uses one. Neither the order of the
    items nor that of the users matters, except to "sgd" and ``validation_fraction``.

    References
    ----------
    .. [1] Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit feedback datasets",
       ICDM 2008.
    .. [2] G. Takacs, I. Pilaszy, D. Tikk, "Applications of the conjugate gradient method for
       implicit feedback collaborative filtering", RecSys 2011.
    .. [3] Y. Zhou, D. Wilkinson, R. Schreiber, R. Pan, "Large-scale parallel collaborative
       filtering for the Netflix prize", AAIM 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.factorization import ALSFactorizer
    >>> X = np.kron(np.eye(2), np.ones((3, 3)))  # two groups of users with a taste each
    >>> model = ALSFactorizer(n_components=2, regularization=0.1, random_state=0).fit(X)
    >>> indices, _ = model.recommend([[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1]], k=1)
    >>> indices.ravel()
    array([2, 4])

    Ratings, and what a new user would give the last item:

    >>> X = np.array([[5, 4, 1, 1], [4, 5, 0, 1], [1, 1, 5, 4], [0, 1, 4, 5]])
    >>> model = ALSFactorizer(2, feedback="explicit", regularization=0.5, random_state=0).fit(X)
    >>> model.predict([[5, 0, 0, 0], [0, 0, 5, 0]])[:, 3].round(1)
    array([3. , 4.5])
    """

    _fold_in: ImplicitFoldIn | ExplicitFoldIn
    item_factors_: np.ndarray

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "feedback": [StrOptions({"implicit", "explicit"})],
        "regularization": [Interval(Real, 0, None, closed="neither"), None],
        "confidence": [Interval(Real, 0, None, closed="left"), None],
        "weighted_regularization": ["boolean", None],
        "bias": ["boolean", None],
        "solver": [StrOptions({"als", "sgd"}), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "init": [StrOptions({"random", "svd"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "retrieval": [StrOptions({"exact", "approximate"})],
        "random_state": ["random_state"],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        feedback: str = "implicit",
        regularization: float | None = None,
        confidence: float | None = None,
        weighted_regularization: bool | None = None,
        bias: bool | None = None,
        solver: str | None = None,
        learning_rate: float | None = None,
        init: str = "random",
        max_iter: int = 10,
        tol: float | None = None,
        validation_fraction: float | None = None,
        retrieval: str = "exact",
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.n_components = n_components
        self.feedback = feedback
        self.regularization = regularization
        self.confidence = confidence
        self.weighted_regularization = weighted_regularization
        self.bias = bias
        self.solver = solver
        self.learning_rate = learning_rate
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.validation_fraction = validation_fraction
        self.retrieval = retrieval
        self.random_state = random_state
        self.verbose = verbose

    _learned_feedback: str | None = None  # of fit, whatever is set later

    def _predicts_ratings(self) -> bool:
        return (self._learned_feedback or self.feedback) == "explicit"

    def _fit(self, X: sp.csr_array, context: Context) -> None:
        factorize: Any = factorize_presence if self.feedback == "implicit" else factorize_ratings
        random_state = check_random_state(self.random_state)
        self._learned_feedback = self.feedback
        self._fold_in, fitted = factorize(X, random_state, **settings_of(self))
        self.__dict__.update(fitted)
        self._search = self._similar = None
        if self.retrieval == "approximate":
            self._search = ApproximateSearch(self._fold_in.item_vectors())
            self._similar = ApproximateSearch(normalize(self.item_factors_))

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return self._fold_in.score(X, self.prior_).astype(X.dtype, copy=False)

    def _score_pairs(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Scores of given pairs, (n_pairs,): products of the vectors of both."""
        users, vectors = self._fold_in.user_vectors(X), self._fold_in.item_vectors()
        scores = dot_pairs(users, vectors, rows, items).astype(X.dtype, copy=False)
        return np.where(known_rows(X)[rows], scores, self.prior_[items])

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        return self._fold_in.explain(X, items, self.prior_)

    def _rank(
        self,
        X: sp.csr_array,
        context: Context,
        candidates: Candidates,
        hidden: sp.csr_array,
        k: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank by approximate search; rows without history, or too few items found, exactly."""
        exact = super()._rank
        if self._search is None or candidates is not None:
            return exact(X, context, candidates, hidden, k)
        users = self._fold_in.user_vectors(X)
        indices, scores = rank_candidates(self._search, users, hidden, k)
        again = ~known_rows(X) | (indices[:, -1] < 0)
        if again.any():
            indices[again], scores[again] = exact(
                *context.of_rows(X, again), None, hidden[again], k
            )
        return indices, scores

    def _rank_similar(self, items: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rank by the cosine of the factors; -1 where an approximate search finds fewer."""
        if self._similar is None:
            return super()._rank_similar(items, k)
        return rank_others(self._similar, items, k)

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Cosine of the item factors."""
        directions = normalize(self.item_factors_)
        return directions[items] @ directions.T

    def transform(self, X: Any) -> np.ndarray:
        """Fold in histories: the factors that fit them best, with the items fixed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories, of known users or new ones.

        Returns
        -------
        user_factors : ndarray of shape (n_rows, n_components)
            Implicit feedback: their product with ``item_factors_.T`` is what ``predict`` returns
            for rows that hold a positive rating; other rows are 0. Explicit feedback: the same up
            to mean and biases, for rows that hold a rating.
        """
        model = self._fitted()
        X, _ = model._validate(X, None, None, reset=False)
        return model._fold_in.factors(X).astype(X.dtype, copy=False)

    @property
    def _n_features_out(self) -> int:
        return self.item_factors_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
