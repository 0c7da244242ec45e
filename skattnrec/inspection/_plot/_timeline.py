"""AttentionTimelineDisplay: attention over the time line of one user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._names import aligned
from .._parameters import checked
from ._display import HistoryDisplay
from ._drawing import colors_of_heads, tidy
from ._labels import head_labels, wrap

__all__ = ["AttentionTimelineDisplay"]

_FAINT = 0.15  # of the largest weight: entries below this are not named
_CHARACTER = 0.085  # inches that a character of a name takes, with some room between names


@dataclass(eq=False, repr=False)
class AttentionTimelineDisplay(HistoryDisplay):
    """Attention of each head on the entries of a history, in the order of time.

    Parameters
    ----------
    weights : array-like of shape (n_heads, n_entries) or (n_entries,)
        Attention. The display keeps it in the order of time.
    times : array-like of shape (n_entries,)
        The time of each entry; for dates, in seconds since 1970-01-01 UTC.
    {entry_names}
    {temperatures}
    {half_lives}

    Attributes
    ----------
    {axes}
    positions_ : ndarray of shape (n_entries,)
        Where the entries stand on the horizontal axis.
    stems_ : list of LineCollection
        The stems of each head.
    labels_ : list of list of Annotation
        The names written in each.

    Examples
    --------
    >>> from skattnrec.inspection import AttentionTimelineDisplay
    >>> display = AttentionTimelineDisplay.from_predictions(
    ...     [[0.5, 0.3, 0.2]], [30, 10, 20], item_names=["c", "a", "b"], axis="order")
    >>> display.item_names
    ['a', 'b', 'c']
    >>> display.positions_
    array([2, 1, 0])
    """

    times: Any

    def __post_init__(self) -> None:
        if self.times is None:
            raise ValueError(f"{type(self).__name__} needs timestamps.")
        times = np.asarray(aligned(self.times, self._name_entries(), "times"), dtype=float)
        if times.shape != self.weights.shape[1:]:
            n_entries = self.weights.shape[1]
            raise ValueError(f"{n_entries} weights need as many times, got {times.shape}.")
        order = np.argsort(times, kind="stable")
        self.weights, self.times = self.weights[:, order], times[order]
        self.item_names = [self.item_names[entry] for entry in order]

    @checked(axis={"order", "date", "time"})
    def plot(
        self, ax: Any = None, *, axis: str = "order", max_labels: int = 4
    ) -> AttentionTimelineDisplay:
        """Draw a stem for each entry, a panel for each head.

        Parameters
        ----------
        {ax}
        axis : {"order", "date", "time"}, default="order"
            What runs along the horizontal axis: how many entries came later; the date, for times
            in seconds since 1970-01-01 UTC; or the times as they are.
        max_labels : int, default=4
            How many entries to name in each panel, those with the largest weights.
        """
        n_heads, n_entries = self.weights.shape
        titles = head_labels(n_heads, self.temperatures, self.half_lives)
        panels = self._begin(ax, (8.5, 0.9 + 1.9 * n_heads), n_heads, stacked=True)
        self.ax_ = panels
        if axis == "order":
            self.positions_ = np.arange(n_entries)[::-1]
        elif axis == "date":
            self.positions_ = (self.times * 1e6).astype("datetime64[us]")
        else:
            self.positions_ = self.times
        self.stems_, self.labels_ = [], []
        for head, (panel, color) in enumerate(zip(panels, colors_of_heads(n_heads), strict=True)):
            weights = self.weights[head]
            self.stems_.append(panel.vlines(self.positions_, 0, weights, color=color, lw=1.5))
            panel.plot(self.positions_, weights, "o", color=color, markersize=4)
            panel.set_ylim(0, float(weights.max()) * 1.45)
            panel.margins(x=0.04)
            panel.set_title(titles[head], loc="left", fontsize=10)
            panel.set_ylabel("attention")
            tidy(panel)
            _scale(panel, axis, n_entries)
            self.labels_.append(self._name_strongest(panel, head, max_labels, axis))
        words = {"order": "entries that came later", "date": "", "time": "time"}
        panels[-1].set_xlabel(words[axis])
        return self

    def _name_strongest(self, panel: Any, head: int, max_labels: int, axis: str) -> list[Any]:
        """Name the largest weights, unless a name would lie on one that is there already."""
        weights = self.weights[head]
        place = np.arange(len(weights)) if axis == "order" else self.times
        where = (place - place.min()) / (float(np.ptp(place)) or 1.0)
        inches = panel.get_position().width * self.figure_.get_figwidth()
        taken: list[tuple[float, float]] = []
        labels: list[Any] = []
        for entry in np.argsort(-weights, kind="stable"):
            if len(labels) == max_labels or weights[entry] < _FAINT * weights.max():
                break
            text = wrap(self.item_names[entry], 22)
            width = _CHARACTER * max(map(len, text.split("\n"))) / inches
            side, begin = _anchor(where[entry], width)
            end = begin + width
            if any(b < end and begin < e for b, e in taken):
                continue
            taken.append((begin, end))
            position, top = self.positions_[entry], weights[(where >= begin) & (where <= end)].max()
            if top > weights[entry]:  # the name stands above the stems beside it
                panel.vlines(position, weights[entry], top, color="0.5", lw=0.8, linestyle=":")
            place_of_text = {"xytext": (0, 5), "textcoords": "offset points", "va": "bottom"}
            labels.append(
                panel.annotate(text, (position, top), ha=side, fontsize=8, **place_of_text)
            )
        return labels


def _scale(panel: Any, axis: str, n_entries: int) -> None:
    """Run from the past on the left to the latest entry on the right; write dates briefly."""
    if axis == "order":
        panel.set_xlim(n_entries * 1.03, -1 - n_entries * 0.03)
    elif axis == "date":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(maxticks=7)
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _anchor(where: float, width: float) -> tuple[str, float]:
    """Where to anchor a label so that it stays inside, and where it begins; the panel is 1 wide."""
    if where < width / 2:
        return "left", where
    if where > 1 - width / 2:
        return "right", where - width
    return "center", where - width / 2
