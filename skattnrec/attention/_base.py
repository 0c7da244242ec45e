"""What the attention recommenders share: logits, votes, answers."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._context import Context
from .._next_item import NextItemMixin
from .._spreads import spread_of
from ..base import BaseRecommender
from ..exceptions import IneffectiveParameterWarning
from ._catalogue import GrowingCatalogue
from ._cold import Lending, lend_votes, own_votes
from ._features import ContentVotes, ItemFeatures
from ._parameters import DEFAULTS, PRIOR_WEIGHT
from ._prior import Prior, Tokens, TokenSums
from ._statistics import SufficientStatistics, fingerprints
from ._votes import DenseVotes, Regression, SparseVotes, choose_solver, popularity_scale
from ._weights import RatingLogits

__all__ = ["BaseAttention", "RankingAttention", "all_equal"]

LENGTHS = 1.5  # of a history that the penalty is by default; chosen on validation data
LEAST_REGULARIZATION = 50.0


class BaseAttention(BaseRecommender):
    """Attention with any number of heads."""

    temperature: float
    rating_center: float | None
    rating_spread: float | None
    smoothing: float
    verbose: bool
    values_: Any
    prior_: np.ndarray

    @abstractmethod
    def _attend(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Attention weights of each head at the stored entries; (n_heads, nnz), float64."""

    def _make_temperatures(self) -> np.ndarray:
        """Temperature of each head, (n_heads,)."""
        return np.array([self.temperature], dtype=float)

    def attention_weights(
        self, X: Any, *, timestamps: Any = None, user_features: Any = None
    ) -> list[sp.csr_array]:
        """Attention of each head over each history.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_items)
            Histories.
        timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
            The time of every entry of ``X``, for models that need it.
        user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
            What is known of the user of each row, if the model was fitted with it.

        Returns
        -------
        list of n_heads csr_array of shape (n_rows, n_items)
            Positive weights at the stored entries of ``X``, as they enter the scores. With
            ``smoothing=1`` rows sum to 1; otherwise they hold a factor common to all rows. User
            features have no columns there: what they add, ``explain`` tells.
        """
        model = self._fitted()
        X, context = model._validate(X, timestamps, user_features, reset=False)
        return [
            sp.csr_array((w, X.indices, X.indptr), shape=X.shape)
            for w in model._weights(X, context)
        ]

    def _weights(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Attention weights in the precision of the model."""
        return self._attend(X, context).astype(X.dtype)

    def _learn_logits(self, X: sp.csr_array) -> RatingLogits:
        """Learn what rating logits need."""
        center, spread = spread_of(X.data)
        self.rating_center_ = center if self.rating_center is None else float(self.rating_center)
        self.rating_spread_ = spread if self.rating_spread is None else float(self.rating_spread)
        self.temperatures_ = self._make_temperatures()
        return RatingLogits(self.rating_center_, self.rating_spread_, self.temperatures_)

    def _refuse(self, name: str, reason: str) -> None:
        """Refuse a parameter that was given and cannot act."""
        told = self._tell(name)
        raise ValueError(f"{told} has no effect {reason}. Leave {name} at its default.")

    def _warn(self, name: str, reason: str) -> None:
        """Warn of a parameter that cannot act on these data."""
        message = f"{self._tell(name)} has no effect: {reason}."
        warnings.warn(message, IneffectiveParameterWarning, stacklevel=2)

    def _tell(self, name: str) -> str:
        """Give the name of a parameter, and its value where that is short."""
        value = getattr(self, name)
        return f"{name}={value!r}" if np.isscalar(value) else name

    def _warn_of_idle_ratings(self, X: sp.csr_array, *, reads_more: bool) -> None:
        """Warn of parameters of the rating logits that have no effect; they may act on more."""
        if np.isinf(self.temperature):
            for name in ("rating_center", "rating_spread"):
                if getattr(self, name) is not None:
                    self._warn(name, "the temperature is infinite")
        elif all_equal(X) and not reads_more and self.temperature != DEFAULTS["temperature"]:
            self._warn("temperature", "all ratings are equal")


def all_equal(X: sp.csr_array) -> bool:
    """Tell whether there are ratings, and all are equal."""
    return X.nnz > 0 and bool(X.data.min() == X.data.max())


class RankingAttention(NextItemMixin, BaseAttention, GrowingCatalogue):
    """Attention whose votes rank items, solved for in closed form from sums over users."""

    item_features: Any
    learn_projections: bool
    relevance_threshold: float | None
    dropout: float
    regularization: float | None
    key_popularity_exponent: float
    popularity_exponent: float
    solver: str
    n_neighbors: int | None
    prior_weight: float | None
    memory: Any
    statistics_: SufficientStatistics
    _attention: Any
    _tokens: Tokens | None
    _lending: Lending | None
    _votes: DenseVotes | SparseVotes
    _usual: Prior
    _blend: Prior | None  # None where it is silent

    # -- what a model defines -----------------------------------------------------------------

    @abstractmethod
    def _set_up_attention(self, X: sp.csr_array) -> None:
        """Learn what the attention needs; ``_features`` are there."""

    @abstractmethod
    def _count_histories(self, X: sp.csr_array, context: Context, memory: Any) -> Any:
        """Add up histories, or read the sums from a joblib.Memory where it has them."""

    def _prior_scale(self, statistics: SufficientStatistics) -> float:
        """How much targets are, beside the relevance of all that a user has rated."""
        return 1.0

    # -- hooks of the contract ----------------------------------------------------------------

    def _accepts_negative(self) -> bool:
        return True

    def _reads_user_features(self) -> bool:
        return True

    def _n_steps(self) -> int:
        return 2

    def _set_up(self, X: sp.csr_array, context: Context) -> None:
        features = context.features
        self._tokens = None if features is None else Tokens.learn(features, X.shape[1])
        if self.__dict__.get("_features") is None or self.item_features is None:
            self._features = self._learn_features(X.shape[1])  # else they may have become more
        self._likeness = None if self._features is None else self._features.likeness()
        if self._features is None and self.learn_projections:
            self._refuse("learn_projections", "without item_features")
        self._choose_solver(X.shape[1])
        self._set_up_attention(X)

    def _learn_features(self, n_items: int) -> ItemFeatures | None:
        if self.item_features is None:
            return None
        return ItemFeatures.of(self.item_features, n_items)

    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        scores = self._score_votes(X, context)
        if self._blend is not None:
            self._blend.add_to(scores, X, context.features)
        return scores

    def _score_votes(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Score by the votes of the history alone."""
        weights = self._weights(X, context)
        scores = self._votes.score(X, weights)
        if self._content_votes is not None:
            scores += self._content_votes.score(X, weights)
        return scores

    def _expect(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Guess the relevance of all items: votes, and a prior that is never silent."""
        scores = self._score_votes(X, context)
        usual = replace(self._usual, weight=max(self.prior_weight_, PRIOR_WEIGHT))
        usual.add_to(scores, X, context.features)
        return scores

    def _score_empty(self, X: sp.csr_array, context: Context) -> np.ndarray:
        if self._blend is None:
            return super()._score_empty(X, context)
        return self._blend.score(context.features, X.shape[0])

    def _sparse_factors(
        self, X: sp.csr_array, context: Context
    ) -> tuple[sp.csr_array, sp.csr_array] | None:
        if self._content_votes is not None or self._blend is not None:
            return None
        if not isinstance(self._votes, SparseVotes):
            return None
        return self._votes.factors(X, self._weights(X, context))

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Every vote is weight times value: the split is exact."""
        history = X.indices.astype(np.intp)
        votes = self._votes.between(history, items)  # (n_heads, s, n)
        if self._content_votes is not None:
            votes = votes + self._content_votes.between(history, items)
        # (n_heads, s, n) -> (n_heads, n, s)
        weights = np.repeat(self._weights(X, context)[:, None], len(items), axis=1)
        heads = weights * votes.transpose(0, 2, 1)
        told = {"heads": heads, "weights": weights}
        baseline = np.zeros(len(items), heads.dtype)
        if self._blend is not None:
            baseline, of_features = self._blend.explain(X, context.features, items)
            told |= of_features
        return baseline, history, heads.sum(axis=0), told

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Scores of histories that hold one item each, of the usual rating."""
        n_rows = len(items)
        data = np.full(n_rows, self.rating_center_, self.prior_.dtype)
        one = sp.csr_array((data, items, np.arange(n_rows + 1)), (n_rows, self.n_features_in_))
        return self._score_votes(one, Context(np.zeros(n_rows)))

    # -- votes --------------------------------------------------------------------------------

    def _fingerprints(self, X: sp.csr_array, context: Context) -> np.ndarray:
        return fingerprints(X, context.times, context.features)

    def _count(self, X: sp.csr_array, context: Context, memory: Any) -> SufficientStatistics:
        statistics = self._count_histories(X, context, memory)
        if self._tokens is None or context.features is None:
            return statistics
        tokens = self._tokens.of(context.features)
        sums = TokenSums.of(X, tokens, self._attention.ratings, self.relevance_threshold)
        rows = self._fingerprints(X, context)[np.diff(X.indptr) > 0]
        return replace(statistics, tokens=sums, rows=np.sort(rows))

    def _choose_solver(self, n_items: int) -> None:
        n_heads, itemsize = len(self._make_temperatures()), self.prior_.dtype.itemsize
        self.solver_ = choose_solver(self.solver, n_items, n_heads, itemsize)
        if self.solver_ == "dense" and self.n_neighbors is not None:
            where = f"solver={self.solver!r} with {n_items} items"
            self._refuse("n_neighbors", f"under the dense solver ({where}); solver='sparse' has it")

    def _choose_regularization(self, statistics: SufficientStatistics) -> float:
        """Give the penalty: long histories have many votes to add up, which must be smaller."""
        if self.regularization is not None:
            return float(self.regularization)
        mean_length = statistics.n_entries / max(len(statistics.rows), 1)
        return max(LENGTHS * mean_length, LEAST_REGULARIZATION)

    def _solve(self) -> None:
        """Solve for the votes; targets have a mean relevance of 1 unless there is a threshold."""
        statistics, dtype = self.statistics_, self.prior_.dtype
        self._choose_solver(statistics.n_items)
        total = statistics.relevance.sum()
        graded = self.relevance_threshold is None and total > 0
        unit = statistics.n_entries / total if graded else 1.0
        self.prior_ = (statistics.relevance * unit).astype(dtype)
        exponent, target_exponent = self.key_popularity_exponent, self.popularity_exponent
        self.regularization_ = self._choose_regularization(statistics)
        regression = Regression.of(statistics, exponent, self.regularization_, self.dropout, dtype)
        kind = DenseVotes if self.solver_ == "dense" else SparseVotes
        try:
            votes: DenseVotes | SparseVotes = kind.solve(regression, self.n_neighbors)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"regularization={self.regularization_:g} is too small for {dtype} arithmetic: the "
                "normal equations are not positive definite. Raise it, or pass X as float64."
            ) from error
        target_scale = unit * popularity_scale(statistics, target_exponent)
        votes = votes.times(target_scale)
        self._content_votes = self.learned_projections_ = None
        self._lending = None
        if self._likeness is not None:
            self._lending = lend_votes(self._likeness, statistics.item_counts, votes.cosines)
        if self._lending is not None:
            own = own_votes(regression.scale, target_scale)
            votes = votes.lent(self._lending, own, statistics.item_counts)
            self.prior_ = self._lending.mix(self.prior_, least=0)
        if self._features is not None and self.learn_projections:
            keys = self._features.keys("learn_projections")
            self._content_votes = ContentVotes.learn(
                statistics, regression.scale, keys, target_scale, dtype
            )
            self.learned_projections_ = self._content_votes.projections
        self._votes, self.values_ = votes, votes.values
        self._solve_prior(target_scale)

    def _solve_prior(self, target_scale: np.ndarray) -> None:
        """Solve for what is said before the history says anything."""
        statistics, dtype = self.statistics_, self.prior_.dtype
        self.token_values_ = self.token_regularization_ = None
        default = 0.0 if self._tokens is None else PRIOR_WEIGHT
        self.prior_weight_ = default if self.prior_weight is None else float(self.prior_weight)
        mean = statistics.relevance / max(len(statistics.rows), 1)
        scale = target_scale * self._prior_scale(statistics)
        if self._tokens is not None and statistics.tokens is not None:
            votes, self.token_regularization_ = statistics.tokens.votes(mean)
            self.token_values_ = (votes * scale).astype(dtype)
        usual = (mean * scale).astype(dtype)
        if self._lending is not None:
            usual = self._lending.mix(usual, least=0)
            if self.token_values_ is not None:
                self.token_values_ = self._lending.mix(self.token_values_)
        weight, ratings = self.prior_weight_, self._attention.ratings
        self._usual = Prior(weight, ratings, usual, self._tokens, self.token_values_)
        is_silent = self._tokens is None and self.prior_weight_ == 0
        self._blend = None if is_silent else self._usual
        self.prior_ = self.prior_ if is_silent else self._usual.mean
