"""Attention recommenders and collaborative filtering as scikit-learn estimators."""

from ._recommend import recommend
from .attention import (
    AttentionRatingPredictor,
    AttentionRecommender,
    MultiHeadAttentionRecommender,
    SequentialAttentionRecommender,
)
from .base import BaseRecommender
from .baseline import BaselinePredictor, PopularityRecommender
from .content import ContentRecommender
from .ensemble import SwitchingRecommender, VotingRecommender
from .factorization import ALSFactorizer, BayesianFactorizer
from .metrics import RankingScorer, make_ranking_scorer
from .model_selection import compare_recommenders, split_interactions
from .neighbors import ItemItemCF, UserUserCF
from .onboarding import onboarding_items
from .preprocessing import InteractionEncoder
from .rating import RatingRegressor
from .reranking import RerankedRecommender

__version__ = "0.2.0"

__all__ = [
    "ALSFactorizer",
    "AttentionRatingPredictor",
    "AttentionRecommender",
    "BaseRecommender",
    "BaselinePredictor",
    "BayesianFactorizer",
    "ContentRecommender",
    "InteractionEncoder",
    "ItemItemCF",
    "MultiHeadAttentionRecommender",
    "PopularityRecommender",
    "RankingScorer",
    "RatingRegressor",
    "RerankedRecommender",
    "SequentialAttentionRecommender",
    "SwitchingRecommender",
    "UserUserCF",
    "VotingRecommender",
    "__version__",
    "compare_recommenders",
    "make_ranking_scorer",
    "onboarding_items",
    "recommend",
    "split_interactions",
]
