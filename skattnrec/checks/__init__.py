"""Checks for recommenders, your own included: the laws of the contract, each as a function."""

from ._discovery import all_modes, all_recommenders, expected_failed_checks
from ._suite import LAWS, check_recommender, parametrize_with_laws

__all__ = [
    "LAWS",
    "all_modes",
    "all_recommenders",
    "check_recommender",
    "expected_failed_checks",
    "parametrize_with_laws",
]
