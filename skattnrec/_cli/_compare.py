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

import pandas as pd
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid
from tqdm import tqdm

from .._validation import check_cutoff
from ..metrics import RankingScorer
from ..model_selection import compare_recommenders
from ._files import check_folder, replacing
from ._models import MODELS, make_model
from ._picture import save_picture
from ._ratings import Ratings, load_ratings
from ._report import format_grid, format_leaderboard
from ._table import Columns

__all__ = ["compare"]

_RECALL_CUTOFF = 20
_HIDDEN_SHARE = 0.2
_BAR = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} {elapsed}<{remaining} {postfix}"


def compare(options: Namespace) -> None:
    """Run the command."""
    start = time.perf_counter()
    check_folder(options.out)
    asked = Columns(options.user, options.item, options.rating, options.time)
    ratings = load_ratings(options.ratings, asked, options.data_home)
    n_times = 0 if ratings.timestamps is None else ratings.timestamps.nnz
    if options.hide == "last" and not n_times:
        raise ValueError("--hide last needs the times of the ratings: name their column by --time.")
    if options.hide == "random":  # what was hidden at random is not what comes next
        ratings = replace(ratings, timestamps=None)
    if options.relevance_threshold is None:
        options.relevance_threshold = ratings.relevance_threshold
    _check(options, ratings)
    liked = "" if options.relevance_threshold is None else f"; {_say_liked(options)}"
    print(f"{ratings}{liked}\n", flush=True)

    metrics = [f"ndcg@{options.k}", f"recall@{_RECALL_CUTOFF}"]
    board = _leaderboard(ratings, options, metrics)
    print(format_leaderboard(board, metrics, options.folds), flush=True)
    pairs = pd.DataFrame(board.attrs["pairs"])
    written = [options.out / "leaderboard.csv", options.out / "pairs.csv"]
    _write_csv(board.reset_index(), written[0])
    _write_csv(pairs[["metric", *pairs.columns.drop("metric")]], written[1])

    grid = _grid(ratings, options, metrics[0])
    print(f"\n{format_grid(grid, metrics[0], options.folds)}", flush=True)
    written += [options.out / "grid.csv", options.out / "grid.png"]
    _write_csv(grid, written[2])
    try:
        save_picture(grid, metrics[0], ratings.name, options.folds, written[3])
    except ImportError:
        written.pop()
        hint = "no picture without matplotlib: pip install 'skattnrec[plot]'"
        print(f"skattnrec: {hint}", file=sys.stderr)
    names = ", ".join(path.name for path in written)
    print(f"\nWrote {names} to {options.out} in {time.perf_counter() - start:.0f} s.")
    if n_times and options.hide == "random":
        options.time = "none"
    print(f"Recommend with the best setting:\n\n{_next_command(grid, metrics[0], options)}")


def _check(options: Namespace, ratings: Ratings) -> None:
    n_users, n_items = ratings.X.shape
    check_cutoff(options.k, n_items)
    if not 2 <= options.folds <= n_users:
        raise ValueError(
            f"--folds must be in [2, {n_users}], the number of users; got {options.folds}."
        )
    for settings in ParameterGrid(_settings(options)):  # before the leaderboard takes its time
        make_model("multi-head", options.random_state).set_params(**settings)._validate_params()


def _settings(options: Namespace) -> dict[str, list[Any]]:
    return {"n_heads": options.heads, "temperature": options.temperatures}


def _say_liked(options: Namespace) -> str:
    return f"ratings from {options.relevance_threshold:g} on are liked"


def _leaderboard(ratings: Ratings, options: Namespace, metrics: list[str]) -> pd.DataFrame:
    """Cross-validate all models."""
    made = [make_model(name, options.random_state) for name in MODELS]
    models = {type(model).__name__: model for model in made}
    with _bar("leaderboard", options.folds * len(models)) as bar:

        def report(n_done: int, n_total: int, name: str) -> None:
            bar.set_postfix_str(name, refresh=False)
            bar.update()

        return compare_recommenders(
            models,
            ratings.X,
            scoring=_scorer(metrics, options),
            cv=options.folds,
            timestamps=ratings.timestamps,
            n_jobs=options.n_jobs,
            random_state=options.random_state,
            callback=report,
        )


def _grid(ratings: Ratings, options: Namespace, metric: str) -> pd.DataFrame:
    """Cross-validate multi-head attention over heads and temperatures, on the same folds."""
    grid = _settings(options)
    with _bar("grid", len(ParameterGrid(grid))) as bar:

        def report(settings: dict[str, Any]) -> None:
            bar.set_postfix_str(", ".join(f"{n}={v:g}" for n, v in settings.items()), refresh=False)
            bar.update()

        search = _ReportingGridSearch(
            make_model("multi-head", options.random_state),
            grid,
            scoring=_scorer(metric, options),
            cv=KFold(options.folds, shuffle=True, random_state=options.random_state),
            n_jobs=options.n_jobs,
            refit=False,
            error_score="raise",
        )
        search.report = report
        metadata = {} if ratings.timestamps is None else {"timestamps": ratings.timestamps}
        with config_context(enable_metadata_routing=bool(metadata)):
            results = search.fit(ratings.X, **metadata).cv_results_
    return pd.DataFrame(
        {
            "n_heads": results["param_n_heads"].astype(int),
            "temperature": results["param_temperature"].astype(float),
            metric: results["mean_test_score"],
            f"{metric}_std": results["std_test_score"],
            "fit_seconds": results["mean_fit_time"],
        }
    )


class _ReportingGridSearch(GridSearchCV):
    """Grid search that reports each setting when it has been scored on all folds."""

    report: Callable[[dict[str, Any]], None]

    def _run_search(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Any]) -> None:
        for settings in ParameterGrid(self.param_grid):
            evaluate_candidates([settings])
            self.report(settings)


def _scorer(metric: str | list[str], options: Namespace) -> RankingScorer:
    return RankingScorer(
        metric,
        holdout="last" if options.hide == "last" else _HIDDEN_SHARE,
        relevance_threshold=options.relevance_threshold,
        random_state=options.random_state,
    )


def _bar(what: str, total: int) -> tqdm:
    """Make a progress bar on the terminal; none where stderr goes to a file."""
    return tqdm(total=total, desc=what, leave=False, disable=None, bar_format=_BAR, ncols=88)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as part:
        table.to_csv(part, index=False)


def _next_command(grid: pd.DataFrame, metric: str, options: Namespace) -> str:
    """Say how to recommend with the best setting of the grid."""
    best = grid.loc[grid[metric].idxmax()]
    parts = ["python -m skattnrec recommend", shlex.quote(options.ratings)]
    for role in Columns._fields:
        if getattr(options, role) is not None:
            parts += [f"--{role}", shlex.quote(getattr(options, role))]
    parts.append(
        f"\\\n    --model multi-head --param n_heads={best['n_heads']:g} "
        f"--param temperature={best['temperature']:g} --out recs.csv"
    )
    return "  " + " ".join(parts)
