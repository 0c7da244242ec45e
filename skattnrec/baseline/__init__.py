"""Recommenders without personal taste, to compare others with."""

from ._popularity import PopularityRecommender

__all__ = ["PopularityRecommender"]
