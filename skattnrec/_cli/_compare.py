"""``skattnrec compare``: a leaderboard of all recommenders, then a grid over attention heads."""

from __future__ import annotations

import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid

from .._validation import check_cutoff
from ..metrics import RankingScorer
from ..model_selection import compare_recommenders
from ._columns import Columns
from ._files import check_folder, check_not_input, replacing
from ._models import MODELS, make_model
from ._picture import save_picture
from ._progress import Progress
from ._ratings import Ratings, load_ratings
from ._report import format_grid, format_leaderboard

__all__ = ["compare"]

_RECALL_CUTOFF = 20
_HIDDEN_SHARE = 0.2
_GRID_MODEL = "multi-head"
_FILES = ("leaderboard.csv", "pairs.csv", "grid.csv", "grid.png")


def compare(options: Namespace) -> None:
    """Run the command."""
    start = time.perf_counter()
    check_folder(options.out)
    written = [options.out / name for name in _FILES]
    for path in written:
        check_not_input(path, options.ratings)
    ratings = _load(options)
    _check(options, ratings)
    print(f"{ratings}\n{_say_task(options)}\n", flush=True)

    metrics = [f"ndcg@{options.k}", f"recall@{_RECALL_CUTOFF}"]
    board = _leaderboard(ratings, options, metrics)
    print(format_leaderboard(board, metrics, options.folds), flush=True)
    pairs = pd.DataFrame(board.attrs["pairs"])
    _write_csv(board.reset_index(), written[0])
    _write_csv(pairs[["metric", *pairs.columns.drop("metric")]], written[1])

    grid = None
    if ratings.X.data.min() == ratings.X.data.max():
        print(
            "\nNo grid: all ratings are equal, so that heads and temperatures make no difference."
        )
        del written[2:]
    else:
        grid = _grid(ratings, options, metrics[0])
        print(f"\n{format_grid(grid, metrics[0], options.folds)}", flush=True)
        _write_csv(grid, written[2])
        if not _draw(grid, metrics[0], ratings.name, options.folds, written[3]):
            written.pop()
    names = ", ".join(path.name for path in written)
    print(f"\nWrote {names} to {options.out} in {time.perf_counter() - start:.0f} s.")
    print(f"Recommend with the best:\n\n{_next_command(board, grid, metrics[0], options)}")


def _draw(grid: pd.DataFrame, metric: str, name: str, n_folds: int, path: Path) -> bool:
    """Draw the grid, or say what is missing for that."""
    try:
        save_picture(grid, metric, name, n_folds, path)
    except ImportError:
        hint = "no picture without matplotlib: pip install 'skattnrec[plot]'"
        print(f"skattnrec: {hint}", file=sys.stderr)
        return False
    return True


def _load(options: Namespace) -> Ratings:
    """Load the ratings, and settle what is hidden of them and which of them are liked."""
    ratings = load_ratings(
        options.ratings,
        Columns(options.user, options.item, options.rating, options.time),
        options.data_home,
        separator=options.sep,
        has_header=options.has_header,
        repeats=options.repeats,
    )
    has_times = ratings.timestamps is not None
    if options.hide is None:
        options.hide = "last" if has_times else "random"
    if options.hide == "last" and not has_times:
        raise ValueError("--hide last needs the times of the ratings: name their column by --time.")
    if options.hide == "random" and has_times:  # what is hidden at random is not what comes next
        ratings = replace(ratings, timestamps=None)
        options.time = "none"
    if options.relevance_threshold is None:
        options.relevance_threshold = ratings.relevance_threshold
    return ratings


def _check(options: Namespace, ratings: Ratings) -> None:
    n_users, n_items = ratings.X.shape
    check_cutoff(options.k, n_items)
    if not 2 <= options.folds <= n_users:
        raise ValueError(
            f"--folds must be in [2, {n_users}], the number of users; got {options.folds}."
        )
    for settings in ParameterGrid(_settings(options)):  # before the leaderboard takes its time
        make_model(_GRID_MODEL, options.random_state).set_params(**settings)._validate_params()


def _settings(options: Namespace) -> dict[str, list[Any]]:
    return {"n_heads": options.heads, "temperature": options.temperatures}


def _say_task(options: Namespace) -> str:
    """Say what has to be found."""
    last = options.hide == "last"
    text = f"To be found: {'the last rating' if last else 'a random fifth'} of each test user"
    if options.relevance_threshold is None:
        return text
    return f"{text}, where it is {options.relevance_threshold:g} or more"


