"""Columns of a table of interactions: which ids they hold, and which numbers.

Row numbers in messages count from 0, as ``iloc`` does.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "as_index",
    "as_table",
    "check_lists",
    "check_merged",
    "distinct_ids",
    "factorize",
    "finite_numbers",
    "look_up",
    "raise_duplicates",
    "users_of_rows",
    "warn_of_merged_times",
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
        If a column is missing or ambiguous, users and items are the same one, an array has another
        shape, or the table is empty.
    """
    if isinstance(X, Mapping):
        X = pd.DataFrame(dict(X))
    elif not isinstance(X, pd.DataFrame):
        # value by value: in an array of one type, integers beside floats or text are no integers
        X = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=object)
        if X.ndim != 2 or X.shape[1] != len(columns):
            raise ValueError(
                f"An array of interactions needs {len(columns)} columns ({', '.join(columns)}), "
                f"got shape {X.shape}. Pass a DataFrame with named columns, or set rating=None or "
                "timestamp=None for what the data does not have."
            )
        X = pd.DataFrame(X, columns=list(columns.values())).infer_objects()
    if columns["user"] == columns["item"]:
        raise ValueError(f"user and item are the same column, {columns['user']!r}.")
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
    """Check a list of ids: none missing, none twice, none rounded."""
    index = as_index(ids)
    if index.hasnans or not index.is_unique:
        what = "a missing id" if index.hasnans else f"{index[index.duplicated()][0]!r} repeatedly"
        raise ValueError(f"{name} must list distinct ids, it has {what}.")
    return _plain(index.array, name)


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
    ids = _plain(uniques, f"Column {column!r}")
    try:
        order = np.argsort(ids, kind="stable")
    except TypeError:  # ids of different types have no order: keep that of first appearance
        return codes, ids
    place = np.empty(len(ids), np.intp)
    place[order] = np.arange(len(ids))
    return place[codes], ids[order]


def _plain(ids: Any, name: str) -> np.ndarray:
    """Turn distinct ids of any pandas type into a NumPy array that holds them exactly.

    Raises
    ------
    ValueError
        If ids are floats so large that neighbouring integers are the same float.
    """
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = ids.astype(ids.dtype.categories.dtype)
    exact = getattr(ids.dtype, "numpy_dtype", None)  # of nullable and Arrow types
    plain = np.asarray(ids) if exact is None else ids.to_numpy(dtype=exact)
    if plain.dtype.kind == "f":
        limit = 2.0 ** (np.finfo(plain.dtype).nmant + 1)
        wrong = plain[~(np.abs(plain) < limit)]
        if len(wrong):
            raise ValueError(
                f"{name} has the id {wrong[0]:g} as a {plain.dtype}, which from {limit:.0f} on "
                "does not tell neighbouring integers apart. Read these ids as integers or text: a "
                "column of integers becomes one of floats where values are missing, or in an array "
                "that holds floats too."
            )
    return plain


def _kinds(ids: np.ndarray) -> dict[str, Any]:
    """Find what kinds of ids there are, each with an example."""
    if ids.dtype.kind != "O":
        ids = as_index(ids[:1]).to_numpy(object)
    return {_kind(type(i)): i for i in {type(i): i for i in ids[::-1]}.values()}


def _kind(of: type) -> str:
    """Name a kind of ids: those of different kinds are never equal."""
    if issubclass(of, (bool, np.bool_)):
        return "truth values"
    if issubclass(of, str):
        return "text"
    if issubclass(of, Number):
        return "numbers"
    return "dates" if issubclass(of, (date, np.datetime64)) else f"{of.__name__} objects"


