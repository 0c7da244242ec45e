"""Rules for lists: diversity, limits by group, and places for what needs to be tried."""

from ._diversify import Diversify, diversify
from ._groups import LimitPerGroup, limit_per_group
from ._promote import Promote, promote
from ._reranked import RerankedRecommender
from ._rule import ListRule

__all__ = [
    "Diversify",
    "LimitPerGroup",
    "ListRule",
    "Promote",
    "RerankedRecommender",
    "diversify",
    "limit_per_group",
    "promote",
]
