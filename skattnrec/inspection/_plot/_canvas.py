"""Axes to draw on; matplotlib is imported here, when something is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._labels import wrap

__all__ = [
    "COLORS",
    "axes_for",
    "colors_of_heads",
    "legend_above",
    "log_x",
    "name_rows",
    "pyplot",
    "tidy",
]

# Okabe and Ito's colours, told apart whatever the colour vision
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def pyplot(caller: str) -> Any:
    """Import ``matplotlib.pyplot``, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib to draw: pip install 'skattnrec[plot]'"
        ) from error
    return plt


def axes_for(
    ax: Any, caller: str, size: tuple[float, float], n_axes: int = 1, *, stacked: bool = False
) -> np.ndarray:
    """Check the axes that a caller was passed, or make a figure with as many as needed.

    New ones stand side by side with one vertical axis, or ``stacked`` with one horizontal axis.
    """
    if ax is None:
        n_rows, n_columns = (n_axes, 1) if stacked else (1, n_axes)
        _, ax = pyplot(caller).subplots(
            n_rows,
            n_columns,
            figsize=size,
            layout="constrained",
            sharex=stacked,
            sharey=not stacked,
        )
    axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if len(axes) != n_axes:
        raise ValueError(f"{caller} draws on {n_axes} axes, ax holds {len(axes)}.")
    return axes


def colors_of_heads(n_heads: int) -> list[Any]:
    """One colour for each head; from a colour map where there are more than six."""
    if n_heads <= len(COLORS):
        return list(COLORS[:n_heads])
    return list(pyplot("colors_of_heads").colormaps["viridis"](np.linspace(0, 0.95, n_heads)))


def tidy(ax: Any) -> None:
    """Remove the lines of the frame that carry no ticks."""
    ax.spines[["top", "right"]].set_visible(False)


def legend_above(ax: Any, n_columns: int) -> None:
    """Put the legend above the axes, where it covers nothing."""
    style = {"frameon": False, "fontsize": 9, "columnspacing": 1.2, "handlelength": 1.5}
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(n_columns, 3), **style)


def name_rows(ax: Any, labels: Sequence[Any]) -> None:
    """Name rows from the top, and leave room for half a row above and below."""
    ax.set_yticks(range(len(labels)), [wrap(label) for label in labels])
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


def log_x(ax: Any) -> None:
    """Make the horizontal axis logarithmic, with plain numbers: 1, 2, 5, 10."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
