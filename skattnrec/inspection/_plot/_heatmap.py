"""A heat map with the values printed where there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._labels import wrap

__all__ = ["draw_heatmap", "text_color"]

_CELL = (0.045, 0.17)  # inches that a character, and a line, need


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
