"""What the columns of a file mean, by their names or, without a header, by their positions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["NAMES", "Columns", "find_columns", "is_header", "place_columns"]

NAMES = {
    "user": ("user", "userid", "customer", "customerid", "reviewer", "reviewerid"),
    "item": ("item", "itemid", "movie", "movieid", "product", "productid", "artist", "artistid")
    + ("track", "trackid", "song", "songid", "book", "bookid", "isbn", "asin", "parentasin"),
    "rating": ("rating", "ratings", "stars", "score", "overall"),
    "time": ("timestamp", "time", "datetime", "date"),
}
_KNOWN = {name for names in NAMES.values() for name in names}
_OPTIONAL = ("rating", "time")


class Columns(NamedTuple):
    """Names of columns; None where there is none, or where it is still to be found."""

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    time: str | None = None


def is_header(line: list[str], asked: Columns) -> bool:
    """Tell whether the first line of a file names its columns.

    It does if it has a name that is asked for, or one that is known, or if it holds no number.
    """
    asked_names = {name for name in asked if name is not None and not _is_number(name)}
    if any(cell in asked_names or _plain(cell) in _KNOWN for cell in line):
        return True
    return not any(map(_is_number, line))


def find_columns(present: list[str], asked: Columns, path: Path) -> Columns:
    """Decide by the names which column holds what.

    Raises
    ------
    ValueError
        If a column is asked for that is not there, or users or items are not found.
    """
    plain = {_plain(name): name for name in reversed(present)}
    found: dict[str, str | None] = {}
    for role, name in asked._asdict().items():
        if name is None:
            found[role] = next((plain[n] for n in NAMES[role] if n in plain), None)
            if found[role] is None and role not in _OPTIONAL:
                raise ValueError(
                    f"{path} has no column that looks like the {role}; name it with --{role}. "
                    f"Its columns are {present}. If that is the first line of the data, say "
                    "--no-header."
                )
        elif _is_none(role, name):
            found[role] = None
        elif name in present:
            found[role] = name
        else:
            raise ValueError(
                f"{path} has no column {name!r} (--{role}), its columns are {present}."
            )
    return Columns(**found)


def place_columns(n_columns: int, asked: Columns, path: Path) -> Columns:
    """Decide by position, from 1 on, which column of a file without header holds what.

    Those that are not asked for are taken in the order user, item, rating, time, if there are no
    more than four.

    Raises
    ------
    ValueError
        If a position is asked for that is not there, or more than four columns leave open which
        are the users and items.
    """
    positions = [str(place) for place in range(1, n_columns + 1)]
    found: dict[str, str | None] = {}
    for place, (role, name) in enumerate(asked._asdict().items()):
        default = positions[place] if place < n_columns <= len(asked) else None
        if name is None:
            found[role] = None if default in asked else default
            if found[role] is None and role not in _OPTIONAL:
                raise ValueError(
                    f"{path} has no header line and {n_columns} columns: say which of them, from 1 "
                    f"on, is the {role}, for example --{role} {place + 1}."
                )
        elif _is_none(role, name):
            found[role] = None
        elif name in positions:
            found[role] = name
        else:
            raise ValueError(
                f"{path} has no header line: --{role} must be a position from 1 to {n_columns}, "
                f"got {name!r}."
            )
    return Columns(**found)


def _plain(name: str) -> str:
    """Leave out case and punctuation."""
    return re.sub(r"[\W_]", "", str(name).lower())


def _is_none(role: str, name: str) -> bool:
    return role in _OPTIONAL and name.lower() == "none"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
