"""Look inside recommenders: explanations, attention, and pictures of both."""

from ._explain import explain
from ._plot._animate import animate_attention
from ._plot._attention import AttentionDisplay
from ._plot._contribution import ContributionDisplay
from ._plot._distribution import AttentionDistributionDisplay
from ._plot._feature_similarity import FeatureSimilarityDisplay
from ._plot._grid import TemperatureHeadsDisplay
from ._plot._leaderboard import LeaderboardDisplay
from ._plot._timeline import AttentionTimelineDisplay

__all__ = [
    "AttentionDisplay",
    "AttentionDistributionDisplay",
    "AttentionTimelineDisplay",
    "ContributionDisplay",
    "FeatureSimilarityDisplay",
    "LeaderboardDisplay",
    "TemperatureHeadsDisplay",
    "animate_attention",
    "explain",
]
