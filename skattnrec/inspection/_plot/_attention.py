"""AttentionDisplay: what each head of a model attends to in one history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._unwrap import attend
from ._canvas import axes_for, colors_of_heads, legend_above, tidy
from ._heatmap import draw_heatmap
from ._labels import head_labels, rated, significant, strongest, wrap

__all__ = ["AttentionDisplay"]

_OTHERS = "0.93"  # grey, a colour of no scale


class AttentionDisplay:
    """Attention of each head over one history, as a heat map or as bars.

    It is best made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    weights : ndarray of shape (n_heads, n_entries)
        Attention of each head on each entry of the history.
    item_names : list of str of length n_entries
        Names of the entries.
    ratings : ndarray of shape (n_entries,), default=None
        Their ratings, shown behind the names.
    temperatures : ndarray of shape (n_heads,), default=None
        Temperature of each head, for the labels.

    Attributes
    ----------
    ax_ : Axes
        Where it is drawn.
    figure_ : Figure
        The figure that is in.
    entries_ : list of str
        Labels of what is shown, top to bottom.
    shown_ : ndarray of shape (n_shown, n_heads)
        What is shown; the last row may sum up the others.
    image_ : AxesImage or None
        The heat map.
    texts_ : ndarray of shape (n_shown, n_heads), object, or None
        The values printed in the heat map.
    bars_ : list of BarContainer or None
        The bars of each head. The others have a number in place of a bar.

    See Also
    --------
    ContributionDisplay : What the history adds to one score; attention times votes.
    AttentionDistributionDisplay : How concentrated the attention of many users is.

    Examples
    --------
    >>> from skattnrec.inspection import AttentionDisplay
    >>> display = AttentionDisplay.from_predictions(
    ...     [[0.7, 0.2, 0.1]], item_names=["Alien", "Dune", "Amelie"], max_entries=1)
    >>> display.entries_
    ['Alien', '(2 others)']
    """

    def __init__(
        self,
        weights: np.ndarray,
        *,
        item_names: Sequence[str],
        ratings: np.ndarray | None = None,
        temperatures: np.ndarray | None = None,
    ):
        self.weights = weights
        self.item_names = item_names
        self.ratings = ratings
        self.temperatures = temperatures

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        item_names: Any = None,
        timestamps: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> AttentionDisplay:
        """Draw the attention of a fitted model over one history.

        Weights are divided by their sum over the history, so that they are shares.

        Parameters
        ----------
        estimator : object
            A fitted attention recommender, or a pipeline or search of one.
        X : {array-like, sparse matrix} of shape (1, n_items)
            One history.
        item_names : array-like of shape (n_items,), default=None
            Names of all items; None takes those the model knows.
        timestamps : {array-like, sparse matrix} of shape (1, n_items), default=None
            The time of every entry of ``X``.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        AttentionDisplay
            The display, drawn.
        """
        attended = attend(estimator, X, cls.__name__, item_names=item_names, timestamps=timestamps)
        return cls.from_predictions(
            attended.shares,
            item_names=attended.labels,
            ratings=attended.entries.data,
            temperatures=attended.temperatures,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        weights: Any,
        *,
        item_names: Sequence[str] | None = None,
        ratings: Any = None,
        temperatures: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> AttentionDisplay:
        """Draw given weights.

        Parameters
        ----------
        weights : array-like of shape (n_heads, n_entries) or (n_entries,)
            Attention, as of :func:`~skattnrec.attention.multi_head_attention`.
        item_names : sequence of str of length n_entries, default=None
            Names of the entries.
        ratings : array-like of shape (n_entries,), default=None
            Their ratings.
        temperatures : array-like of shape (n_heads,), default=None
            Temperature of each head.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        AttentionDisplay
            The display, drawn.
        """
        weights = np.atleast_2d(np.asarray(weights, dtype=float))
        n_entries = weights.shape[1]
        names = [f"item {j}" for j in range(n_entries)] if item_names is None else list(item_names)
        if len(names) != n_entries:
            raise ValueError(f"item_names holds {len(names)} names for {n_entries} weights.")
        display = cls(
            weights,
            item_names=names,
            ratings=None if ratings is None else np.asarray(ratings),
            temperatures=None if temperatures is None else np.asarray(temperatures, dtype=float),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "heatmap",
        max_entries: int = 15,
        cmap: str = "cividis",
        print_values: bool | str = "auto",
    ) -> AttentionDisplay:
        """Draw the strongest entries, and the sum of the others.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        kind : {"heatmap", "bars"}, default="heatmap"
            Heat map of entries by heads, or a bar for each entry and head.
        max_entries : int, default=15
            How many entries to show, those with the largest mean attention.
        cmap : str, default="cividis"
            Colour map of the heat map.
        print_values : bool or "auto", default="auto"
            Whether to print the values; "auto" does so where there is room.

        Returns
        -------
        AttentionDisplay
            This object.
        """
        if kind not in ("heatmap", "bars"):
            raise ValueError(f"kind must be 'heatmap' or 'bars', got {kind!r}.")
        top = strongest(self.weights, self.item_names, max_entries)
        self.shown_ = top.values.T  # (n_shown, n_heads)
        ratings = None if self.ratings is None else self.ratings[top.order]
        n_kept = len(top.order)
        self.entries_ = rated(top.labels[:n_kept], ratings) + top.labels[n_kept:]
        n_shown, n_heads = self.shown_.shape
        if kind == "heatmap":
            size = 3.6 + 1.35 * n_heads, 1.3 + 0.34 * n_shown
        else:
            size = 7.0, 1.3 + n_shown * (0.2 + 0.14 * n_heads)
        (self.ax_,) = axes_for(ax, type(self).__name__, size)
        self.figure_ = self.ax_.figure
        self.image_: Any = None
        self.texts_: np.ndarray | None = None
        self.bars_: list[Any] | None = None
        if kind == "heatmap":
            self._draw_heatmap(cmap, print_values, bool(top.n_others))
        else:
            self._draw_bars(bool(print_values), bool(top.n_others))
        return self

    def _draw_heatmap(self, cmap: str, print_values: bool | str, has_others: bool) -> None:
        heads = head_labels(self.temperatures, self.weights.shape[0])
        entries = self.shown_[:-1] if has_others else self.shown_
        self.image_, self.texts_ = draw_heatmap(
            self.ax_,
            self.shown_,
            self.entries_,
            heads,
            cmap=cmap,
            write=_written,
            vmin=0,
            vmax=float(entries.max()),  # the sum of the others would darken all entries
            print_values=print_values,
        )
        if has_others:
            self._set_others_apart()
        self.figure_.colorbar(self.image_, ax=self.ax_, label="attention", pad=0.02)

    def _set_others_apart(self) -> None:
        """Take the sum of the others out of the scale of colours, which is that of entries."""
        last = len(self.shown_) - 1
        self.ax_.axhspan(last - 0.5, last + 0.5, color=_OTHERS, zorder=1)
        self.ax_.axhline(last - 0.5, color="white", linewidth=4)
        if self.texts_ is not None:
            for text in self.texts_[last]:
                text.set_color("black")

    def _draw_bars(self, print_values: bool, has_others: bool) -> None:
        n_shown, n_heads = self.shown_.shape
        widths = self.shown_.copy()
        written = [[_written(value) for value in row] for row in widths]
        if has_others:  # their bar would make all others short: a number has to do
            written[-1] = [f"{text} together" for text in written[-1]]
            widths[-1] = 0
        heads = head_labels(self.temperatures, n_heads)
        height = 0.8 / n_heads
        places = np.arange(n_shown)
        bars_of_heads = []
        for head, color in enumerate(colors_of_heads(n_heads)):
            shift = (head - (n_heads - 1) / 2) * height
            bars = self.ax_.barh(
                places + shift, widths[:, head], height * 0.92, color=color, label=heads[head]
            )
            if print_values or has_others:
                labels = [texts[head] for texts in written]
                if not print_values:
                    labels[:-1] = [""] * (n_shown - 1)
                self.ax_.bar_label(bars, labels, padding=3, fontsize=8)
            bars_of_heads.append(bars)
        self.bars_ = bars_of_heads
        self.ax_.set_yticks(places, [wrap(entry) for entry in self.entries_])
        self.ax_.set_ylim(n_shown - 0.5, -0.5)
        self.ax_.set_xlim(0, float(widths.max()) * 1.12)
        self.ax_.set_xlabel("attention")
        tidy(self.ax_)
        if n_heads > 1:
            legend_above(self.ax_, n_heads)


def _written(value: float) -> str:
    return significant(value, digits=2)
