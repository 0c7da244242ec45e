"""Splits of interactions, and comparison of recommenders."""

from ._compare import compare_recommenders
from ._significance import paired_tests
from ._split import split_interactions
from ._split_table import split_table

__all__ = ["compare_recommenders", "paired_tests", "split_interactions", "split_table"]
