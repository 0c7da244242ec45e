"""Times as numbers: those given as dates become seconds since 1970, everywhere alike."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["CALENDAR", "label_times", "numbers_of", "seconds_of"]

_DATES = {"datetime64", "datetime", "date"}  # what infer_dtype calls objects that are dates
CALENDAR = ("hour", "weekday", "month", "season")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SEASONS = ("winter", "spring", "summer", "autumn")  # of the north


def seconds_of(times: Any, name: str = "timestamps") -> Any:
    """Turn dates into seconds since 1970 (UTC); leave numbers as they are.

    Parameters
    ----------
    times : array-like or DataFrame
        Numbers of any unit; or NumPy, pandas or Arrow dates, with or without time zone.
    name : str
        What error messages call it.

    Returns
    -------
    object
        ``times`` itself where it does not hold dates, otherwise a float64 array of its shape, NaN
        where a date is missing.

    Raises
    ------
    ValueError
        If dates are given beside numbers, or spans of time in the place of times.
    """
    if hasattr(times, "iloc"):
        return _seconds_of_table(times, name)
    values = np.asarray(times)
    if values.dtype.kind == "m":
        _refuse_spans(name)
    return _seconds(values) if values.dtype.kind == "M" else times


def _seconds_of_table(table: Any, name: str) -> Any:
    """Treat a DataFrame column by column; a Series is one column."""
    columns = [table] if table.ndim == 1 else [table.iloc[:, j] for j in range(table.shape[1])]
    kinds = {getattr(column.dtype, "kind", "O") for column in columns}
    if "m" in kinds:
        _refuse_spans(name)
    if "M" not in kinds:
        return table
    if kinds != {"M"}:
        raise ValueError(
            f"{name} must be dates or numbers, not both: some columns hold dates, others do not. "
            "Convert all of them, as with pandas.to_datetime."
        )
    seconds = [numbers_of(column) for column in columns]
    return seconds[0] if table.ndim == 1 else np.stack(seconds, axis=1)


def _seconds(dates: np.ndarray) -> np.ndarray:
    """Divide by a second; NaT becomes NaN."""
    unit = np.datetime_data(dates.dtype)[0]
    if unit in ("generic", "Y", "M"):
        dates = dates.astype("datetime64[s]")
    return (dates - np.datetime64(0, "s")) / np.timedelta64(1, "s")


def _refuse_spans(name: str) -> None:
    raise ValueError(
        f"{name} must be times, these are spans of time (timedelta). Divide them by a unit, as in "
        "spans / numpy.timedelta64(1, 's')."
    )


def numbers_of(values: Any) -> np.ndarray:
    """Read a column of times: numbers as they are, dates as seconds; NaN for what is neither.

    Parameters
    ----------
    values : Series
        Numbers; datetimes and dates of any type, unit and time zone (without a zone: UTC); spans of
        time; or text in ISO 8601.

    Returns
    -------
    ndarray of shape (n,), float64
    """
    import pandas as pd

    epoch, second = pd.Timestamp(0, tz="UTC"), pd.Timedelta(seconds=1)
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if values.dtype.kind == "m":
        return (values / second).to_numpy(dtype=np.float64, na_value=np.nan)
    if values.dtype.kind != "M" and pd.api.types.infer_dtype(values) not in _DATES:
        numbers = pd.to_numeric(values, errors="coerce")
        numbers = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isnan(numbers[values.notna().to_numpy()]).any():
            return numbers
        values = values.astype(object)
        dates = pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")
    else:
        dates = pd.to_datetime(values, utc=True, errors="coerce")
        if isinstance(dates.dtype, pd.ArrowDtype):
            dates = dates.astype("datetime64[us, UTC]")
    return ((dates - epoch) / second).to_numpy(dtype=np.float64, na_value=np.nan)


def label_times(times: np.ndarray, by: str) -> tuple[list[Any], np.ndarray]:
    """Group times in seconds since 1970 (UTC): the groups in their order, and that of each time.

    Parameters
    ----------
    times : ndarray of shape (n,)
    by : {"hour", "weekday", "month", "season"}
    """
    import pandas as pd

    moments = pd.to_datetime(times, unit="s", utc=True)
    calendar: dict[str, tuple[list[Any], Any]] = {
        "hour": (list(range(24)), moments.hour),
        "weekday": (list(_WEEKDAYS), moments.day_of_week),
        "month": (list(_MONTHS), moments.month - 1),
        "season": (list(_SEASONS), moments.month % 12 // 3),
    }
    groups, codes = calendar[by]
    return groups, codes.to_numpy()
