"""What the attention recommenders share: statistics of histories, and votes solved from them."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, check_is_fitted

from .._compat import Interval, StrOptions
from ._logits import Attention
from ._next_item import NextItemMixin
from ._projection import ContentVotes, learn_projections
from ._rating import RatingVotes, item_levels
from ._solve import (
    choose_solver,
    head_scales,
    popularity_scale,
    solve_dense,
    solve_sparse,
)
from ._statistics import SufficientStatistics
from ._streaming import StreamingRecommender
from ._votes import SparseVotes, votes_of

__all__ = ["BaseAttentionRecommender"]


class BaseAttentionRecommender(NextItemMixin, StreamingRecommender):
    """Attention with any number of heads and votes in closed form.

    A subclass defines the constructor and may override ``_make_temperatures`` and
    ``_make_projections``, which default to a single head without projection.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "temperature": [Interval(Real, 0, np.inf, closed="right")],
        "rating_weight": [Interval(Real, None, None, closed="neither")],
        "recency_weight": [Interval(Real, 0, None, closed="left")],
        "age": [StrOptions({"rank", "time"})],
        "content_weight": [Interval(Real, None, None, closed="neither")],
        "item_features": ["array-like", "sparse matrix", None],
        "learn_projections": ["boolean"],
        "relevance_threshold": [Interval(Real, None, None, closed="neither"), None],
        "lookahead": [Interval(Real, 0, 1, closed="left")],
        "reverse_weight": [Interval(Real, 0, None, closed="left")],
        "smoothing": [Interval(Real, 0, 1, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "popularity_penalty": [Interval(Real, None, None, closed="neither")],
        "popularity_discount": [Interval(Real, None, None, closed="neither")],
        "solver": [StrOptions({"auto", "dense", "sparse"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "proba_temperature": [Interval(Real, 0, None, closed="neither")],
        "objective": [StrOptions({"ranking", "rating"})],
        "verbose": ["verbose"],
    }

    temperature: float
    rating_weight: float
    recency_weight: float
    age: str
    content_weight: float
    item_features: Any
    learn_projections: bool
    relevance_threshold: float | None
    lookahead: float
    reverse_weight: float
    smoothing: float
    dropout: float
    regularization: float
    proba_temperature: float
    objective: str
    values_: Any
    popularity_penalty: float
    popularity_discount: float
    solver: str
    n_neighbors: int
    verbose: bool

    # -- what users call ----------------------------------------------------------------------

    def attention_weights(self, X: Any, *, timestamps: Any = None) -> list[sp.csr_array]:
        """Attention of each head over each history.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            Read if the model was fitted with timestamps; without them all entries count as
            equally old.

        Returns
        -------
        list of n_heads csr_array of shape (n_rows, n_items)
            Positive weights at the stored entries of ``X``, as they enter the scores. With
            ``smoothing=1`` rows sum to 1; otherwise they hold a factor common to all rows.
        """
        check_is_fitted(self)
        X, times = self._validate(X, timestamps, reset=False)
        return [
            sp.csr_array((w, X.indices, X.indptr), shape=X.shape) for w in self._weights(X, times)
        ]

    # -- hooks of the contract ----------------------------------------------------------------

    def _predicts_ratings(self) -> bool:
        return self.objective == "rating"

    def _prior(self, X: sp.csr_array) -> np.ndarray:
        """Rate for an empty history by each item's level; ranking models solve for it later."""
        return item_levels(X) if self.objective == "rating" else super()._prior(X)

    def _fit(self, X: sp.csr_array, times: np.ndarray | None) -> None:
        if self.objective == "rating":
            self._set_up_logits(X, is_causal=False)
            with self._step_progress("votes"):
                self._fit_ratings(X)
            return
        self._set_up_logits(X, is_causal=times is not None)
        self.solver_ = choose_solver(
            self.solver, X.shape[1], len(self.temperatures_), X.dtype.itemsize
        )
        with self._step_progress("statistics"):
            self.statistics_ = self._count(X, times)
        with self._step_progress("votes"):
            self._solve()

    def _n_steps(self) -> int:
        return 1 if self.objective == "rating" else 2

    def _fit_ratings(self, X: sp.csr_array) -> None:
        self._votes = RatingVotes(X, self._weights(X, None), self.prior_, self.regularization)
        self.values_ = self._votes.by_rating
        self.presence_values_ = self._votes.by_presence

    def _score(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        weights = self._weights(X, times)
        if self.objective == "rating":
            return self._votes.score(X, weights)
        scores = votes_of(self.values_).score(X, weights)
        if self._content_votes is not None:
            scores += self._content_votes.score(X, weights)
        return scores

    def _sparse_factors(
        self, X: sp.csr_array, times: np.ndarray | None
    ) -> tuple[sp.csr_array, sp.csr_array] | None:
        if self.objective == "rating" or self._content_votes is not None:
            return None
        votes = votes_of(self.values_)
        if not isinstance(votes, SparseVotes):
            return None
        return votes.factors(X, self._weights(X, times))

    def _explain(
        self, X: sp.csr_array, times: np.ndarray | None, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Every vote is weight times value: the split is exact; only ratings have a baseline."""
        history = X.indices.astype(np.intp)
        weights = self._weights(X, times)
        if self.objective == "rating":
            levels, heads = self._votes.explain(X, weights, items)
            return levels, history, heads.sum(axis=0), {"heads": heads}
        votes = votes_of(self.values_).between(history, items)  # (n_heads, s, n)
        if self._content_votes is not None:
            votes = votes + self._content_votes.votes(history, items)
        heads = (weights[:, :, None] * votes).transpose(0, 2, 1)  # (n_heads, n, s)
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

    def _set_up_logits(self, X: sp.csr_array, *, is_causal: bool) -> None:
        """Learn what logits need: the largest one, temperatures, the keys of each head."""
        self.temperatures_ = self._make_temperatures()
        self._keys = _check_item_features(self.item_features, X)
        self.projections_ = None
        head_keys = None
        if self._keys is None:
            if self.learn_projections:
                raise ValueError("learn_projections=True needs item_features, which is None.")
        else:
            self.projections_ = self._make_projections(self._keys.shape[1])
            head_keys = [self._keys @ W.astype(X.dtype) for W in self.projections_]
        largest = (X.data * X.dtype.type(self.rating_weight)).max() if X.nnz else 0.0
        self._attention = Attention(
            temperatures=self.temperatures_,
            rating_weight=self.rating_weight,
            rating_shift=float(largest),
            smoothing=self.smoothing,
            content_weight=self.content_weight,
            keys=head_keys,
            recency_weight=self.recency_weight,
            age=self.age,
            is_causal=is_causal,
        )

    def _weights(self, X: sp.csr_array, times: np.ndarray | None) -> np.ndarray:
        """Attention weights of each head at the stored entries; shape (n_heads, nnz)."""
        return self._attention.whole_rows(X, times)

    # -- statistics and votes -----------------------------------------------------------------

    def _count(self, X: sp.csr_array, times: np.ndarray | None) -> SufficientStatistics:
        relevance = self._attention.relevance(X, self.relevance_threshold)
        if times is None:
            return SufficientStatistics.of_rows(X, self._attention, relevance)
        return SufficientStatistics.of_prefixes(
            X, times, self._attention, relevance, self.lookahead, self.reverse_weight
        )

    def _solve(self) -> None:
        """Solve for the votes; targets have a mean relevance of 1 unless there is a threshold."""
        statistics = self.statistics_
        scale = head_scales(statistics, self.popularity_penalty)
        total = statistics.relevance.sum()
        graded = self.relevance_threshold is None and total > 0
        unit = statistics.gram.dtype.type(statistics.n_entries / total if graded else 1)
        self.prior_ = (statistics.relevance * unit).astype(statistics.gram.dtype)
        settings = statistics, scale, self.regularization, self.dropout
        try:
            if self.solver_ == "dense":
                self.values_ = solve_dense(*settings)
            else:
                self.values_ = solve_sparse(*settings, self.n_neighbors)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"regularization={self.regularization:g} is too small for {statistics.gram.dtype} "
                "arithmetic: the normal equations are not positive definite. Raise it, or pass X "
                "as float64."
            ) from error
        discount = unit * popularity_scale(statistics, self.popularity_discount)
        votes = votes_of(self.values_)
        votes.discount(discount)
        self.learned_projections_ = None
        self._content_votes = None
        if self._keys is None:
            return
        self.values_ = votes.borrow(self._keys, statistics.item_counts == 0, self.temperature)
        if self.learn_projections:
            W = learn_projections(statistics, scale, self._keys)
            self.learned_projections_ = W
            targets = self._keys * discount[:, None]
            self._content_votes = ContentVotes(self._keys, targets, scale, W)


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
