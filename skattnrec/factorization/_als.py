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
from .._kernels.baseline import fit_baseline
from .._lists import Candidates
from ..base import BaseRecommender
from ._explicit import AlternatingLeastSquares, Penalty, Side, StochasticDescent, hold_out, learn
from ._fold_in import ExplicitFoldIn
from ._implicit import ImplicitFoldIn, known_rows, run_engine, without_zeros
from ._retrieval import ApproximateSearch, rank_candidates, rank_others
from ._start import first_factors

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
        ``confidence``. Explicit feedback: the weight itself; for biases it is like so many ratings
        of 0. None means 0.2 for implicit feedback, 15 for explicit, or a quarter of the mean number
        of ratings where that is less, and 0.1 with ``weighted_regularization``.
    confidence : float, default=1.0
        Implicit feedback only: how much more a rating of 1 counts than an unknown entry. A rating
        r has the weight ``1 + confidence * r``, an unknown entry has the weight 1.
    weighted_regularization : bool, default=False
        Explicit feedback only: penalise the factors of each user and item in proportion to how
        many ratings he or it has [3]_.
    bias : bool, default=True
        Explicit feedback only: add a mean, and a bias of each user and item.
    solver : {"als", "sgd"}, default="als"
        Explicit feedback only: alternating least squares, or stochastic gradient descent on the
        same loss.
    learning_rate : float, default=0.02
        Of "sgd": the length of a step. Halved whenever an epoch does not lower the loss.
    init : {"random", "svd"}, default="random"
        The first item factors: sums of random groups of users, or singular vectors of the matrix,
        in which unknown entries are 0.
    max_iter : int, default=10
        Number of times that user and item factors are learned in turn, or epochs, at most.
    tol : float, default=1e-4
        Explicit feedback only: stop when an iteration lowers the loss by less than this share.
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
    mean_ : float
        Explicit feedback only: the mean rating, 0 without ``bias``.
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
        Root mean squared error on the held-out ratings after each iteration; empty without
        ``validation_fraction``.
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
        + \sum_u \lambda_u (b_u^2 + \|x_u\|^2) + \sum_i \lambda_i (b_i^2 + \|y_i\|^2)

    with :math:`\mu` the mean rating. All penalties are ``regularization``; weighted ones are
    :math:`\lambda_u = \text{regularization} \cdot n_u` with n ratings of the user or item. Each
    half-step solves for all users, or all items, exactly.

    **Implicit feedback.** The factors minimise, over all entries,

    .. math::
        \sum_{u,i} c_{ui} (p_{ui} - x_u^\top y_i)^2
        + \lambda \Big(\sum_u \|x_u\|^2 + \sum_i \|y_i\|^2\Big)

    with the confidence :math:`c_{ui} = 1 + \kappa r_{ui}` and the preference :math:`p_{ui} = 1`
    where a rating r > 0 is stored; elsewhere c = 1 and p = 0. :math:`\kappa` is ``confidence``.
    So a rating says how sure a preference is, not how strong, and a stored 0 counts as unknown
    (it is still left out by ``exclude_seen``). The penalty is ``regularization`` times the mean
    weight that a row or column of the matrix holds,

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
    ``NUMBA_NUM_THREADS``, joblib's limits), with BLAS held to one. Neither the order of the
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
    >>> model = ALSFactorizer(2, feedback="explicit", random_state=0).fit(X)
    >>> model.predict([[5, 0, 0, 0], [0, 0, 5, 0]])[:, 3].round(1)
    array([2.6, 4.4])
    """

    _fold_in: ImplicitFoldIn | ExplicitFoldIn

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "feedback": [StrOptions({"implicit", "explicit"})],
        "regularization": [Interval(Real, 0, None, closed="neither"), None],
        "confidence": [Interval(Real, 0, None, closed="left")],
        "weighted_regularization": ["boolean"],
        "bias": ["boolean"],
        "solver": [StrOptions({"als", "sgd"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "init": [StrOptions({"random", "svd"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
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
        confidence: float = 1.0,
        weighted_regularization: bool = False,
        bias: bool = True,
        solver: str = "als",
        learning_rate: float = 0.02,
        init: str = "random",
        max_iter: int = 10,
        tol: float = 1e-4,
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

    def _predicts_ratings(self) -> bool:
        return self.feedback == "explicit"

    def _fit(self, X: sp.csr_array, times: np.ndarray | None) -> None:
        random_state = check_random_state(self.random_state)
        if self.feedback == "implicit":
            self._fit_implicit(without_zeros(X), random_state)
        else:
            self._fit_explicit(X, random_state)
        self._search = self._similar = None
        if self.retrieval == "approximate":
            self._search = ApproximateSearch(self._fold_in.item_vectors())
            self._similar = ApproximateSearch(normalize(self.item_factors_))

    def _fit_implicit(self, X: sp.csr_array, random_state: np.random.RandomState) -> None:
        weights = 1 + self.confidence * X.data
        mean_weight = weights.sum(dtype=np.float64) / sum(X.shape)
        share = 0.2 if self.regularization is None else self.regularization
        self.penalty_ = share * (mean_weight or 1.0)
        self.user_factors_, self.item_factors_ = run_engine(
            X,
            weights,
            first_factors(X, self.n_components or 128, self.init, random_state),
            penalty=self.penalty_,
            max_iter=self.max_iter,
            verbose=self.verbose,
        )
        self.n_iter_ = self.max_iter
        self._fold_in = ImplicitFoldIn(self.item_factors_, self.penalty_, self.confidence)

    def _fit_explicit(self, X: sp.csr_array, random_state: np.random.RandomState) -> None:
        mean, offsets, _ = fit_baseline(X.indptr, X.indices, X.data, X.shape[1])
        self.prior_ = (mean + offsets).astype(X.dtype)
        self.mean_ = mean if self.bias else 0.0
        biases = (offsets if self.bias else np.zeros(X.shape[1])).astype(X.dtype)
        R = sp.csr_array((X.data - X.dtype.type(self.mean_), X.indices, X.indptr), shape=X.shape)
        R, held_out = hold_out(R, self.validation_fraction, random_state)
        weighted = self.weighted_regularization
        penalty = Penalty.choose(self.regularization, R, weighted=weighted, bias=self.bias)
        self.penalty_ = penalty.value
        rest = sp.csr_array((R.data - biases[R.indices], R.indices, R.indptr), shape=R.shape)
        start = first_factors(rest, self.n_components or 10, self.init, random_state)
        solver: AlternatingLeastSquares | StochasticDescent
        if self.solver == "als":
            solver = AlternatingLeastSquares(R, penalty)
        else:
            solver = StochasticDescent(R, penalty, self.learning_rate, random_state)
        users, items, self.loss_curve_, self.validation_curve_ = learn(
            solver,
            Side(biases, start),
            penalty,
            max_iter=self.max_iter,
            tol=self.tol,
            held_out=held_out,
            verbose=self.verbose,
        )
        self.n_iter_ = len(self.loss_curve_)
        self.user_biases_, self.user_factors_ = users.biases, users.factors
        self.item_biases_, self.item_factors_ = items.biases, items.factors
        self._fold_in = ExplicitFoldIn(self.mean_, items, penalty)
        if self.bias:
            self.prior_ = (self.mean_ + items.biases).astype(X.dtype)

    def _score(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        return self._fold_in.score(X, self.prior_).astype(X.dtype, copy=False)

    def _explain(
        self, X: sp.csr_array, times: np.ndarray | None, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        return self._fold_in.explain(X, items, self.prior_)

    def _rank(
        self,
        X: sp.csr_array,
        times: np.ndarray | None,
        candidates: Candidates,
        hidden: sp.csr_array,
        k: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank by approximate search; rows without history, or too few items found, exactly."""
        exact = super()._rank
        if self._search is None or candidates is not None:
            return exact(X, times, candidates, hidden, k)
        users = self._fold_in.user_vectors(X)
        indices, scores = rank_candidates(self._search, users, hidden, k)
        again = ~known_rows(X) | (indices[:, -1] < 0)
        if again.any():
            indices[again], scores[again] = exact(X[again], None, None, hidden[again], k)
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
        X, _ = model._validate(X, None, reset=False)
        return model._fold_in.factors(X).astype(X.dtype, copy=False)

    @property
    def _n_features_out(self) -> int:
        return self.item_factors_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
