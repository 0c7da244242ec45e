"""Labels that fit: long titles wrap, long histories are cut to their strongest entries."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Strongest", "head_labels", "number", "rated", "significant", "strongest", "wrap"]

_GAP = "\N{NO-BREAK SPACE}" * 2  # between a title and its rating


class Strongest(NamedTuple):
    """The strongest entries of a history, and the sum of the others."""

    order: np.ndarray  # positions of the entries kept, strongest first
    values: np.ndarray  # (n_heads, n_shown); the last one may be the sum of the others
    labels: list[str]  # of length n_shown
    has_others: bool


def strongest(values: np.ndarray, labels: Sequence[str], max_entries: int) -> Strongest:
    """Cut to the ``max_entries`` with the largest mean over heads; the others become one."""
    order = np.argsort(-values.mean(axis=0), kind="stable")
    if len(order) <= max_entries + 1:  # a row for a single other would hide it for nothing
        return Strongest(order, values[:, order], [labels[j] for j in order], False)
    kept, others = order[:max_entries], order[max_entries:]
    rest = values[:, others].sum(axis=1, keepdims=True)
    names = [labels[j] for j in kept] + [f"({len(others)} others)"]
    return Strongest(kept, np.hstack([values[:, kept], rest]), names, True)


def wrap(label: Any, width: int = 30, max_lines: int = 2) -> str:
    """Break a long label into a few lines at most; a rating behind it is kept."""
    title, gap, rating = str(label).rpartition(_GAP)
    if not gap:
        title, rating = rating, ""
    cut: dict[str, Any] = {"max_lines": max_lines, "placeholder": " …", "break_on_hyphens": False}
    lines = textwrap.wrap(title, width, **cut)
    return ("\n".join(lines) or title) + gap + rating


def head_labels(n_heads: int, temperatures: Any, half_lives: Any = None) -> list[str]:
    """Name heads by number and, where known, by half-life or temperature."""
    word, values = "temperature", temperatures
    if half_lives is not None:
        word, values = "half-life", half_lives
    if values is None:
        return [f"head {h + 1}" for h in range(n_heads)]
    if np.shape(values) != (n_heads,):
        raise ValueError(
            f"The {word} must be given of each of the {n_heads} heads, got shape "
            f"{np.shape(values)}."
        )
    return [f"head {h + 1} ({word}\N{NO-BREAK SPACE}{number(v)})" for h, v in enumerate(values)]


def number(value: float) -> str:
    """Write a number briefly; infinity by its sign."""
    return "∞" if np.isinf(value) else f"{value:.3g}"


def rated(labels: Sequence[str], ratings: Any) -> list[str]:
    """Write ratings behind titles, on the same line; not where all of them are 1, or NaN."""
    if ratings is None or (np.isnan(ratings) | (np.asarray(ratings) == 1)).all():
        return list(labels)
    return [
        label if np.isnan(rating) else f"{label}{_GAP}{rating:g}★"
        for label, rating in zip(labels, ratings, strict=True)
    ]


def significant(value: float, sign: str = "", digits: int = 3) -> str:
    """Write a number with so many significant digits, zeros included: 1.30, 139."""
    return f"{value:{sign}#.{digits}g}".removesuffix(".")
