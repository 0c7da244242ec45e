"""The estimators of this package in the comparison: add a line to ``OURS`` to add one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from peers import drop_seen
from protocols import PROTOCOLS, RELEVANT

__all__ = ["OURS", "Estimator", "Ours"]


@dataclass(frozen=True)
class Ours:
    """One line of the comparison.

    Attributes
    ----------
    estimator : str
        A class of this package.
    parameters : dict
        Arguments of its constructor.
    protocols : tuple of {"ratings", "binary"}
        Where it makes sense.
    takes : {"values", "all", "liked"}
        Its input where ratings are known; see ``accuracy.as_input``.
    attention : bool
        False for the baselines among ours.
    """

    estimator: str
    parameters: dict[str, Any] = field(default_factory=dict)
    protocols: tuple[str, ...] = PROTOCOLS
    takes: str = "values"
    attention: bool = False

    def make(self, settings: dict[str, Any]) -> Estimator:
        """Construct the estimator, with other parameters than the table's if so told."""
        import skattnrec

        if not hasattr(skattnrec, self.estimator):
            raise ImportError(f"skattnrec has no {self.estimator}")
        return Estimator(getattr(skattnrec, self.estimator)(**self.parameters, **settings))


class Estimator:
    """An estimator of this package behind the two methods of a peer."""

    def __init__(self, model: Any):
        self.model = model

    def fit(self, X: sp.csr_matrix) -> None:
        self.model.fit(X)

    def rank(
        self, H: sp.csr_matrix, seen: sp.csr_matrix, k: int, known: bool = False
    ) -> np.ndarray:
        more = int((seen.getnnz(axis=1) - H.getnnz(axis=1)).max())
        lists, _ = self.model.recommend(H, min(k + more, H.shape[1]))
        return lists if more == 0 else drop_seen(lists, seen, k)


OURS = {
    "PopularityRecommender": Ours("PopularityRecommender"),
    "ItemItemCF": Ours("ItemItemCF"),
    "UserUserCF": Ours("UserUserCF"),
    "ALSFactorizer": Ours("ALSFactorizer", {"random_state": 0}),
    "AttentionRecommender": Ours("AttentionRecommender", attention=True),
    "AttentionRecommender, target r >= 4": Ours(
        "AttentionRecommender",
        {"relevance_threshold": RELEVANT},
        protocols=("ratings",),
        attention=True,
    ),
    "MultiHeadAttentionRecommender": Ours("MultiHeadAttentionRecommender", attention=True),
    "MultiHeadAttentionRecommender, target r >= 4": Ours(
        "MultiHeadAttentionRecommender",
        {"relevance_threshold": RELEVANT},
        protocols=("ratings",),
        attention=True,
    ),
}
