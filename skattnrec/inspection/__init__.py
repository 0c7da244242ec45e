"""Look inside recommenders: explanations, attention, and pictures of both."""

from ..metrics._concentration import attention_entropy, effective_number
from ._aggregate import aggregate_attention, aggregate_explanations
from ._counterfactual import Counterfactual, counterfactual
from ._explain import explain
from ._faithfulness import deletion_curve, faithfulness, insertion_curve
from ._outliers import attention_outliers
from ._plot._animate import animate_attention
from ._plot._attention import AttentionDisplay
from ._plot._contribution import ContributionDisplay
from ._plot._distribution import AttentionDistributionDisplay
from ._plot._faithfulness import FaithfulnessDisplay
from ._plot._feature_similarity import FeatureSimilarityDisplay
from ._plot._grid import TemperatureHeadsDisplay
from ._plot._groups import GroupsDisplay
from ._plot._leaderboard import LeaderboardDisplay
from ._plot._timeline import AttentionTimelineDisplay
from ._stability import stability
from ._why_not import WhyNot, why_not

__all__ = [
    "AttentionDisplay",
    "AttentionDistributionDisplay",
    "AttentionTimelineDisplay",
    "ContributionDisplay",
    "Counterfactual",
    "FaithfulnessDisplay",
    "FeatureSimilarityDisplay",
    "GroupsDisplay",
    "LeaderboardDisplay",
    "TemperatureHeadsDisplay",
    "WhyNot",
    "aggregate_attention",
    "aggregate_explanations",
    "animate_attention",
    "attention_entropy",
    "attention_outliers",
    "counterfactual",
    "deletion_curve",
    "effective_number",
    "explain",
    "faithfulness",
    "insertion_curve",
    "stability",
    "why_not",
]
