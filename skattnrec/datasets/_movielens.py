"""``fetch_movielens``: the MovieLens ratings of the University of Minnesota."""

from __future__ import annotations

import csv
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from .._compat import StrOptions, validate_params
from ..preprocessing import InteractionEncoder
from ._download import download, sha256, unpack

__all__ = ["fetch_movielens"]

_RATING_COLUMNS = ["user", "item", "rating", "timestamp"]


class _Release(NamedTuple):
    """One MovieLens data set: where it is, how to know it, and what its files look like."""

    url: str
    sha256: str
    layout: str
    facts: str
    is_fixed: bool = True

    @property
    def folder(self) -> str:
        return self.url.rsplit("/", 1)[1].removesuffix(".zip")


_SITE = "https://files.grouplens.org/datasets/movielens"

# GroupLens publishes MD5 sums; these are the SHA-256 sums of the same archives, as listed by
# TensorFlow Datasets (url_checksums/movielens.txt) and by users who compared the MD5 sums.
_RELEASES = {
    "100k": _Release(
        f"{_SITE}/ml-100k.zip",
        "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        "tab",
        "100,000 ratings (1 to 5) of 1,682 movies by 943 users, 1997 to 1998.",
    ),
    "1m": _Release(
        f"{_SITE}/ml-1m.zip",
        "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        "dat",
        "1,000,209 ratings (1 to 5) of 3,706 movies by 6,040 users, 2000 to 2003.",
    ),
    "20m": _Release(
        f"{_SITE}/ml-20m.zip",
        "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
        "csv",
        "20,000,263 ratings (0.5 to 5) of 26,744 movies by 138,493 users, 1995 to 2015.",
    ),
    "25m": _Release(
        f"{_SITE}/ml-25m.zip",
        "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
        "csv",
        "25,000,095 ratings (0.5 to 5) of 59,047 movies by 162,541 users, 1995 to 2019.",
    ),
    "latest-small": _Release(
        f"{_SITE}/ml-latest-small.zip",
        "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        "csv",
        "100,836 ratings (0.5 to 5) of 9,724 movies by 610 users, 1996 to 2018, as released in "
        "September 2018;\nGroupLens may replace it at any time.",
        is_fixed=False,
    ),
}

_DESCR = """\
MovieLens {name}
{line}

{facts}
Movies without ratings are left out. Timestamps are seconds since 1970-01-01 UTC.

The data were collected by GroupLens Research at the University of Minnesota. They are free for
research under conditions: acknowledge them, do not claim endorsement, ask before any commercial
use. ml-100k and ml-1m may not be passed on without permission, the others under the same
conditions only. The README in the folder of the data has the full text.

Please cite: F. Maxwell Harper and Joseph A. Konstan (2015). The MovieLens Datasets: History and
Context. ACM Transactions on Interactive Intelligent Systems 5(4), 19:1-19:19.
https://doi.org/10.1145/2827872

Source: {url}
"""


