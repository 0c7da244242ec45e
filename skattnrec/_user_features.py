"""Checks of user features: numbers, a row for each row of X, the same columns as in fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._features import check_features

__all__ = [
    "check_same_names",
    "check_same_users",
    "check_user_features",
    "column_names",
    "validate_user_features",
]


def check_user_features(user_features: Any, n_rows: int) -> sp.csr_array | None:
    """Check what is known of users: numbers, a row for each row of X.

    Parameters
    ----------
    user_features : None, {array-like, sparse matrix, DataFrame} of shape (n_rows, d)
    n_rows : int
        Of X.

    Returns
    -------
    csr_array of shape (n_rows, d), float64, or None

    Raises
    ------
    ValueError
        If they are not numbers, NaN or infinite, or have another number of rows.
    """
    if user_features is None:
        return None
    return check_features(user_features, n_rows, "user_features", "rows")


def check_same_users(user_features: Any, X: Any) -> None:
    """Refuse features of other users, or in another order, where both are DataFrames."""
    are_tables = hasattr(user_features, "iloc") and hasattr(X, "iloc")
    if are_tables and len(user_features) == len(X) and not user_features.index.equals(X.index):
        raise ValueError(
            "user_features and X are DataFrames whose index differs: bring user_features into the "
            "order of X, for example by user_features.reindex(X.index)."
        )


def validate_user_features(
    estimator: Any, given: Any, features: sp.csr_array | None, *, reset: bool
) -> None:
    """Note the number and names of the user features of fit, or compare them with those.

    Sets ``n_user_features_in_`` (0 without features) and ``user_feature_names_in_`` (None where
    they have no names).
    """
    n_features = 0 if features is None else features.shape[1]
    names = None if features is None else column_names(given)
    if reset:
        estimator.n_user_features_in_, estimator.user_feature_names_in_ = n_features, names
        return
    expected, model = estimator.n_user_features_in_, type(estimator).__name__
    if n_features and not expected:
        raise ValueError(
            f"{model} was fitted without user_features: it can make nothing of them. Fit it with "
            "user_features, or leave them out."
        )
    if expected and features is None:
        raise ValueError(
            f"{model} was fitted with {expected} user_features: pass as many for each row of X, 0 "
            "where nothing is known. Searches and cross-validation hand them on after "
            "sklearn.set_config(enable_metadata_routing=True)."
        )
    if n_features != expected:
        raise ValueError(
            f"user_features has {n_features} columns, {model} was fitted with {expected}."
        )
    check_same_names(names, estimator.user_feature_names_in_)


def check_same_names(names: np.ndarray | None, known: np.ndarray | None) -> None:
    """Refuse user features whose columns have other names than those that are known."""
    if names is not None and known is not None and not np.array_equal(names, known):
        wrong = int(np.flatnonzero(names != known)[0])
        raise ValueError(
            f"Column {wrong} of user_features is {names[wrong]!r}, in fit it was {known[wrong]!r}: "
            "bring the columns into the order of those names."
        )


def column_names(table: Any) -> np.ndarray | None:
    """Names of the columns of a DataFrame, if all of them are text."""
    names = getattr(table, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return np.asarray(names, dtype=object)
