"""The picture of the grid: a heat map of heads and temperatures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..inspection import TemperatureHeadsDisplay
from ._files import replacing
from ._report import metric_title

__all__ = ["save_picture"]

_DOTS_PER_INCH = 160


def save_picture(grid: pd.DataFrame, metric: str, data_name: str, n_folds: int, path: Path) -> None:
    """Draw the grid and save it.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    from matplotlib.figure import Figure

    n_heads, n_temperatures = grid["n_heads"].nunique(), grid["temperature"].nunique()
    size = (2.6 + 0.95 * n_temperatures, 1.9 + 0.75 * n_heads)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    TemperatureHeadsDisplay.from_predictions(
        grid["n_heads"],
        grid["temperature"],
        grid[metric],
        score_name=f"mean of {n_folds} folds",
        print_values=True,
        ax=axes,
    )
    axes.set_title(
        f"{metric_title(metric)} of multi-head attention on {data_name}",
        loc="left",
        pad=10,
        weight="bold",
    )
    with replacing(path) as part:
        figure.savefig(part, dpi=_DOTS_PER_INCH)
