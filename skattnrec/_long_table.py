"""A table with a row for each rating is no matrix of users x items: what gives it away."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["refuse_long_table"]

_ID = r"[ _.-]*(id|no|nr|num|number|key|idx|index|code|name)?$"
_USER = re.compile(r"(user|customer|member|visitor|client|account|session|person)s?" + _ID)
_ITEM = re.compile(
    r"(item|product|article|movie|film|book|song|track|artist|game|title|sku|isbn|asin)s?" + _ID
)
_ADVICE = (
    "X must be a matrix with a row for each user and a column for each item. Make it of a table "
    "by skattnrec.InteractionEncoder().fit_transform(table)."
)
_N_COLUMNS = 8  # of the widest table that is taken for one
_N_ROWS = 30  # of the shortest array that is taken for a table
_LARGE = 100  # ids go beyond it


def refuse_long_table(X: Any) -> None:
    """Raise or warn where what was given to ``fit`` is a table of ratings.

    Raises
    ------
    ValueError
        If ``X`` is a DataFrame that has a column of users and one of items by their names, or
        columns that hold no numbers.

    Warns
    -----
    UserWarning
        If ``X`` is an array of two to four columns without unknown entries, the first two of which
        look like ids.
    """
    if hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2:
        _check_frame(X)
    elif not sp.issparse(X):
        _check_array(X)


def _check_frame(X: Any) -> None:
    if X.shape[1] > _N_COLUMNS:
        return
    names = [str(name).strip().lower() for name in X.columns]
    users = [name for name in names if _USER.match(name)]
    items = [name for name in names if _ITEM.match(name)]
    if users and items:
        raise ValueError(
            f"X looks like a table with a row for each rating: it has the columns {users[0]!r} and "
            f"{items[0]!r}. {_ADVICE}"
        )
    for j, name in enumerate(X.columns):
        column = X.iloc[:5, j]
        kind = getattr(column.dtype, "kind", "O")
        if kind == "M" or any(isinstance(value, str) for value in column):
            what = "dates" if kind == "M" else "text"
            raise ValueError(f"Column {name!r} of X holds {what}, not ratings. {_ADVICE}")


def _check_array(X: Any) -> None:
    X = np.asarray(X) if isinstance(X, (np.ndarray, list, tuple)) else None
    if X is None or X.ndim != 2 or X.dtype.kind not in "iuf":
        return
    if not 2 <= X.shape[1] <= 4 or X.shape[0] < _N_ROWS or not np.isfinite(X).all():
        return
    ids = X[:, :2]
    if (ids != np.floor(ids)).any() or (ids < 0).any() or (ids.max(axis=0) <= _LARGE).any():
        return
    if np.count_nonzero(X) < 0.99 * X.size or len(np.unique(ids, axis=0)) < 0.99 * len(ids):
        return
    warnings.warn(
        f"X of shape {X.shape} looks like a table with a row for each rating, its first two "
        f"columns like ids of users and items. {_ADVICE} If these are ratings of {X.shape[1]} "
        "items, pass them as a sparse matrix.",
        UserWarning,
        stacklevel=4,
    )
