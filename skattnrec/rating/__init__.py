"""Recommenders as scikit-learn regressors: from pairs of user and item to ratings."""

from ._regressor import RatingRegressor

__all__ = ["RatingRegressor"]
