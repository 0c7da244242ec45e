"""``skattnrec recommend``: fit one recommender and write a list of items for every user."""

from __future__ import annotations

import ast
import importlib.util
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._validation import check_cutoff
from ..base import BaseRecommender
from ._columns import Columns
from ._files import check_folder, check_not_input, replacing
from ._models import make_model
from ._ratings import Ratings, load_ratings

__all__ = ["recommend"]

_HEADER = ["user", "item", "rank", "score"]
_SAMPLE = 1000  # users whose lists are compared
_SAME = 0.9  # share of users with the same list that is told


def recommend(options: Namespace) -> None:
    """Run the command."""
    if options.out is not None:
        _check_destination(options.out)
        check_not_input(options.out, options.ratings)
    ratings = load_ratings(
        options.ratings,
        Columns(options.user, options.item, options.rating, options.time),
        options.data_home,
        separator=options.sep,
        has_header=options.has_header,
        repeats=options.repeats,
    )
    check_cutoff(options.k, ratings.X.shape[1])
    model = make_model(options.model, options.random_state)
    model.set_params(**dict(map(_setting, options.param)))._validate_params()
    if model._needs_times() and ratings.timestamps is None:
        raise ValueError(
            f"--model {options.model} needs the times of the ratings: name their column by --time."
        )
    print(f"{ratings}\n{model}", file=sys.stderr, flush=True)
    X, timestamps = ratings.X, ratings.timestamps
    model.fit(X, timestamps=timestamps)
    indices, scores = model.recommend(X, options.k, timestamps=timestamps)
    if options.model != "popularity":
        _tell_sameness(model, ratings, options.k)
    recommendations = ratings.encoder.decode(indices, scores, users=ratings.encoder.user_ids_)
    recommendations.columns = pd.Index(_HEADER)
    if options.out is None:
        recommendations.to_csv(sys.stdout, index=False)
        return
    _write(recommendations, options.out)
    print(f"Wrote {len(recommendations):,} recommendations to {options.out}", file=sys.stderr)


def _tell_sameness(model: BaseRecommender, ratings: Ratings, k: int) -> None:
    """Say so where (almost) all users would get the same list, were it not for what they have."""
    X, timestamps = ratings.X, ratings.timestamps
    rows = np.unique(np.linspace(0, X.shape[0] - 1, _SAMPLE).astype(int))
    some = None if timestamps is None else timestamps[rows]
    # of half the items at most: all of them are the same set for everybody
    length = min(k, max(1, X.shape[1] // 2))
    lists, _ = model.recommend(X[rows], length, exclude_seen=False, timestamps=some)
    _, counts = np.unique(np.sort(lists, axis=1), axis=0, return_counts=True)
    share = counts.max() / len(rows)
    if share >= _SAME:
        print(
            f"skattnrec: warning: for {share:.0%} of users the best {length} items are the same, "
            "but for what they have: the model finds next to nothing in their tastes. Compare it "
            "with --model popularity, and look at the ratings.",
            file=sys.stderr,
        )


def _check_destination(path: Path) -> None:
    """Check, before any work is done, that the file can be written."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise ValueError(f"--out must end in .csv or .parquet, got {path}.")
    if suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ImportError("to write Parquet files, pip install pyarrow.")
    if path.is_dir():
        raise IsADirectoryError(f"--out must be a file, {path} is a folder.")
    check_folder(path.parent)


def _setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE, where the value is a number or a Python literal, otherwise text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"--param must be NAME=VALUE, got {text!r}.")
    for read in (ast.literal_eval, float):  # float knows inf
        try:
            return name, read(value)
        except (ValueError, SyntaxError):
            continue
    return name, value


def _write(recommendations: pd.DataFrame, path: Path) -> None:
    with replacing(path) as part:
        if path.suffix.lower() == ".csv":
            recommendations.to_csv(part, index=False)
        else:
            recommendations.to_parquet(part, index=False)
