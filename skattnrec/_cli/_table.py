"""Reading a table of interactions from a file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ._columns import Columns, find_columns
from ._text import read_text

__all__ = ["read_table"]

_PARQUET = (".parquet", ".pq")


def read_table(
    path: Path, asked: Columns, separator: str | None = None, has_header: bool | None = None
) -> tuple[pd.DataFrame, Columns]:
    """Read a text or Parquet file of interactions.

    Parameters
    ----------
    path : Path
        Parquet by its suffix, otherwise text in UTF-8, perhaps compressed.
    asked : Columns
        The columns that are named; "none" leaves out the rating or the time. The others are found
        by their names, in which case and punctuation do not count, or by their positions.
    separator, has_header
        Of text; None: found out.

    Returns
    -------
    table : DataFrame
        These columns. Ids in text are integers where all are plain whole numbers, otherwise text
        as it stands in the file.
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
    if path.suffix.lower() in _PARQUET:
        return _read_parquet(path, asked)
    table, columns = read_text(path, asked, separator, has_header)
    for column in (columns.user, columns.item):
        table[column] = _whole_numbers(table[column])
    return table, columns


def _read_parquet(path: Path, asked: Columns) -> tuple[pd.DataFrame, Columns]:
    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise ImportError(f"{path}: to read Parquet files, pip install pyarrow.") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    columns = find_columns(list(table.columns), asked, path)
    return table[[c for c in columns if c is not None]].copy(), columns


def _whole_numbers(ids: pd.Series) -> pd.Series:
    """Turn ids into integers if that loses nothing, as it would for "007"."""
    ids = ids.astype("category")
    texts = ids.cat.categories
    try:
        numbers = texts.astype("int64")
    except (ValueError, OverflowError):
        return ids
    return ids.cat.rename_categories(numbers) if (numbers.astype(str) == texts).all() else ids
