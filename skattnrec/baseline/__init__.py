"""Recommenders without personal taste, to compare others with."""

from ._baseline import BaselinePredictor
from ._popularity import PopularityRecommender

__all__ = ["BaselinePredictor", "PopularityRecommender"]
