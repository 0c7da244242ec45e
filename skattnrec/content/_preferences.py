"""Stated preferences: weights of features by name, as rows of a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["encode_preferences"]


def encode_preferences(preferences: Any, feature_names: np.ndarray | None) -> sp.csr_array:
    """Make a matrix of weights, (n_rows, d).

    Parameters
    ----------
    preferences : mapping of str to float, list of str, or list of either
        Of one user, or a list of those of several.
    feature_names : ndarray of shape (d,) or None

    Raises
    ------
    ValueError
        If a name is unknown, a weight is not a finite number, a user says nothing, or features
        have no names.
    """
    if feature_names is None:
        raise ValueError(
            "The features have no names: fit with item_features as a DataFrame with the names as "
            "columns, or pass a row of weights as user_features."
        )
    columns = {name: column for column, name in enumerate(feature_names)}
    rows = [_weights(one, columns) for one in _users(preferences)]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    indices = np.array([column for row in rows for column in row], dtype=np.intp)
    data = np.array([weight for row in rows for weight in row.values()], dtype=float)
    matrix = sp.csr_array((data, indices, indptr), shape=(len(rows), len(columns)))
    matrix.sort_indices()
    return matrix


def _users(preferences: Any) -> list[Any]:
    """List the preferences of each user."""
    if isinstance(preferences, Mapping):
        return [preferences]
    given = list(preferences) if isinstance(preferences, (list, tuple)) else []
    if given and all(isinstance(one, str) for one in given):
        return [given]
    if not given or any(isinstance(one, str) for one in given):
        raise ValueError(
            "preferences must be a mapping of names to weights or a list of names, or a list of "
            f"these, got {preferences!r}."
        )
    return given


def _weights(preferences: Any, columns: dict[str, int]) -> dict[int, float]:
    """Weights of one user by column."""
    named = preferences if isinstance(preferences, Mapping) else dict.fromkeys(preferences, 1.0)
    for name, weight in named.items():
        if name not in columns:
            near = get_close_matches(str(name), list(columns), 3)
            raise ValueError(
                f"{name!r} is none of the {len(columns)} features"
                + (f": did you mean {' or '.join(map(repr, near))}?" if near else ".")
            )
        if not isinstance(weight, Real) or not np.isfinite(float(weight)):
            raise ValueError(f"The weight of {name!r} must be a finite number, got {weight!r}.")
    if not any(named.values()):
        raise ValueError(f"No feature has a weight in {preferences!r}: nothing is said.")
    return {columns[name]: float(weight) for name, weight in named.items()}
