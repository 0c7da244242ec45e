"""Reading tables from text: which character separates the columns, and is there a header."""

from __future__ import annotations

import csv
import sys
import warnings
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from ._columns import Columns, find_columns, is_header, place_columns

__all__ = ["read_text"]

_SEPARATORS = (",", "\t", ";", "|", "::")
_UNIT = "\x1f"  # the character that was made for this, and that is in no text
_LARGEST_RATING = 1e8  # seconds since 1970 are above it since 1973


def read_text(
    path: Path, asked: Columns, separator: str | None, has_header: bool | None
) -> tuple[pd.DataFrame, Columns]:
    """Read a text file of interactions, compressed or not.

    Parameters
    ----------
    path : Path
    asked : Columns
        The columns that are named, or numbered from 1 on if there is no header.
    separator : str or None
        What separates columns; None: the one of ``_SEPARATORS`` that makes most columns.
    has_header : bool or None
        Whether the first line names the columns; None: see :func:`is_header`.

    Returns
    -------
    table : DataFrame
        All columns. Ids are text, missing ones NaN.
    columns : Columns
        What they are called.

    Raises
    ------
    ValueError
        In one line, if the file is empty, is no such text, or has no such columns.
    """
    try:
        if separator is None:
            widths = {s: _read(path, s, header=None, nrows=1).shape[1] for s in _SEPARATORS}
            separator = max(widths, key=lambda s: widths[s])  # the first of equals
        first = _read(path, separator, header=None, nrows=1, dtype=str)
        line = first.iloc[0].fillna("").tolist()
        if has_header or (has_header is None and is_header(line, asked)):
            names = list(_read(path, separator, nrows=0).columns)
            columns = find_columns(names, asked, path)
            layout: dict[str, Any] = {}
        else:
            columns = place_columns(len(line), asked, path)
            layout = {"header": None, "names": [str(n + 1) for n in range(len(line))]}
        ids = dict.fromkeys([columns.user, columns.item], str)
        table = _read(path, separator, dtype=ids, **layout)
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty.") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}") from error
    for column in (columns.rating, columns.time):
        if column is not None:
            table[column] = _decimal_commas(table[column], path)
    if layout:
        _tell_places(path, table, columns, asked)
    return table, columns


def _read(path: Path, separator: str, **options: Any) -> pd.DataFrame:
    source: Path | StringIO = path
    if len(separator) > 1:  # the fast parser splits at single characters
        source = _split_at(path, separator, options.get("nrows"))
        separator = _UNIT
    return _parse(
        source,
        separator,
        skipinitialspace=True,
        index_col=False,
        keep_default_na=False,  # "NA" and "None" may be ids
        na_values=[""],
        **options,
    )


def _split_at(path: Path, separator: str, n_rows: int | None) -> StringIO:
    """Read the first lines of a file, or all, and replace what separates the columns."""
    n_lines = None if n_rows is None else n_rows + 1  # one may be the header
    options = {"quoting": csv.QUOTE_NONE, "dtype": str, "keep_default_na": False}
    lines = _parse(path, _UNIT, header=None, names=["line"], nrows=n_lines, **options)
    return StringIO("\n".join(lines["line"]).replace(separator, _UNIT))


def _parse(source: Path | StringIO, separator: str, **options: Any) -> pd.DataFrame:
    with warnings.catch_warnings():  # pandas warns where it drops surplus fields
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(source, sep=separator, encoding="utf-8-sig", **options)


def _decimal_commas(values: pd.Series, path: Path) -> pd.Series:
    """Turn text like "4,5" into numbers, where the whole column is such text.

    Raises
    ------
    ValueError
        If it may as well be thousands that the comma separates.
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    texts = values.dropna().astype(str)
    fractions = texts.str.extract(r",(\d+)$")[0].dropna()
    if not len(fractions) or not texts.str.fullmatch(r"[+-]?\d+(,\d+)?").all():
        return values
    if fractions.str.len().eq(3).all():
        raise ValueError(
            f"{path}: column {values.name!r} has {texts[fractions.index[0]]!r}, which may be "
            "thousands or a decimal fraction. Write numbers without separators of thousands."
        )
    return pd.to_numeric(values.str.replace(",", "."))


def _tell_places(path: Path, table: pd.DataFrame, columns: Columns, asked: Columns) -> None:
    """Say which column is taken for what; refuse times in the place of ratings."""
    rating = columns.rating
    if rating is not None and asked.rating is None:
        values = table[rating]
        if pd.api.types.is_numeric_dtype(values.dtype) and (values > _LARGEST_RATING).all():
            raise ValueError(
                f"{path} has no header line, and its column {rating} looks like times, not "
                f"ratings: say --rating none --time {rating}, or --rating {rating}."
            )
    found = ", ".join(f"{place} is the {r}" for r, place in columns._asdict().items() if place)
    print(
        f"skattnrec: {path} has no header line: column {found} (say otherwise by --user, --item, "
        "--rating, --time)",
        file=sys.stderr,
    )
