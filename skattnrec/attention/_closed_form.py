"""What the attention recommenders share: logits, weights and the closed-form fit of the votes."""

from __future__ import annotations

import os
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, check_is_fitted

from .._compat import Interval, StrOptions
from .._kernels.attention import profile_logits, smoothed_softmax
from .._kernels.gram import gram_upper
from .._kernels.ridge import constrained_ridge
from .._kernels.scoring import csr_times_dense
from .._kernels.votes import csr_times_csr
from ..base import BaseRecommender
from ._cold_items import borrow_values
from ._rating import RatingVotes, item_levels

__all__ = ["BaseAttentionRecommender"]


class BaseAttentionRecommender(BaseRecommender):
    """Attention with any number of heads and votes in closed form.

    A subclass defines the constructor and may override ``_make_temperatures`` and
    ``_make_projections``, which default to a single head without projection.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "temperature": [Interval(Real, 0, np.inf, closed="right")],
        "rating_weight": [Interval(Real, None, None, closed="neither")],
        "content_weight": [Interval(Real, None, None, closed="neither")],
        "item_features": ["array-like", "sparse matrix", None],
        "relevance_threshold": [Interval(Real, None, None, closed="neither"), None],
        "smoothing": [Interval(Real, 0, 1, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "objective": [StrOptions({"ranking", "rating"})],
    }

    temperature: float
    rating_weight: float
    content_weight: float
    item_features: Any
    relevance_threshold: float | None
    smoothing: float
    dropout: float
    regularization: float
    objective: str
    values_: Any

    def attention_weights(self, X: Any, *, timestamps: Any = None) -> list[sp.csr_array]:
        """Attention of each head over each history.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            Checked and not used: this model has no notion of order.

        Returns
        -------
        list of n_heads csr_array of shape (n_rows, n_items)
            Positive weights at the stored entries of ``X``, as they enter the scores. With
            ``smoothing=1`` rows sum to 1; otherwise they hold a factor common to all rows.
        """
        check_is_fitted(self)
        X, _ = self._validate(X, timestamps, reset=False)
        weights = self._weights(X)
        return [sp.csr_array((w, X.indices, X.indptr), shape=X.shape) for w in weights]

    # -- hooks of the contract ----------------------------------------------------------------

    def _predicts_ratings(self) -> bool:
        return self.objective == "rating"

    def _prior(self, X: sp.csr_array) -> np.ndarray:
        """Score an empty history by the sum of each item's relevance; rate it by its level."""
        if self.objective == "rating":
            return item_levels(X)
        return np.bincount(X.indices, self._relevance(X), minlength=X.shape[1]).astype(X.dtype)

    def _fit(self, X: sp.csr_array, times: np.ndarray | None) -> None:
        self._set_up_logits(X)
        if self.objective == "rating":
            self._fit_ratings(X)
            return
        n_heads, n_items = len(self.temperatures_), X.shape[1]
        _check_memory(n_heads, n_items, X.dtype)
        weights = self._weights(X)
        gram, cross = _sufficient_statistics(X, weights, self._relevance(X))
        mean_square = float(np.mean(np.sum(np.square(weights), axis=0))) if X.nnz else 1.0
        try:
            self.values_ = constrained_ridge(
                gram, cross, self.regularization * mean_square, self.dropout
            )
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"regularization={self.regularization:g} is too small for {X.dtype} arithmetic: "
                "the normal equations are not positive definite. Raise it, or pass X as float64."
            ) from error
        if self._keys is not None:
            is_cold = np.bincount(X.indices, minlength=n_items) == 0
            borrow_values(self.values_, self._keys, is_cold, self.temperature)

    def _fit_ratings(self, X: sp.csr_array) -> None:
        self._votes = RatingVotes(X, self._weights(X), self.prior_, self.regularization)
        self.values_ = self._votes.by_rating
        self.presence_values_ = self._votes.by_presence

    def _score(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        if self.objective == "rating":
            return self._votes.score(X, self._weights(X))
        scores = np.zeros(X.shape, self.values_.dtype)
        for weights, values in zip(self._weights(X), self.values_, strict=True):
            scores += csr_times_dense(X.indptr, X.indices, weights, values)
        return scores

    def _explain(
        self, X: sp.csr_array, times: np.ndarray | None, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Every vote is weight times value: the split is exact; only ratings have a baseline."""
        history = X.indices.astype(np.intp)
        if self.objective == "rating":
            levels, heads = self._votes.explain(X, self._weights(X), items)
            return levels, history, heads.sum(axis=0), {"heads": heads}
        votes = self.values_[:, history[:, None], items]  # (n_heads, s, n)
        heads = (self._weights(X)[:, :, None] * votes).transpose(0, 2, 1)  # (n_heads, n, s)
        baseline = np.zeros(len(items), heads.dtype)
        return baseline, history, heads.sum(axis=0), {"heads": heads}

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Scores of histories of one item each; where these are ratings, the votes alone."""
        if self.objective == "ranking":
            return super()._item_similarity(items)
        return np.sum([votes[items].toarray() for votes in self.values_], axis=0)

    # -- logits and weights ---------------------------------------------------------------------

    def _make_temperatures(self) -> np.ndarray:
        """Temperature of each head."""
        return np.array([self.temperature], dtype=float)

    def _make_projections(self, n_features: int) -> np.ndarray:
        """Feature projection of each head; shape (n_heads, d, d_head)."""
        return np.eye(n_features)[None]

    def _set_up_logits(self, X: sp.csr_array) -> None:
        """Learn what logits need: the largest one, temperatures, the keys of each head."""
        self._logit_shift = self._raw_logits(X).max() if X.nnz else X.dtype.type(0)
        self.temperatures_ = self._make_temperatures()
        self._keys = _check_item_features(self.item_features, X)
        self._head_keys = None
        self.projections_ = None
        if self._keys is not None:
            self.projections_ = self._make_projections(self._keys.shape[1])
            self._head_keys = [self._keys @ W.astype(X.dtype) for W in self.projections_]

    def _raw_logits(self, X: sp.csr_array) -> np.ndarray:
        """Rating logits at temperature 1."""
        return X.data * X.dtype.type(self.rating_weight)

    def _weights(self, X: sp.csr_array) -> np.ndarray:
        """Attention weights of each head at the stored entries; shape (n_heads, nnz).

        Logits are shifted by the largest of the training data. This scales all weights by one
        factor, which the votes make up for, and keeps exponentials small.
        """
        rating_logits = self._raw_logits(X) - self._logit_shift
        weights = np.empty((len(self.temperatures_), X.nnz), X.dtype)
        for head, temperature in enumerate(self.temperatures_):
            logits = rating_logits
            if self._head_keys is not None and self.content_weight != 0:
                keys = self._head_keys[head]
                content = profile_logits(X.indptr, X.indices, X.data, keys)
                logits = logits + self.content_weight / np.sqrt(keys.shape[1]) * content
            logits = (logits / temperature).astype(X.dtype, copy=False)
            weights[head] = smoothed_softmax(X.indptr, logits, self.smoothing)
        return weights

    def _relevance(self, X: sp.csr_array) -> np.ndarray:
        """Target of each stored training entry, in [0, 1]."""
        if self.relevance_threshold is not None:
            return (X.data >= self.relevance_threshold).astype(X.dtype)
        logits = self._raw_logits(X)
        logits -= logits.max(initial=-np.inf)
        return np.exp(logits / self.temperature).astype(X.dtype, copy=False)


def _sufficient_statistics(
    X: sp.csr_array, weights: np.ndarray, relevance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Upper triangle of C'C, (H n, H n), and C'Y, (H n, n), for C = the heads side by side."""
    heads = [sp.csr_array((w, X.indices, X.indptr), shape=X.shape) for w in weights]
    C = sp.csr_array(sp.hstack(heads, format="csr"))  # (n_rows, H * n)
    T = C.T.tocsr()
    transposed = (T.indptr, T.indices, T.data)
    gram = gram_upper(transposed, (C.indptr, C.indices, C.data))
    cross = csr_times_csr(transposed, (X.indptr, X.indices, relevance), X.shape[1])
    return gram, cross


def _check_item_features(item_features: Any, X: sp.csr_array) -> np.ndarray | None:
    if item_features is None:
        return None
    keys = check_array(
        item_features, accept_sparse="csr", dtype=X.dtype, input_name="item_features"
    )
    if keys.shape[0] != X.shape[1]:
        raise ValueError(
            f"item_features must have one row per item: it has {keys.shape[0]}, "
            f"X has {X.shape[1]} items."
        )
    return keys.toarray() if sp.issparse(keys) else keys


def _check_memory(n_heads: int, n_items: int, dtype: np.dtype[Any]) -> None:
    """Refuse what cannot fit: C'C, C'Y and V with n_heads * n_items rows."""
    needed = n_heads * n_items * (n_heads + 2) * n_items * dtype.itemsize
    try:
        present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return
    if needed > present:
        raise MemoryError(
            f"{n_heads} head(s) on {n_items} items need {needed / 2**30:.1f} GiB, the machine has "
            f"{present / 2**30:.1f} GiB. Use fewer heads or items, or pass X as float32."
        )
