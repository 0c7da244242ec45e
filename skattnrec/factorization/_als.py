"""Matrix factorization of implicit feedback by alternating least squares.

Every entry of the matrix counts, the unknown ones as weak zeros. The factors are learned by the
engine of the ``implicit`` library; histories are folded in exactly, by one ridge regression each.

Reference: Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit feedback datasets",
ICDM 2008.
"""

from __future__ import annotations

import threading
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from numba import get_num_threads
from scipy.linalg import solve_triangular
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval, openmp_threads
from .._kernels._blas import one_blas_thread
from .._kernels.als import fold_in
from ..base import BaseRecommender

__all__ = ["ALSFactorizer"]

_START_NORM = 0.1  # root mean square norm of the first item factors
_SMALL = 2**20  # known ratings times factors; below, threads cost more than they save
_ENGINE = threading.Lock()


class ALSFactorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseRecommender):
    r"""Factorize implicit feedback by alternating least squares (iALS).

    Parameters
    ----------
    n_components : int, default=128
        Number of factors of each user and item.
    regularization : float, default=0.2
        Weight of the squared factors, as a share of the mean total weight of the known ratings
        of a user or item; so one value suits data of any size, scale and ``confidence``.
    confidence : float, default=1.0
        How much more a rating of 1 counts than an unknown entry: a rating r has the weight
        ``1 + confidence * r``, an unknown entry has the weight 1.
    max_iter : int, default=10
        Number of times that user and item factors are learned in turn.
    random_state : int, RandomState instance or None, default=None
        Draws the first item factors. Pass an int for the same factors in every run.
    verbose : bool, default=False
        Show a progress bar.

    Attributes
    ----------
    user_factors_ : ndarray of shape (n_users, n_components)
        Factors of the users seen in ``fit``, as learned before the last change of
        ``item_factors_``. ``predict`` does not use them; ``transform`` gives the exact ones.
    item_factors_ : ndarray of shape (n_features_in_, n_components)
        Factors of the items.
    penalty_ : float
        The weight of the squared factors, :math:`\lambda` in the notes.
    n_iter_ : int
        Number of iterations run.
    prior_ : ndarray of shape (n_features_in_,)
        Scores of an empty history: the number of known ratings of each item.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Item names, when ``fit`` got a DataFrame with string column names.

    See Also
    --------
    ItemItemCF : Recommend what resembles the history.
    AttentionRecommender : A closed-form model of the whole catalogue.

    Notes
    -----
    The factors x of users and y of items minimise

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

    A history is folded in by the half-step that fits :math:`x_u` with all y fixed, solved exactly,
    so that scores depend on the history alone and split into the contributions of its items:

    .. math::
        s_{ui} = y_i^\top (Y^\top C_u Y + \lambda I)^{-1} Y^\top C_u p_u
        = \sum_j y_i^\top W_u \, c_{uj} p_{uj} \, y_j .

    The engine takes three conjugate gradient steps per user and item and iteration [2]_, in
    the dtype of ``X``, but with weights rounded to float32. Its first item factors are signed sums
    of random groups of users, drawn so that neither the order of the items nor that of the users
    matters. It uses the threads that OpenMP and numba may (``OMP_NUM_THREADS``,
    ``NUMBA_NUM_THREADS``, joblib's limits), with BLAS held to one.

    References
    ----------
    .. [1] Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit feedback datasets",
       ICDM 2008.
    .. [2] G. Takacs, I. Pilaszy, D. Tikk, "Applications of the conjugate gradient method for
       implicit feedback collaborative filtering", RecSys 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.factorization import ALSFactorizer
    >>> X = np.kron(np.eye(2), np.ones((3, 3)))  # two groups of users with a taste each
    >>> model = ALSFactorizer(n_components=2, regularization=0.1, random_state=0).fit(X)
    >>> indices, _ = model.recommend([[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1]], k=1)
    >>> indices.ravel()
    array([2, 4])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "confidence": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        regularization: float = 0.2,
        confidence: float = 1.0,
        max_iter: int = 10,
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.n_components = n_components
        self.regularization = regularization
        self.confidence = confidence
        self.max_iter = max_iter
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: sp.csr_array, times: np.ndarray | None) -> None:
        X = _without_zeros(X)
        weights = 1 + self.confidence * X.data
        mean_weight = weights.sum(dtype=np.float64) / sum(X.shape)
        self.penalty_ = self.regularization * (mean_weight or 1.0)
        start = _sketch(X, self.n_components, check_random_state(self.random_state))
        self.user_factors_, self.item_factors_ = self._run_engine(X, weights, start)
        self.n_iter_ = self.max_iter
        # with Y'Y + lambda I = LL' and z = L^-1 y a fold-in needs no matrix but the factors z
        items = self.item_factors_.astype(np.float64)
        identity = np.eye(self.n_components)
        gram = items.T @ items + self.penalty_ * identity
        inverse = solve_triangular(np.linalg.cholesky(gram), identity, lower=True)
        self._whitening = inverse.astype(X.dtype)  # L^-1
        self._white_items = (items @ inverse.T).astype(X.dtype, order="C")

    def _run_engine(
        self, X: sp.csr_array, weights: np.ndarray, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Learn user and item factors from the weights of X's entries and first item factors."""
        pattern = (np.require(part, requirements="W") for part in (X.indices, X.indptr))
        confidences = sp.csr_matrix((weights.astype(np.float32), *pattern), shape=X.shape)
        small = X.nnz * self.n_components < _SMALL
        n_threads = 1 if small else min(openmp_threads(), get_num_threads())
        # Each thread of the engine calls BLAS. One fit at a time, as others may lift the limit.
        with _ENGINE, one_blas_thread():
            engine = AlternatingLeastSquares(
                factors=self.n_components,
                regularization=self.penalty_,
                alpha=1.0,
                dtype=X.dtype,
                iterations=self.max_iter,
                num_threads=n_threads,
            )
            engine.user_factors = np.zeros((X.shape[0], self.n_components), X.dtype)
            engine.item_factors = start
            engine.fit(confidences, show_progress=self.verbose)
        return engine.user_factors, engine.item_factors

    def _fold_in(self, X: sp.csr_array) -> np.ndarray:
        """User factors in the whitened space, (n_rows, n_components)."""
        dtype = self._white_items.dtype
        weights = (self.confidence * X.data).astype(dtype, copy=False)
        # fold_in divides by roots of weights; one this small stands for 0 to all digits
        weights = np.maximum(weights, np.finfo(np.float32).tiny)
        return fold_in(X.indptr, X.indices, weights, 1 + weights, self._white_items)

    def _score(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        known = _without_zeros(X)
        scores = self._fold_in(known) @ self._white_items.T
        scores[np.diff(known.indptr) == 0] = self.prior_
        return scores.astype(X.dtype, copy=False)

    def _explain(
        self, X: sp.csr_array, times: np.ndarray | None, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Contribution of history item j to item i: z_i' (I + Z_u'(C_u - I)Z_u)^-1 c_uj z_j."""
        X = _without_zeros(X)
        baseline = np.zeros(len(items), X.dtype) if X.nnz else self.prior_[items]
        history = self._white_items[X.indices].astype(np.float64)  # (s, f)
        weights = self.confidence * X.data.astype(np.float64)
        system = np.eye(self.n_components) + history.T @ (weights[:, None] * history)
        votes = np.linalg.solve(system, (1 + weights) * history.T)  # (f, s)
        contributions = (self._white_items[items] @ votes).astype(X.dtype)  # (n, s)
        return baseline, X.indices.astype(np.intp), contributions, {}

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
            Their product with ``item_factors_.T`` is what ``predict`` returns for rows that hold
            a positive rating; other rows are 0.
        """
        check_is_fitted(self)
        X, _ = self._validate(X, None, reset=False)
        white = self._fold_in(_without_zeros(X))
        return (white @ self._whitening).astype(X.dtype, copy=False)

    @property
    def _n_features_out(self) -> int:
        return self.item_factors_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _without_zeros(X: sp.csr_array) -> sp.csr_array:
    """Drop stored zeros, from a copy."""
    if X.data.all():
        return X
    X = X.copy()
    X.eliminate_zeros()
    return X


def _sketch(X: sp.csr_array, n_components: int, random_state: np.random.RandomState) -> np.ndarray:
    """First item factors: each component sums the rows of a random group of users, signed.

    Draws go to the users in the order of how popular their items are, which permuting rows or
    columns does not change.
    """
    n_users = X.shape[0]
    total = np.bincount(X.indices, X.data, minlength=X.shape[1])  # in float64
    order = np.argsort(sp.csr_array(X, dtype=np.float64) @ np.sqrt(total), kind="stable")
    signs = random_state.choice(np.array([-1, 1], X.dtype), n_users)
    groups = random_state.randint(n_components, size=n_users)
    chooser = sp.csr_array((signs, (groups, order)), shape=(n_components, n_users))
    factors = np.ascontiguousarray((chooser @ X).toarray().T)  # (n_items, n_components)
    norm = np.sqrt(np.square(factors).sum() / len(factors))
    return factors * (_START_NORM / norm) if norm > 0 else factors
