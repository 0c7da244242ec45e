"""What displays draw with; matplotlib is imported here, when something is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._labels import wrap

__all__ = [
    "COLORS",
    "axes_for",
    "colors_of_heads",
    "draw_heatmap",
    "legend_above",
    "log_x",
    "name_rows",
    "pyplot",
    "text_color",
    "tidy",
]

_CELL = (0.045, 0.17)  # inches that a character, and a line, need
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
        shape = (n_axes, 1) if stacked else (1, n_axes)
        shared = {"sharex": stacked, "sharey": not stacked}
        _, ax = pyplot(caller).subplots(*shape, figsize=size, layout="constrained", **shared)
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


def draw_heatmap(
    ax: Any,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    write: Callable[[float], str] = "{:.2f}".format,
    print_values: bool | str = "auto",
    **image_options: Any,
) -> tuple[Any, np.ndarray | None]:
    """Draw a matrix, row 0 on top, empty where it is NaN; print values where there is room.

    Long labels wrap. ``image_options`` are those of ``imshow``. Returns the image, and the printed
    texts in an array of the shape of ``values``; None in empty cells, and if nothing is printed.
    """
    image = ax.imshow(
        values, **{"cmap": "cividis", "aspect": "auto", "interpolation": "nearest"} | image_options
    )
    ax.set_xticks(range(len(columns)), [wrap(c, 18) for c in columns])
    ax.set_yticks(range(len(rows)), [wrap(r) for r in rows])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for edges, line in zip(values.shape, (ax.axhline, ax.axvline), strict=True):
        for edge in range(1, edges):
            line(edge - 0.5, color="white", linewidth=1)
    if print_values == "auto":
        longest = max((len(write(v)) for v in values.ravel() if np.isfinite(v)), default=0)
        print_values = _has_room(ax, values.shape, longest)
    if not print_values:
        return image, None
    texts = np.full(values.shape, None, dtype=object)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = text_color(image.cmap(image.norm(value)))
            centred = {"ha": "center", "va": "center", "fontsize": 8, "color": color}
            texts[row, column] = ax.text(column, row, write(value), **centred)
    return image, texts


def text_color(background: Any) -> str:
    """Black or white, whichever stands out."""
    red, green, blue = background[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"


def _has_room(ax: Any, shape: tuple[int, ...], n_characters: int) -> bool:
    """Tell whether a cell is large enough for text, before labels take their part."""
    box = ax.get_position().bounds
    width, height = ax.figure.get_size_inches()
    cell = box[2] * width / shape[1], box[3] * height / shape[0]
    return cell[0] >= n_characters * _CELL[0] * 1.6 and cell[1] >= _CELL[1]
