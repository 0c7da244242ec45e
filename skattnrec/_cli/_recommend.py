"""``skattnrec recommend``: fit one recommender and write a list of items for every user."""

from __future__ import annotations

import ast
import importlib.util
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pandas as pd

from .._validation import check_cutoff
from ._files import check_folder, replacing
from ._models import make_model
from ._ratings import load_ratings
from ._table import Columns

__all__ = ["recommend"]

_HEADER = ["user", "item", "rank", "score"]


def recommend(options: Namespace) -> None:
    """Run the command."""
    if options.out is not None:
        _check_destination(options.out)
    asked = Columns(options.user, options.item, options.rating, options.time)
    ratings = load_ratings(options.ratings, asked, options.data_home)
    check_cutoff(options.k, ratings.X.shape[1])
    model = make_model(options.model, options.random_state)
    model.set_params(**dict(map(_setting, options.param)))._validate_params()
    X, timestamps = ratings.X, ratings.timestamps
    model.fit(X, timestamps=timestamps)
    indices, scores = model.recommend(X, options.k, timestamps=timestamps)
    recommendations = ratings.encoder.decode(indices, scores, users=ratings.encoder.user_ids_)
    recommendations.columns = pd.Index(_HEADER)
    print(f"{ratings}\n{model}", file=sys.stderr, flush=True)
    if options.out is None:
        recommendations.to_csv(sys.stdout, index=False)
        return
    _write(recommendations, options.out)
    print(f"Wrote {len(recommendations):,} recommendations to {options.out}", file=sys.stderr)


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
