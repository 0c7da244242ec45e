"""AttentionTimelineDisplay: attention over the time line of one user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._histories import times_of
from .._unwrap import attend
from ._canvas import axes_for, colors_of_heads, pyplot, tidy
from ._labels import head_labels, wrap

__all__ = ["AttentionTimelineDisplay"]

_FAINT = 0.15  # of the largest weight: entries below this are not named
_CHARACTER = 0.085  # inches that a character of a name takes, with some room between names


class AttentionTimelineDisplay:
    """Attention of each head on the entries of a history, in the order of time.

    It is best made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    weights : ndarray of shape (n_heads, n_entries)
        Attention, in the order of time.
    times : ndarray of shape (n_entries,)
        The times, ascending.
    item_names : list of str of length n_entries
        Names of the entries.
    temperatures : ndarray of shape (n_heads,), default=None
        Temperature of each head, for the labels.

    Attributes
    ----------
    ax_ : ndarray of Axes
        One for each head, the first on top.
    figure_ : Figure
        The figure they are in.
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

    def __init__(
        self,
        weights: np.ndarray,
        times: np.ndarray,
        *,
        item_names: Sequence[str],
        temperatures: np.ndarray | None = None,
    ):
        self.weights = weights
        self.times = times
        self.item_names = item_names
        self.temperatures = temperatures

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        timestamps: Any,
        *,
        item_names: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> AttentionTimelineDisplay:
        """Draw the attention of a fitted model over one history.

        Weights are divided by their sum over the history, so that they are shares.

        Parameters
        ----------
        estimator : object
            A fitted attention recommender, or a pipeline or search of one.
        X : {array-like, sparse matrix} of shape (1, n_items)
            One history.
        timestamps : {array-like, sparse matrix} of shape (1, n_items)
            The time of every entry of ``X``, also for the model; for dates, in seconds since
            1970-01-01 UTC.
        item_names : array-like of shape (n_items,), default=None
            Names of all items; None takes those the model knows.
        ax : array-like of Axes, default=None
            Where to draw, one for each head; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        AttentionTimelineDisplay
            The display, drawn.
        """
        attended = attend(estimator, X, cls.__name__, item_names=item_names, timestamps=timestamps)
        times = times_of(timestamps, attended.entries)
        if times is None:
            raise ValueError("AttentionTimelineDisplay needs timestamps.")
        return cls.from_predictions(
            attended.shares,
            times.data,
            item_names=attended.labels,
            temperatures=attended.temperatures,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        weights: Any,
        times: Any,
        *,
        item_names: Sequence[str] | None = None,
        temperatures: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> AttentionTimelineDisplay:
        """Draw given weights.

        Parameters
        ----------
        weights : array-like of shape (n_heads, n_entries) or (n_entries,)
            Attention.
        times : array-like of shape (n_entries,)
            The time of each entry.
        item_names : sequence of str of length n_entries, default=None
            Names of the entries.
        temperatures : array-like of shape (n_heads,), default=None
            Temperature of each head.
        ax : array-like of Axes, default=None
            Where to draw, one for each head; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        AttentionTimelineDisplay
            The display, drawn.
        """
        weights = np.atleast_2d(np.asarray(weights, dtype=float))
        times = np.asarray(times, dtype=float)
        if times.shape != weights.shape[1:]:
            raise ValueError(f"{weights.shape[1]} weights need as many times, got {times.shape}.")
        names = [f"item {j}" for j in range(len(times))] if item_names is None else item_names
        if len(names) != len(times):
            raise ValueError(f"item_names holds {len(names)} names for {len(times)} weights.")
        order = np.argsort(times, kind="stable")
        display = cls(
            weights[:, order],
            times[order],
            item_names=[str(names[j]) for j in order],
            temperatures=None if temperatures is None else np.asarray(temperatures, dtype=float),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, axis: str = "order", max_labels: int = 4
    ) -> AttentionTimelineDisplay:
        """Draw a stem for each entry, a panel for each head.

        Parameters
        ----------
        ax : array-like of Axes, default=None
            Where to draw, one for each head; None makes a new figure.
        axis : {"order", "date", "time"}, default="order"
            What runs along the horizontal axis: how many entries came later; the date, for times
            in seconds since 1970-01-01 UTC; or the times as they are.
        max_labels : int, default=4
            How many entries to name in each panel, those with the largest weights.

        Returns
        -------
        AttentionTimelineDisplay
            This object.
        """
        if axis not in ("order", "date", "time"):
            raise ValueError(f"axis must be 'order', 'date' or 'time', got {axis!r}.")
        n_heads, n_entries = self.weights.shape
        caller = type(self).__name__
        if ax is None:
            self.ax_ = _stacked(caller, n_heads)
        else:
            self.ax_ = axes_for(ax, caller, (0, 0), n_heads)
        self.figure_ = self.ax_[0].figure
        if axis == "order":
            self.positions_ = np.arange(n_entries)[::-1]
        elif axis == "date":
            self.positions_ = (self.times * 1e6).astype("datetime64[us]")
        else:
            self.positions_ = self.times
        titles = head_labels(self.temperatures, n_heads)
        self.stems_, self.labels_ = [], []
        for head, (panel, color) in enumerate(zip(self.ax_, colors_of_heads(n_heads), strict=True)):
            self.stems_.append(
                panel.vlines(self.positions_, 0, self.weights[head], color=color, linewidth=1.5)
            )
            panel.plot(self.positions_, self.weights[head], "o", color=color, markersize=4)
            panel.set_ylim(0, float(self.weights[head].max()) * 1.45)
            panel.margins(x=0.04)
            panel.set_title(titles[head], loc="left", fontsize=10)
            panel.set_ylabel("attention")
            tidy(panel)
            self.labels_.append(self._name_strongest(panel, head, max_labels, axis))
        if axis == "order":  # the past on the left, the latest entry on the right
            for panel in self.ax_:
                panel.set_xlim(n_entries * 1.03, -1 - n_entries * 0.03)
        elif axis == "date":
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            for panel in self.ax_:
                locator = AutoDateLocator(maxticks=7)
                panel.xaxis.set_major_locator(locator)
                panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        words = {"order": "entries that came later", "date": "", "time": "time"}
        self.ax_[-1].set_xlabel(words[axis])
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
            labels.append(
                panel.annotate(
                    text,
                    (position, top),
                    (0, 5),
                    textcoords="offset points",
                    ha=side,
                    va="bottom",
                    fontsize=8,
                )
            )
        return labels


def _anchor(where: float, width: float) -> tuple[str, float]:
    """Where to anchor a label so that it stays inside, and where it begins; the panel is 1 wide."""
    if where < width / 2:
        return "left", where
    if where > 1 - width / 2:
        return "right", where - width
    return "center", where - width / 2


def _stacked(caller: str, n_axes: int) -> np.ndarray:
    """Make panels one above the other, with one time line."""
    size = 8.5, 0.9 + 1.9 * n_axes
    _, made = pyplot(caller).subplots(
        n_axes, 1, figsize=size, layout="constrained", squeeze=False, sharex=True
    )
    return made[:, 0]