def finite_numbers(table: pd.DataFrame, column: Any, dtype: Any) -> np.ndarray:
    """Read a column of finite numbers, or of text that holds such."""
    values = table[column]
    if values.dtype.kind in "mM":
        raise ValueError(f"Column {column!r} must hold numbers, it holds {values.dtype}.")
    as_numbers = pd.to_numeric(values, errors="coerce")
    with np.errstate(over="ignore"):  # too large for the type becomes inf, reported below
        numbers = as_numbers.to_numpy(dtype=np.float64, na_value=np.nan).astype(dtype, copy=False)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        value = values.iloc[wrong[:1]].tolist()[0]
        raise ValueError(
            f"Column {column!r} must hold finite numbers, row {wrong[0]} has {value!r} "
            f"({len(wrong)} such rows in all, counted from 0). Drop or repair these rows; numbers "
            "above 3.4e38 need dtype=np.float64."
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

    Raises
    ------
    TypeError
        If ids are of a kind that none of ``ids`` is, such as text where those are numbers: this
        is a mistake about the column, not about single ids.
    ValueError
        If ids are not in ``ids`` under ``unknown="error"``, or missing.
    """
    codes, present = factorize(table, column)
    known, kinds = _kinds(ids), _kinds(present)
    for kind in kinds if known else ():
        if kind not in known:
            of_known = ", ".join(f"{k} (such as {i!r})" for k, i in known.items())
            raise TypeError(
                f"Column {column!r} has ids that are {kind} (such as {kinds[kind]!r}), {where} are "
                f"{of_known}: they are never equal. Convert the column, for example with astype."
            )
    if present.dtype == ids.dtype:
        place = as_index(ids).get_indexer(as_index(present))
    else:  # as Python objects, since 2**53 and 2**53 + 1 are the same float
        exact = as_index(ids).astype(object)
        place = exact.get_indexer(as_index(present).astype(object))
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
    user, item = _pair(pairs, first)
    raise ValueError(
        f"{len(repeated)} pairs of user and item occur more than once, the first (user "
        f"{user!r}, item {item!r}) in rows {first} and {second}, counted from 0. "
        "Set duplicates to 'last', 'sum', 'mean' or 'max' to merge them."
    )


def check_merged(data: np.ndarray, pairs: pd.DataFrame, rows: np.ndarray) -> None:
    """Check that no rating became infinite; ``pairs`` has its user and item in row ``rows``."""
    wrong = np.flatnonzero(~np.isfinite(data))
    if len(wrong):
        user, item = _pair(pairs, rows[wrong[0]])
        raise ValueError(
            f"The ratings of user {user!r} and item {item!r} together are too large for "
            f"{data.dtype}. Set dtype=np.float64, or divide the ratings by a constant."
        )


def _pair(pairs: pd.DataFrame, row: int) -> tuple[Any, Any]:
    """User and item in a row, as Python objects."""
    user, item = (pairs.iloc[[row], column].tolist()[0] for column in (0, 1))
    return user, item


def warn_of_merged_times(n_merged: int) -> None:
    """Warn that times were lost where rows of a table were merged."""
    warnings.warn(
        f"{n_merged} rows repeat a pair of user and item: the matrix holds one of each, with the "
        "latest time. A split of it by time would take what a user did before and again after "
        "it out of the history; split the table with split_table first. If the latest (or their "
        "sum, mean or maximum) is what you want, set duplicates.",
        stacklevel=6,
    )


def users_of_rows(users: Any, n_rows: int) -> np.ndarray:
    """Check the users of the rows of a matrix: one for each."""
    ids = as_index(users).to_numpy()
    if len(ids) != n_rows:
        raise ValueError(f"There are {n_rows} rows, but users lists {len(ids)} users.")
    return ids


def check_lists(indices: Any, scores: Any, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Check lists of recommendations: item columns or -1, and scores of the same shape."""
    indices, scores = np.asarray(indices), np.asarray(scores)
    if indices.ndim != 2 or indices.shape != scores.shape or indices.dtype.kind not in "iu":
        raise ValueError(
            "indices (integers) and scores must have the same shape (n_rows, k), got "
            f"{indices.dtype} of shape {indices.shape} and shape {scores.shape}."
        )
    if indices.size and not -1 <= indices.min() <= indices.max() < n_items:
        raise ValueError(
            f"indices must be item columns in [0, {n_items - 1}] or -1; they range from "
            f"{indices.min()} to {indices.max()}."
        )
    return indices, scores
