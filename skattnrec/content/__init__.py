"""Content-based recommendation: what items are like, rather than who knows them."""

from ._recommender import ContentRecommender

__all__ = ["ContentRecommender"]
