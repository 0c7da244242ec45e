"""Recommenders that describe users and items by a few numbers each."""

from ._als import ALSFactorizer
from ._bayesian import BayesianFactorizer

__all__ = ["ALSFactorizer", "BayesianFactorizer"]