def _leaderboard(ratings: Ratings, options: Namespace, metrics: list[str]) -> pd.DataFrame:
    """Cross-validate all models."""
    models = {name: make_model(name, options.random_state) for name in MODELS}
    if ratings.timestamps is None:
        models = {name: model for name, model in models.items() if not model._needs_times()}
    with Progress("leaderboard", options.folds * len(models)) as progress:
        return compare_recommenders(
            models,
            ratings.X,
            scoring=_scorer(metrics, options),
            cv=options.folds,
            timestamps=ratings.timestamps,
            n_jobs=options.n_jobs,
            random_state=options.random_state,
            callback=lambda n_done, n_total, name: progress.step(name),
        )


def _grid(ratings: Ratings, options: Namespace, metric: str) -> pd.DataFrame:
    """Cross-validate multi-head attention over heads and temperatures, on the same folds.

    At an infinite temperature all heads are the same: one stands for all numbers of heads.
    """
    finite = [temperature for temperature in options.temperatures if np.isfinite(temperature)]
    grid = [{"n_heads": options.heads, "temperature": finite}] if finite else []
    if len(finite) < len(options.temperatures):
        grid.append({"n_heads": [1], "temperature": [np.inf]})
    with Progress("grid", len(ParameterGrid(grid))) as progress:
        search = _ReportingGridSearch(
            make_model(_GRID_MODEL, options.random_state),
            grid,
            scoring=_scorer(metric, options),
            cv=KFold(options.folds, shuffle=True, random_state=options.random_state),
            n_jobs=options.n_jobs,
            refit=False,
            error_score="raise",
        )
        search.report = progress.step
        metadata = {} if ratings.timestamps is None else {"timestamps": ratings.timestamps}
        with config_context(enable_metadata_routing=bool(metadata)):
            results = search.fit(ratings.X, **metadata).cv_results_
    table = pd.DataFrame(
        {
            "n_heads": results["param_n_heads"].astype(int),
            "temperature": results["param_temperature"].astype(float),
            metric: results["mean_test_score"],
            f"{metric}_std": results["std_test_score"],
            "fit_seconds": results["mean_fit_time"],
        }
    )
    is_finite = np.isfinite(table["temperature"])
    copies = [table[~is_finite].assign(n_heads=n_heads) for n_heads in options.heads]
    table = pd.concat([table[is_finite], *copies])
    return table.sort_values(["n_heads", "temperature"], ignore_index=True)


class _ReportingGridSearch(GridSearchCV):
    """Grid search that reports each setting when it has been scored on all folds."""

    report: Callable[[str], None]

    def _run_search(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Any]) -> None:
        for settings in ParameterGrid(self.param_grid):
            evaluate_candidates([settings])
            self.report(", ".join(f"{n}={v:g}" for n, v in settings.items()))


def _scorer(metric: str | list[str], options: Namespace) -> RankingScorer:
    return RankingScorer(
        metric,
        holdout="last" if options.hide == "last" else _HIDDEN_SHARE,
        relevance_threshold=options.relevance_threshold,
        random_state=options.random_state,
    )


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as part:
        table.to_csv(part, index=False)


def _next_command(
    board: pd.DataFrame, grid: pd.DataFrame | None, metric: str, options: Namespace
) -> str:
    """Say how to recommend with the best model, or the best setting of the grid."""
    parts = ["python -m skattnrec recommend", shlex.quote(options.ratings)]
    for role in Columns._fields:
        if getattr(options, role) is not None:
            parts += [f"--{role}", shlex.quote(getattr(options, role))]
    if options.data_home is not None:
        parts += ["--data-home", shlex.quote(str(options.data_home))]
    if options.random_state != 0:
        parts += ["--random-state", str(options.random_state)]
    if options.has_header is False:
        parts.append("--no-header")
    if options.sep is not None:
        parts += ["--sep", shlex.quote(options.sep)]
    if options.repeats != "last":
        parts += ["--repeats", options.repeats]
    model = f"--model {board.index[0]}"
    if grid is not None:
        best = grid.loc[grid[metric].idxmax()]
        if board.index[0] == _GRID_MODEL or best[metric] > board[metric].iloc[0]:
            setting = (
                f"--param n_heads={best['n_heads']:g} --param temperature={best['temperature']:g}"
            )
            model = f"--model {_GRID_MODEL} {setting}"
    return f"  {' '.join(parts)} \\\n    {model} --out recs.csv"
