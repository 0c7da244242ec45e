"""Measures of recommendation lists, and scorers for scikit-learn's model selection."""

from ._beyond_accuracy import coverage_at_k, diversity_at_k, novelty_at_k
from ._likelihood import LikelihoodScorer
from ._ranking import (
    average_precision_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    precision_at_k,
    rank_items,
    recall_at_k,
    reciprocal_rank_at_k,
)
from ._scorer import RankingScorer, make_ranking_scorer

__all__ = [
    "LikelihoodScorer",
    "RankingScorer",
    "average_precision_at_k",
    "coverage_at_k",
    "diversity_at_k",
    "hit_rate_at_k",
    "make_ranking_scorer",
    "ndcg_at_k",
    "novelty_at_k",
    "precision_at_k",
    "rank_items",
    "recall_at_k",
    "reciprocal_rank_at_k",
]
