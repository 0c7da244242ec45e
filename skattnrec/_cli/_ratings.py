"""The ratings that a command works on, from a file or a data set known by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import scipy.sparse as sp

from ..datasets import fetch_movielens, make_interactions
from ..preprocessing import InteractionEncoder
from ._columns import Columns
from ._table import read_table

__all__ = ["DATA_VARIABLE", "MOVIELENS", "REPEATS", "Ratings", "load_ratings"]

DATA_VARIABLE = "SKATTNREC_DATA"
MOVIELENS = {f"ml-{name}": name for name in ("100k", "1m", "20m", "25m", "latest-small")}
_LIKED_STARS = 4.0  # of five
_COLUMNS = Columns("user", "item", "rating", "timestamp")
REPEATS = {
    "last": "replaced by the last",
    "sum": "added up",
    "mean": "averaged",
    "max": "replaced by the largest",
}


@dataclass(frozen=True)
class Ratings:
    """Encoded ratings.

    Attributes
    ----------
    name : str
        What to call them.
    X : csr_array of shape (n_users, n_items)
        The ratings.
    timestamps : csr_array of shape (n_users, n_items) or None
        The time of each of them.
    encoder : InteractionEncoder
        Knows the ids.
    relevance_threshold : float or None
        What counts as liked, unless the user says otherwise.
    n_repeated : int
        How many rows of the table repeat a pair of user and item.
    repeats : str
        What became of them, a key of ``REPEATS``.
    """

    name: str
    X: sp.csr_array
    timestamps: sp.csr_array | None
    encoder: InteractionEncoder
    relevance_threshold: float | None
    n_repeated: int
    repeats: str = "last"

    def __str__(self) -> str:
        users, items = self.X.shape
        text = f"{self.name}: {users:,} users, {items:,} items, {self.X.nnz:,} ratings"
        if self.n_repeated:
            text += f" ({self.n_repeated:,} repeated ones {REPEATS[self.repeats]})"
        return text


def load_ratings(
    source: str,
    asked: Columns,
    data_home: Path | None = None,
    *,
    separator: str | None = None,
    has_header: bool | None = None,
    repeats: str = "last",
) -> Ratings:
    """Load and encode ratings.

    Parameters
    ----------
    source : str
        "synthetic", a name in ``MOVIELENS``, or the path of a file.
    asked : Columns
        The columns of a file; see :func:`read_table`. ``time="none"`` leaves the times out.
    data_home : Path, default=None
        Where MovieLens data lie or are to lie. None: the folder that the environment variable
        ``SKATTNREC_DATA`` names, or its subfolder ``raw``; without it, scikit-learn's data home.
    separator, has_header
        Of a file; see :func:`read_table`.
    repeats : str
        A key of ``REPEATS``.

    Raises
    ------
    OSError, ValueError, ImportError
        In one line, if there are no usable ratings.
    """
    threshold = None if source not in {"synthetic", *MOVIELENS} else _LIKED_STARS
    columns = _COLUMNS
    if source == "synthetic":
        table = _synthetic()
    elif source in MOVIELENS:
        home = data_home or _data_home(source)
        table = fetch_movielens(MOVIELENS[source], data_home=home, as_frame=True).frame
    else:
        if not Path(source).exists():
            names = ", ".join(["synthetic", *MOVIELENS])
            raise FileNotFoundError(f"{source}: no such file, nor one of the data sets {names}.")
        table, columns = read_table(Path(source), asked, separator, has_header)
    if asked.time == "none":
        columns = columns._replace(time=None)
    return _encode(table, columns, source, threshold, repeats)


def _encode(
    table: pd.DataFrame, columns: Columns, name: str, threshold: float | None, repeats: str
) -> Ratings:
    encoder = InteractionEncoder(
        user=columns.user,
        item=columns.item,
        rating=columns.rating,
        timestamp=columns.time,
        duplicates=repeats,
    )
    has_times = columns.time is not None
    try:
        encoded = encoder.fit_transform(table, return_timestamps=has_times)
    except (ValueError, TypeError) as error:
        hint = ""
        if has_times and repr(columns.time) in str(error):
            hint = " Or name another column with --time, or --time none."
        raise ValueError(f"{name}: {error}{hint}") from error
    X, timestamps = encoded if has_times else (encoded, None)
    for count, what in ((encoder.n_users_, "user"), (encoder.n_items_, "item")):
        if count < 2:
            raise ValueError(f"{name} has one {what} only, a recommender needs at least two.")
    n_repeated = len(table) - X.nnz
    return Ratings(name, X, timestamps, encoder, threshold, n_repeated, repeats)


def _synthetic() -> pd.DataFrame:
    """Make the table that needs no file: the same every time, with ratings from 1 to 5."""
    data = make_interactions(1000, 600, n_interactions=40_000, random_state=0)
    ratings = data.X.tocoo()
    users, items = ratings.coords
    values = (users, items, ratings.data, data.timestamps.data)
    return pd.DataFrame(dict(zip(_COLUMNS, values)))


def _data_home(source: str) -> Path | None:
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    return folder if (folder / source).is_dir() else folder / "raw"
