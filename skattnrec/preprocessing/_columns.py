"""Columns of a table of interactions: which ids they hold, and which numbers.

Row numbers in messages count from 0, as ``iloc`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "as_index",
    "as_table",
    "distinct_ids",
    "factorize",
    "finite_numbers",
    "look_up",
    "raise_duplicates",
]


def as_table(X: Any, columns: dict[str, Any], *, may_be_empty: bool) -> pd.DataFrame:
    """Bring a DataFrame, mapping or array into a DataFrame.

    Parameters
    ----------
    X : DataFrame, mapping of arrays, or array-like of shape (n_interactions, len(columns))
        The table; the columns of an array are those of ``columns``, in their order.
    columns : dict
        The name of the parameter that asks for a column -> the name of the column.
    may_be_empty : bool
        Whether a table without rows is allowed.

    Raises
    ------
    ValueError
        If a column is missing or ambiguous, an array has another shape, or the table is empty.
    """
    if isinstance(X, Mapping):
        X = pd.DataFrame(dict(X))
    elif not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != len(columns):
            raise ValueError(
                f"An array of interactions needs {len(columns)} columns ({', '.join(columns)}), "
                f"got shape {X.shape}. Pass a DataFrame with named columns, or set rating=None or "
                "timestamp=None for what the data does not have."
            )
        X = pd.DataFrame(X, columns=list(columns.values())).infer_objects()
    for parameter, column in columns.items():
        if column not in X.columns:
            raise ValueError(
                f"Column {column!r} (parameter {parameter}) is not in the table, whose columns "
                f"are {list(X.columns)}."
            )
        if X[column].ndim != 1:
            raise ValueError(f"Column {column!r} occurs more than once in the table.")
    if len(X) == 0 and not may_be_empty:
        raise ValueError("The table is empty: 0 rows, at least one interaction is required.")
    return X


def as_index(ids: Any) -> pd.Index:
    """Make an index of ids in which a tuple is one id."""
    return pd.Index(ids, tupleize_cols=False)


def distinct_ids(ids: Any, name: str) -> np.ndarray:
    index = as_index(ids)
    if index.hasnans or not index.is_unique:
        what = "a missing id" if index.hasnans else f"{index[index.duplicated()][0]!r} repeatedly"
        raise ValueError(f"{name} must list distinct ids, it has {what}.")
    return index.to_numpy()


def factorize(table: pd.DataFrame, column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct ids of a column, in sorted order if they have one.

    Returns
    -------
    codes : ndarray of shape (n_rows,), intp
        The place of the id of each row in ``ids``.
    ids : ndarray of shape (n_ids,)
        The distinct ids.
    """
    try:
        codes, uniques = table[column].array.factorize()
    except TypeError as error:
        raise TypeError(f"The ids in column {column!r} must be hashable: {error}.") from error
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"Column {column!r} has no id in row {missing[0]} ({len(missing)} such rows in all, "
            "counted from 0). Drop these rows or give them an id."
        )
    ids = np.asarray(uniques)
    try:
        order = np.argsort(ids, kind="stable")
    except TypeError:  # ids of different types have no order: keep that of first appearance
        return codes, ids
    place = np.empty(len(ids), np.intp)
    place[order] = np.arange(len(ids))
    return place[codes], ids[order]


def finite_numbers(table: pd.DataFrame, column: Any, dtype: Any) -> np.ndarray:
    """Read a column of finite numbers; datetimes become seconds since 1970."""
    values = table[column]
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(values.dtype):
        values = (values - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
    as_numbers = pd.to_numeric(values, errors="coerce")
    with np.errstate(over="ignore"):  # too large for the type becomes inf, reported below
        numbers = as_numbers.to_numpy(dtype=np.float64, na_value=np.nan).astype(dtype, copy=False)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        value = table[column].iloc[wrong[:1]].tolist()[0]
        raise ValueError(
            f"Column {column!r} must hold finite numbers, row {wrong[0]} has {value!r} "
            f"({len(wrong)} such rows in all, counted from 0). Drop or repair these rows."
        )
    return numbers


def look_up(
    table: pd.DataFrame, column: Any, ids: np.ndarray, where: str, unknown: str
) -> np.ndarray:
    """Find the place of every id of a column in ``ids``.

    Parameters
    ----------
    table : DataFrame
        The table.
    column : hashable
        Name of the column of ids.
    ids : ndarray of shape (n_ids,)
        Distinct ids.
    where : str
        What messages call ``ids``.
    unknown : {"error", "ignore"}
        Whether to raise or to return -1 for an id that is not there.

    Returns
    -------
    ndarray of shape (n_rows,), intp
        The places.
    """
    codes, present = factorize(table, column)
    place = as_index(ids).get_indexer(as_index(present))
    missing = present[place < 0]
    if len(missing) and unknown == "error":
        first = ", ".join(map(repr, missing[:5].tolist()))
        raise ValueError(
            f"{len(missing)} ids in column {column!r} are not in {where}: {first}"
            f"{', ...' if len(missing) > 5 else ''}. "
            "Set unknown='ignore' to leave their rows out."
        )
    return place[codes]


def raise_duplicates(pairs: pd.DataFrame, order: np.ndarray, starts: np.ndarray) -> None:
    """Say which pair of user and item occurs more than once.

    ``pairs`` has the columns user and item; ``order`` and ``starts`` group its rows by pair.
    """
    repeated = np.flatnonzero(np.diff(np.append(starts, len(order))) > 1)
    first, second = order[starts[repeated[0]] :][:2]
    user, item = pairs.iloc[first].tolist()
    raise ValueError(
        f"{len(repeated)} pairs of user and item occur more than once, the first (user "
        f"{user!r}, item {item!r}) in rows {first} and {second}, counted from 0. "
        "Set duplicates to 'last', 'sum', 'mean' or 'max' to merge them."
    )


def users_of_rows(users: Any, fitted: np.ndarray, n_rows: int) -> np.ndarray:
    """Find the user of each row of a matrix: those given, or by default those of ``fit``."""
    ids = fitted if users is None else as_index(users).to_numpy()
    if len(ids) != n_rows:
        whose = "fit saw" if users is None else "users lists"
        raise ValueError(
            f"There are {n_rows} rows, but {whose} {len(ids)} users. "
            "Pass the user of each row as users."
        )
    return ids