@validate_params(
    {
        "name": [StrOptions(set(_RELEASES))],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "as_frame": ["boolean"],
        "dtype": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def fetch_movielens(
    name: str = "100k",
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    as_frame: bool = False,
    dtype: Any = np.float32,
) -> Bunch:
    """Load a MovieLens data set, from disk or from files.grouplens.org.

    ======================  =======  =======  ===========  ==========
    name                      users   movies      ratings  download
    ======================  =======  =======  ===========  ==========
    100k                        943    1,682      100,000  5 MB
    latest-small                610    9,724      100,836  1 MB
    1m                        6,040    3,706    1,000,209  6 MB
    20m                     138,493   26,744   20,000,263  199 MB
    25m                     162,541   59,047   25,000,095  262 MB
    ======================  =======  =======  ===========  ==========

    Parameters
    ----------
    name : {"100k", "latest-small", "1m", "20m", "25m"}, default="100k"
        Which data set. "latest-small" may change with time: an archive other than that of
        September 2018 is accepted with a warning. The others are fixed and checked.
    data_home : str or path-like, default=None
        Folder that holds, or is to hold, the unpacked folder (such as ``ml-100k``) or its zip
        archive; it may also be that unpacked folder itself. None means
        :func:`sklearn.datasets.get_data_home`.
    download_if_missing : bool, default=True
        If False, raise an error where the data are not on disk.
    as_frame : bool, default=False
        Also return the ratings as a long table, and the item features as a DataFrame.
    dtype : {np.float32, np.float64}, default=np.float32
        Type of the ratings and item features.

    Returns
    -------
    Bunch
        X : csr_array of shape (n_users, n_items)
            The ratings.
        timestamps : csr_array of shape (n_users, n_items), float64
            The time of every rating, in seconds since 1970-01-01 UTC.
        user_ids : ndarray of shape (n_users,)
            The MovieLens id of each row, ascending.
        item_ids : ndarray of shape (n_items,)
            The MovieLens id of each column, ascending; movies without ratings are left out.
        item_names : ndarray of shape (n_items,), object
            The titles.
        item_features : ndarray or DataFrame of shape (n_items, n_genres)
            1 where a movie is of a genre, else 0.
        feature_names : list of str
            The genres.
        user_features : DataFrame of shape (n_users, 4) or None
            Age, gender, occupation and zip code, for "100k" and "1m". In "1m", age and occupation
            are codes that the README explains.
        frame : DataFrame of shape (n_ratings, 4) or None
            The columns user, item, rating and timestamp, with ``as_frame``.
        DESCR : str
            What the data are, their licence and how to cite them.

    Raises
    ------
    OSError
        If the data are not on disk and may not or cannot be downloaded, or if an archive is
        damaged or not the one expected.
    ValueError
        If a file does not have the official layout; the message tells the line.

    See Also
    --------
    skattnrec.preprocessing.InteractionEncoder : The same for tables of your own.
    make_interactions : Data that need no download.

    References
    ----------
    .. [1] F. M. Harper, J. A. Konstan (2015). The MovieLens Datasets: History and Context. ACM
       Transactions on Interactive Intelligent Systems 5(4), 19:1-19:19.

    Examples
    --------
    >>> from skattnrec.datasets import fetch_movielens
    >>> movielens = fetch_movielens("100k")  # doctest: +SKIP
    >>> movielens.X.shape, movielens.item_names[0]  # doctest: +SKIP
    ((943, 1682), 'Toy Story (1995)')
    """
    release = _RELEASES[name]
    folder = _find(release, Path(data_home or get_data_home()).expanduser(), download_if_missing)
    ratings, items, users = {"tab": _read_tab, "dat": _read_dat, "csv": _read_csv}[release.layout](
        folder
    )
    encoder = InteractionEncoder(timestamp="timestamp", duplicates="error", dtype=dtype)
    X, timestamps = encoder.fit_transform(ratings, return_timestamps=True)
    items = _rows_of(items, encoder.item_ids_, folder)
    genres = items.drop(columns="title").astype(X.dtype)
    return Bunch(
        X=X,
        timestamps=timestamps,
        user_ids=encoder.user_ids_,
        item_ids=encoder.item_ids_,
        item_names=items["title"].to_numpy(dtype=object),
        item_features=genres if as_frame else genres.to_numpy(),
        feature_names=list(genres),
        user_features=None if users is None else _rows_of(users, encoder.user_ids_, folder),
        frame=ratings if as_frame else None,
        DESCR=_DESCR.format(
            name=name, line="=" * len(f"MovieLens {name}"), facts=release.facts, url=release.url
        ),
    )


def _find(release: _Release, home: Path, download_if_missing: bool) -> Path:
    """Find the unpacked folder of a release, or unpack or download it."""
    folder = home if home.name == release.folder else home / release.folder
    archive = folder.with_name(f"{release.folder}.zip")
    if folder.is_dir():
        return folder
    if archive.is_file():
        _verify(archive, release, "Delete it and try again.")
        unpack(archive, folder)
        return folder
    if not download_if_missing:
        raise FileNotFoundError(
            f"There is no folder {folder} and no archive {archive}. Set download_if_missing=True, "
            f"or download {release.url} into {folder.parent}."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=release.folder) as part:
        fetched = Path(part) / archive.name
        download(release.url, fetched)
        _verify(fetched, release, "It has been deleted: try again.")
        unpack(fetched, folder)
    return folder


def _verify(archive: Path, release: _Release, remedy: str) -> None:
    """Compare the checksum of an archive with the one on record."""
    actual = sha256(archive)
    if actual == release.sha256:
        return
    if release.is_fixed:
        raise OSError(
            f"{archive.name} is damaged or not the archive of {release.url}: its SHA-256 checksum "
            f"is {actual}, expected is {release.sha256}. {remedy}"
        )
    warnings.warn(
        f"{archive.name} (SHA-256 {actual}) is not the release of September 2018: results on it "
        "cannot be compared with earlier ones.",
        stacklevel=5,
    )


# -- layouts: each reader returns ratings, items (title and genres) and users or None -------------


def _read_tab(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Read the files of ml-100k."""
    ratings = _read(folder / "u.data", _RATING_COLUMNS, "\t", numbers=_RATING_COLUMNS)
    genres = _read(folder / "u.genre", ["genre", "code"], "|")["genre"].dropna().tolist()
    about = ["item", "title", "released", "video", "url"]
    items = _read(folder / "u.item", [*about, *genres], "|", numbers=["item", *genres])
    columns = ["user", "age", "gender", "occupation", "zip_code"]
    users = _read(folder / "u.user", columns, "|", numbers=["user", "age"], text=["zip_code"])
    return ratings, items.set_index("item")[["title", *genres]], users.set_index("user")


def _read_dat(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Read the files of ml-1m, whose fields are separated by ``::``."""
    # the fast parser splits at single characters: there are empty columns between two colons
    columns = ["user", "empty1", "item", "empty2", "rating", "empty3", "timestamp"]
    ratings = _read(folder / "ratings.dat", columns, ":", numbers=_RATING_COLUMNS)
    items = _read(folder / "movies.dat", ["item", "title", "genres"], "::", numbers=["item"])
    columns = ["user", "gender", "age", "occupation", "zip_code"]
    codes = ["user", "age", "occupation"]
    users = _read(folder / "users.dat", columns, "::", numbers=codes, text=["zip_code"])
    return ratings[_RATING_COLUMNS], _split_genres(items), users.set_index("user")


def _read_csv(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Read the files of ml-20m, ml-25m and ml-latest-small."""
    header = ["userId", "movieId", "rating", "timestamp"]
    ratings = _read(folder / "ratings.csv", header, numbers=header)
    ratings.columns = pd.Index(_RATING_COLUMNS)
    items = _read(folder / "movies.csv", ["movieId", "title", "genres"], numbers=["movieId"])
    return ratings, _split_genres(items.rename(columns={"movieId": "item"})), None


def _split_genres(items: pd.DataFrame) -> pd.DataFrame:
    """Turn a column like ``Comedy|Drama`` into one column of 0 and 1 per genre."""
    genres = (
        items["genres"].str.get_dummies("|").drop(columns="(no genres listed)", errors="ignore")
    )
    return pd.concat([items[["item", "title"]], genres], axis=1).set_index("item")


def _read(
    path: Path,
    columns: list[str],
    separator: str | None = None,
    *,
    numbers: list[str] | None = None,
    text: list[str] | None = None,
) -> pd.DataFrame:
    """Read a table and check that the columns of numbers hold nothing else.

    With a ``separator`` the file has no header and is Latin-1; without one it is a CSV file in
    UTF-8 with a header.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: delete its folder to fetch it anew.")
    has_header = separator is None
    try:
        with warnings.catch_warnings():  # pandas warns where it drops surplus fields of line 1
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                path,
                sep="," if has_header else separator,
                names=None if has_header else columns,
                header=0 if has_header else None,
                index_col=False,
                encoding="utf-8" if has_header else "latin-1",
                quoting=csv.QUOTE_MINIMAL if has_header else csv.QUOTE_NONE,
                skip_blank_lines=False,  # so that rows count lines
                keep_default_na=False,  # a film or an occupation may be called None
                na_values=[""],
                dtype=dict.fromkeys(text or [], str),
                engine="python" if separator == "::" else "c",
            )
    except (
        pd.errors.ParserError,
        pd.errors.ParserWarning,
        pd.errors.EmptyDataError,
        UnicodeDecodeError,
    ) as error:
        raise ValueError(f"{path} is malformed: {str(error).strip()}.") from error
    if list(table) != columns:
        raise ValueError(f"{path} must have the columns {columns}, line 1 has {list(table)}.")
    if table.empty:
        raise ValueError(f"{path} is malformed: it has no rows.")
    for column in numbers or []:
        values = pd.to_numeric(table[column], errors="coerce")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise ValueError(
                f"{path} is malformed in line {wrong[0] + 1 + has_header}: "
                f"{column} is {table[column].iloc[wrong[:1]].tolist()[0]!r}, not a number."
            )
    return table


def _rows_of(table: pd.DataFrame, ids: np.ndarray, folder: Path) -> pd.DataFrame:
    """Select the rows of rated items, or of users, in the order of the matrix."""
    unknown = np.setdiff1d(ids, table.index)
    if len(unknown):
        raise ValueError(
            f"{folder} has ratings of {table.index.name} {unknown[0]}, which its list of "
            f"{table.index.name}s does not have ({len(unknown)} such ids)."
        )
    return table.loc[ids]
