"""The picture of the grid: a heat map of heads and temperatures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._files import replacing
from ._report import metric_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = ["draw_grid", "save_picture"]

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
    image = draw_grid(axes, grid, metric)
    axes.set_title(
        f"{metric_title(metric)} of multi-head attention on {data_name}",
        loc="left",
        pad=10,
        weight="bold",
    )
    bar = figure.colorbar(image, ax=axes, label=f"mean of {n_folds} folds", pad=0.03)
    bar.outline.set_visible(False)
    with replacing(path) as part:
        figure.savefig(part, dpi=_DOTS_PER_INCH)


def draw_grid(axes: Axes, grid: pd.DataFrame, metric: str) -> AxesImage:
    """Draw a heat map with the value in every cell and a frame around the best.

    Parameters
    ----------
    axes : matplotlib Axes
        Where to draw.
    grid : DataFrame
        The columns "n_heads", "temperature" and ``metric``, a row for each pair.
    metric : str
        What to draw.

    Returns
    -------
    AxesImage
        Its array has a row for each number of heads and a column for each temperature, both
        ascending.
    """
    from matplotlib.patches import Rectangle

    scores = grid.pivot(index="n_heads", columns="temperature", values=metric)
    values = scores.to_numpy()
    image = axes.imshow(values, cmap="viridis", aspect="auto", origin="lower")
    for row, column in np.ndindex(values.shape):
        red, green, blue, _ = image.cmap(image.norm(values[row, column]))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(
            column,
            row,
            f"{values[row, column]:.4f}",
            ha="center",
            va="center",
            color="white" if is_dark else "black",
        )
    best_row, best_column = np.unravel_index(np.nanargmax(values), values.shape)
    corner = (best_column - 0.44, best_row - 0.44)
    axes.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor="black", linewidth=1.5))
    for edges, line in ((values.shape[0], axes.axhline), (values.shape[1], axes.axvline)):
        for edge in range(1, edges):
            line(edge - 0.5, color="white", linewidth=2)
    axes.set_xticks(range(len(scores.columns)), [_say_temperature(t) for t in scores.columns])
    axes.set_yticks(range(len(scores.index)), [f"{n:g}" for n in scores.index])
    axes.set(xlabel="temperature of the first head", ylabel="heads")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _say_temperature(temperature: float) -> str:
    return "∞ (uniform)" if np.isinf(temperature) else f"{temperature:g}"
