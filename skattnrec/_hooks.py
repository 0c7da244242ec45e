"""What a recommender defines, and what it gets where it does not."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._blocks import dense_rows, join_blocks, pairs_of_blocks
from ._context import Context
from ._kernels.products import top_k_of_product
from ._kernels.topk import top_k
from ._lists import Candidates, best, candidate_columns, candidates_of, list_blocks

__all__ = ["RecommenderHooks"]


class RecommenderHooks(metaclass=ABCMeta):
    """Hooks of :class:`~skattnrec.base.BaseRecommender`, whose module describes them.

    They are given what was checked: canonical CSR arrays ``X`` of shape (n_rows, n_items), and
    what is known beside it, a :class:`~skattnrec._context.Context`: times and user features.
    """

    n_features_in_: int
    prior_: np.ndarray
    _is_cold: np.ndarray  # (n_items,): which items nobody rated in training

    @abstractmethod
    def _fit(self, X: sp.csr_array, context: Context) -> None:
        """Learn from interactions."""

    @abstractmethod
    def _score(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Score all items for histories; shape (n_rows, n_items)."""

    def _prior(self, X: sp.csr_array) -> np.ndarray:
        """Scores of an empty history: the number of known ratings of each item."""
        return np.bincount(X.indices, minlength=X.shape[1]).astype(X.dtype)

    def _score_empty(self, X: sp.csr_array, context: Context) -> np.ndarray:
        """Score all items for rows without a history; a new array of shape (n_rows, n_items)."""
        return np.tile(self.prior_, (X.shape[0], 1))

    def _explain(
        self, X: sp.csr_array, context: Context, items: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Split scores of one non-empty row: (baseline, sources, contributions, extra fields)."""
        raise NotImplementedError(f"{type(self).__name__} does not explain its scores.")

    def _score_pairs(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Score ``items[p]`` for row ``rows[p]`` of X, for every p; shape (n_pairs,)."""
        return pairs_of_blocks(self._score, X, context, rows, items)

    def _sparse_factors(
        self, X: sp.csr_array, context: Context
    ) -> tuple[sp.csr_array, sp.csr_array] | None:
        """Factors of the scores, (n_rows, m) and (m, n_items), if they are a sparse product."""
        return None

    def _item_similarity(self, items: np.ndarray) -> np.ndarray:
        """Scores of all items for histories that hold one item each."""
        one = sp.csr_array(
            (np.ones(len(items), self.prior_.dtype), (np.arange(len(items)), items)),
            shape=(len(items), self.n_features_in_),
        )
        return self._score(one, Context(np.zeros(len(items)) if self._needs_times() else None))

    def _predicts_ratings(self) -> bool:
        """Tell whether scores are ratings on the scale of X."""
        return False

    def _accepts_negative(self) -> bool:
        """Tell whether negative ratings mean something to the model."""
        return self._predicts_ratings()

    def _largest_rating(self, dtype: Any) -> float:
        """Size of ratings above which the arithmetic of the model overflows; those are refused."""
        largest = float(np.finfo(dtype).max)
        return largest**0.75 if self._predicts_ratings() else largest

    def _needs_times(self) -> bool:
        """Tell whether the model refuses histories without timestamps."""
        return False

    def _reads_user_features(self) -> bool:
        """Tell whether the model has a use for user features."""
        return False

    def _entries_add_up(self) -> bool:
        """Tell whether an entry adds the same to every score, whatever else the history holds.

        Up to a positive factor that all scores of a history share.
        """
        return False

    # -- how scores become lists ----------------------------------------------------------------

    def _rank(
        self,
        X: sp.csr_array,
        context: Context,
        candidates: Candidates,
        hidden: sp.csr_array,
        k: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank candidates by sparse scores where the model has them, else by dense ones.

        ``hidden`` is the pattern, (n_rows, n_items), of what may not be listed. Lists of fewer than
        k items end with -1 and NaN.
        """
        factors = self._sparse_factors(X, context)
        if factors is None:
            return join_blocks(
                best(self._score_or_prior(block, block_context), own, block_hidden, k)
                for block, block_context, own, block_hidden in list_blocks(
                    X, context, candidates, hidden
                )
            )
        histories, votes = ((F.indptr, F.indices, F.data) for F in factors)
        allowed = candidate_columns(candidates)
        pattern = hidden.indptr, hidden.indices
        indices, scores = top_k_of_product(histories, votes, k, allowed, X.shape[1], pattern)
        is_empty = np.diff(X.indptr) == 0
        if is_empty.any():
            scores_of_empty = self._score_empty(*context.of_rows(X, is_empty))
            own = candidates_of(candidates, is_empty)
            indices[is_empty], scores[is_empty] = best(scores_of_empty, own, hidden[is_empty], k)
        return indices, scores

    def _rank_similar(self, items: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rank all other items by their similarity to each item, a block of them at a time."""
        lists = []
        step = dense_rows(self.n_features_in_)
        for start in range(0, len(items), step):
            block = items[start : start + step]
            scores = self._item_similarity(block)
            scores[np.arange(len(block)), block] = -np.inf
            lists.append(top_k(scores, None, k))
        return join_blocks(lists)

    def _score_or_prior(self, X: sp.csr_array, context: Context) -> np.ndarray:
        scores = self._score(X, context)
        is_empty = np.diff(X.indptr) == 0
        if is_empty.any():
            scores[is_empty] = self._score_empty(*context.of_rows(X, is_empty))
        return scores

    def _score_pairs_or_prior(
        self, X: sp.csr_array, context: Context, rows: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        scores = self._score_pairs(X, context, rows, items)
        is_empty = np.diff(X.indptr)[rows] == 0
        if is_empty.any():
            empty = rows[is_empty], items[is_empty]
            scores[is_empty] = pairs_of_blocks(self._score_empty, X, context, *empty)
        return scores
