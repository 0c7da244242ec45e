"""Splits of interactions, and comparison of recommenders."""

from ._split import split_interactions

__all__ = ["split_interactions"]
