"""Tables for the terminal, at most 100 columns wide."""

from __future__ import annotations

import pandas as pd

__all__ = ["format_grid", "format_leaderboard", "metric_title"]

_SIGNIFICANCE = 0.05


def metric_title(metric: str) -> str:
    """Write the name of a metric as people do: "ndcg@10" is NDCG@10."""
    name, _, cutoff = metric.partition("@")
    return f"{name.upper() if name in ('ndcg', 'map', 'mrr') else name.replace('_', ' ')}@{cutoff}"


def format_leaderboard(board: pd.DataFrame, metrics: list[str], n_folds: int) -> str:
    """Lay out the result of :func:`skattnrec.model_selection.compare_recommenders`.

    The last column numbers the models that a model is significantly better than in the first
    metric.
    """
    places = {name: place for place, name in enumerate(board.index, 1)}
    beaten: dict[str, list[int]] = {name: [] for name in board.index}
    for pair in board.attrs["pairs"]:
        if pair["metric"] == metrics[0] and pair["p_value"] < _SIGNIFICANCE:
            beaten[pair["better"]].append(places[pair["worse"]])
    header = ["", "model", *map(metric_title, metrics), "fit s", "rank s", "better than"]
    rows = [
        [
            str(place),
            name,
            *(f"{board.at[name, m]:.4f} ± {_half_width(board, name, m):.4f}" for m in metrics),
            _seconds(board.at[name, "fit_seconds"]),
            _seconds(board.at[name, "recommend_seconds"]),
            _ranges(beaten[name]),
        ]
        for name, place in places.items()
    ]
    return "\n".join(
        [
            f"Leaderboard: {n_folds}-fold cross-validation, mean over {board.attrs['n_users']:,} "
            "users ± 95 % confidence",
            "",
            *_align(header, rows, left={1, 6}),
            "",
            f"fit s, rank s: seconds to learn and to rank the test users, median of {n_folds} "
            "folds.",
            "model: as --model of the command recommend takes it.",
            f"better than: lines whose {metric_title(metrics[0])} is significantly lower "
            f"(paired t-tests, Holm's adjusted p < {_SIGNIFICANCE}).",
        ]
    )


def format_grid(grid: pd.DataFrame, metric: str, n_folds: int) -> str:
    """Lay out a grid: a line for each number of heads, a column for each temperature."""
    place = grid[metric].idxmax()
    best = grid.loc[place]
    cells = [f"{score:.4f}{'*' if p == place else ' '}" for p, score in grid[metric].items()]
    table = grid.assign(cell=cells).pivot(index="n_heads", columns="temperature", values="cell")
    header = ["heads", *(f"{temperature:g} " for temperature in table.columns)]
    rows = [[str(n_heads), *table.loc[n_heads]] for n_heads in table.index]
    return "\n".join(
        [
            f"Grid: {metric_title(metric)} of multi-head by heads and temperature",
            "",
            *_align(header, rows, left=set()),
            "",
            f"* best: {best['n_heads']:g} head(s), temperature {best['temperature']:g}. Mean of "
            f"the same {n_folds} folds; the best of many is a little flattered.",
        ]
    )


def _half_width(board: pd.DataFrame, name: str, metric: str) -> float:
    return (board.at[name, f"{metric}_high"] - board.at[name, f"{metric}_low"]) / 2


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 100 else f"{seconds:.0f}"


def _ranges(numbers: list[int]) -> str:
    """Write numbers in short.

    Examples
    --------
    >>> from skattnrec._cli._report import _ranges
    >>> _ranges([2, 6, 4, 5]), _ranges([])
    ('2, 4-6', '-')
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = (str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return ", ".join(texts) or "-"


def _align(header: list[str], rows: list[list[str]], left: set[int]) -> list[str]:
    """Pad the cells of a table, those of the columns in ``left`` on the right."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in table
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
