"""Reading a table of interactions from a file and finding out what its columns mean."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

__all__ = ["NAMES", "Columns", "read_table"]

NAMES = {
    "user": ("user", "userid", "customer", "customerid", "reviewer", "reviewerid"),
    "item": ("item", "itemid", "movie", "movieid", "product", "productid", "artist", "artistid")
    + ("track", "trackid", "song", "songid", "book", "bookid", "isbn", "asin", "parentasin"),
    "rating": ("rating", "ratings", "stars", "score", "overall"),
    "time": ("timestamp", "time", "datetime", "date"),
}
_SEPARATORS = (",", "\t", ";", "|")
_PARQUET = (".parquet", ".pq")


class Columns(NamedTuple):
    """Names of columns; None where there is none, or where it is still to be found."""

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    time: str | None = None


def read_table(path: Path, asked: Columns) -> tuple[pd.DataFrame, Columns]:
    """Read a CSV or Parquet file of interactions.

    Parameters
    ----------
    path : Path
        Parquet by its suffix, otherwise CSV in UTF-8, perhaps compressed, whose first line names
        the columns; separated by commas, tabs, semicolons or vertical bars.
    asked : Columns
        The columns that are named; "none" leaves out the rating or the time. The others are found
        by their names: see ``NAMES``, in which case and punctuation do not count.

    Returns
    -------
    table : DataFrame
        These columns. Ids in CSV files are integers where all are plain whole numbers, otherwise
        text as it stands in the file.
    columns : Columns
        What they are called.

    Raises
    ------
    OSError, ValueError, ImportError
        In one line, if the file is missing, is not what its suffix says, has no such columns, or
        needs a package to be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file.")
    is_parquet = path.suffix.lower() in _PARQUET
    try:
        table, columns = (_read_parquet if is_parquet else _read_csv)(path, asked)
    except ImportError as error:
        raise ImportError(f"{path}: to read Parquet files, pip install pyarrow.") from error
    if columns.time is not None and _is_text(table[columns.time]):
        table[columns.time] = _dates(table[columns.time], path)
    return table, columns


def _read_parquet(path: Path, asked: Columns) -> tuple[pd.DataFrame, Columns]:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    columns = _find_columns(list(table.columns), asked, path)
    return table[[c for c in columns if c is not None]].copy(), columns


def _read_csv(path: Path, asked: Columns) -> tuple[pd.DataFrame, Columns]:
    try:
        headers = {s: _read_text(path, s, nrows=0).columns for s in _SEPARATORS}
        separator = max(headers, key=lambda s: len(headers[s]))  # the first of equals
        columns = _find_columns(list(headers[separator]), asked, path)
        ids = [columns.user, columns.item]
        table = _read_text(path, separator, dtype=dict.fromkeys(ids, str))
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty.") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}") from error
    for column in ids:
        table[column] = _whole_numbers(table[column])
    return table, columns


def _read_text(path: Path, separator: str, **options: Any) -> pd.DataFrame:
    with warnings.catch_warnings():  # pandas warns where it drops surplus fields
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            sep=separator,
            encoding="utf-8-sig",
            skipinitialspace=True,
            index_col=False,
            keep_default_na=False,  # "NA" and "None" may be ids
            na_values=[""],
            **options,
        )


def _find_columns(present: list[str], asked: Columns, path: Path) -> Columns:
    """Decide which column holds what."""
    plain = {re.sub(r"[\W_]", "", str(name).lower()): name for name in reversed(present)}
    found: dict[str, str | None] = {}
    for role, name in asked._asdict().items():
        if name is None:
            found[role] = next((plain[n] for n in NAMES[role] if n in plain), None)
            if found[role] is None and role in ("user", "item"):
                raise ValueError(
                    f"{path} has no column that looks like the {role}; name it with --{role}. "
                    f"Its columns are {present}."
                )
        elif name.lower() == "none" and role in ("rating", "time"):
            found[role] = None
        elif name in present:
            found[role] = name
        else:
            raise ValueError(
                f"{path} has no column {name!r} (--{role}), its columns are {present}."
            )
    return Columns(**found)


def _whole_numbers(ids: pd.Series) -> pd.Series:
    """Turn ids into integers if that loses nothing, as it would for "007"."""
    ids = ids.astype("category")
    texts = ids.cat.categories
    try:
        numbers = texts.astype("int64")
    except (ValueError, OverflowError):
        return ids
    return ids.cat.rename_categories(numbers) if (numbers.astype(str) == texts).all() else ids


def _is_text(values: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(values.dtype) or values.dtype == object


def _dates(values: pd.Series, path: Path) -> pd.Series:
    try:
        return pd.to_datetime(values, utc=True, format="ISO8601")  # no guess at day or month
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: column {values.name!r} (--time) holds neither numbers nor ISO 8601 "
            f"dates: {error} Name another column, or none."
        ) from error
