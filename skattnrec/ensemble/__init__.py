"""Several recommenders that answer as one: all of them together, or each for its own histories."""

from ._switching import SwitchingRecommender
from ._voting import VotingRecommender

__all__ = ["SwitchingRecommender", "VotingRecommender"]
