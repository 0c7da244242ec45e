"""Times of a table as numbers: datetimes and dates become seconds since 1970-01-01 UTC."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .._times import numbers_of

__all__ = ["as_seconds", "column_times"]


def column_times(table: pd.DataFrame, column: Any) -> np.ndarray:
    """Read a column of times.

    Parameters
    ----------
    table : DataFrame
    column : hashable
        Numbers, which stay as they are; datetimes and dates of any type, unit and time zone
        (without a zone: UTC), or text in ISO 8601, which become seconds since 1970.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        Finite.

    Raises
    ------
    ValueError
        If a time is missing (None, NaN, NaT), infinite, or text that is neither a number nor a
        date in ISO 8601; the message names the first such row.
    """
    values = table[column]
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.dtype.categories.dtype)
    times = numbers_of(values)
    wrong = np.flatnonzero(~np.isfinite(times))
    if len(wrong):
        value = table[column].iloc[wrong[:1]].tolist()[0]
        raise ValueError(
            f"Column {column!r} must hold a time in every row, row {wrong[0]} has {value!r} "
            f"({len(wrong)} such rows in all, counted from 0). Times are finite numbers, datetimes "
            "or text in ISO 8601 (2024-05-31 or 2024-05-31T18:00:00Z): drop or repair these rows, "
            "and read other dates with pandas.to_datetime(..., format=...)."
        )
    return times


def as_seconds(when: Any, name: str) -> float:
    """Make a number of one time: numbers stay, dates become seconds since 1970.

    Parameters
    ----------
    when : float, str in ISO 8601, datetime, date, Timestamp or numpy.datetime64
    name : str
        What error messages call it.

    Raises
    ------
    ValueError
        If it is none of these, or missing (NaN, NaT).
    """
    seconds = numbers_of(pd.Series([when]))[0]
    if np.isnan(seconds):
        raise ValueError(
            f"{name} must be a number, a date, or text in ISO 8601 such as '2024-05-31' or "
            f"'2024-05-31T18:00:00Z'; got {when!r}."
        )
    return float(seconds)
