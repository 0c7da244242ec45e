"""AttentionDisplay: what each head of a model attends to in one history."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..._names import aligned
from .._parameters import checked
from ._display import HistoryDisplay
from ._drawing import colors_of_heads, draw_heatmap, legend_above, name_rows, tidy
from ._labels import head_labels, rated, significant, strongest

__all__ = ["AttentionDisplay"]

_OTHERS = "0.93"  # grey, a colour of no scale


@dataclass(eq=False, repr=False)
class AttentionDisplay(HistoryDisplay):
    """Attention of each head over one history, as a heat map or as bars.

    Parameters
    ----------
    weights : array-like of shape (n_heads, n_entries) or (n_entries,)
        Attention of each head on each entry, as of
        :func:`~skattnrec.attention.multi_head_attention`.
    {entry_names}
    ratings : array-like of shape (n_entries,), default=None
        Their ratings, shown behind the names.
    {temperatures}
    {half_lives}

    Attributes
    ----------
    {axes}
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
    >>> display
    <AttentionDisplay: weights 1 x 3, item_names 3>
    """

    _: KW_ONLY
    ratings: Any = None

    def __post_init__(self) -> None:
        ratings = aligned(self.ratings, self._name_entries(), "ratings")
        n_entries = self.weights.shape[1]
        if ratings is not None and np.shape(ratings) != (n_entries,):
            raise ValueError(f"ratings has shape {np.shape(ratings)} for {n_entries} weights.")
        self.ratings = None if ratings is None else np.asarray(ratings)

    @checked(kind={"heatmap", "bars"})
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
        {ax}
        kind : {"heatmap", "bars"}, default="heatmap"
            Heat map of entries by heads, or a bar for each entry and head.
        max_entries : int, default=15
            How many entries to show, those with the largest mean attention.
        {cmap}
        """
        order, values, labels, has_others = strongest(self.weights, self.item_names, max_entries)
        self.shown_ = values.T  # (n_shown, n_heads)
        ratings = None if self.ratings is None else self.ratings[order]
        self.entries_ = rated(labels[: len(order)], ratings) + labels[len(order) :]
        n_shown, n_heads = self.shown_.shape
        heads = head_labels(n_heads, self.temperatures, self.half_lives)
        self.image_: Any = None
        self.texts_: np.ndarray | None = None
        self.bars_: list[Any] | None = None
        if kind == "heatmap":
            self._begin(ax, (3.6 + 1.35 * n_heads, 1.3 + 0.34 * n_shown))
            self._draw_heatmap(heads, has_others, cmap, print_values)
        else:
            self._begin(ax, (7.0, 1.3 + n_shown * (0.2 + 0.14 * n_heads)))
            self._draw_bars(heads, has_others, bool(print_values))
        return self

    def _draw_heatmap(
        self, heads: list[str], has_others: bool, cmap: str, print_values: bool | str
    ) -> None:
        last = len(self.shown_) - has_others
        self.image_, self.texts_ = draw_heatmap(
            self.ax_,
            self.shown_,
            self.entries_,
            heads,
            cmap=cmap,
            write=_written,
            vmin=0,
            vmax=float(self.shown_[:last].max()),  # the others' sum would darken all entries
            print_values=print_values,
        )
        if has_others:  # their sum is not on the scale of colours, which is that of entries
            self.ax_.axhspan(last - 0.5, last + 0.5, color=_OTHERS, zorder=1)
            self.ax_.axhline(last - 0.5, color="white", linewidth=4)
            for text in [] if self.texts_ is None else self.texts_[last]:
                text.set_color("black")
        self.figure_.colorbar(self.image_, ax=self.ax_, label="attention", pad=0.02)

    def _draw_bars(self, heads: list[str], has_others: bool, print_values: bool) -> None:
        n_heads = len(heads)
        widths = self.shown_.copy()
        written = [[_written(value) if print_values else "" for value in row] for row in widths]
        if has_others:  # their bar would make all others short: a number has to do
            written[-1] = [f"{_written(value)} together" for value in widths[-1]]
            widths[-1] = 0
        bars = pd.DataFrame(widths, columns=heads).plot.barh(
            ax=self.ax_, width=0.8, color=colors_of_heads(n_heads), legend=False
        )
        self.bars_ = bars.containers[-n_heads:]
        for of_head, texts in zip(self.bars_, zip(*written, strict=True), strict=True):
            bars.bar_label(of_head, texts, padding=3, fontsize=8)
        name_rows(bars, self.entries_)
        bars.set(xlim=(0, float(widths.max()) * 1.12), xlabel="attention", ylabel="")
        tidy(bars)
        if n_heads > 1:
            legend_above(bars, n_heads)


def _written(value: float) -> str:
    return significant(value, digits=2)
