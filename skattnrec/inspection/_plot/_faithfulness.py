"""FaithfulnessDisplay: what scores and lists lose, and gain, as entries go and come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from .._faithfulness import faithfulness
from .._parameters import checked
from ._display import Display
from ._drawing import COLORS, tidy

__all__ = ["FaithfulnessDisplay"]

_PANELS = {  # what is on the vertical and on the horizontal axis; whether low is good
    "del": ("share of the score left", "deleted, what matters most first", "low"),
    "ins": ("share of the score reached", "inserted, what matters most first", "high"),
    "pos": ("share still among the {k} best", "deleted, what matters most first", "low"),
    "neg": ("share still among the {k} best", "deleted, what matters least first", "high"),
    "cndcg": ("discount of the rank", "deleted, what matters most first", "low"),
}


@dataclass(eq=False, repr=False)
class FaithfulnessDisplay(Display):
    """Curves of deletion and insertion, a line for each order and a panel for each measure.

    Parameters
    ----------
    table : DataFrame
        From :func:`~skattnrec.inspection.faithfulness`.

    Attributes
    ----------
    measures : list of str
        What there is to draw.
    {axes}
    lines_ : dict of str to list of Line2D
        For each measure drawn, a line for each order.

    See Also
    --------
    skattnrec.inspection.faithfulness : The numbers.

    Examples
    --------
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.datasets import make_interactions
    >>> from skattnrec.inspection import FaithfulnessDisplay
    >>> X = make_interactions(100, 50, n_interactions=1500, random_state=0).X
    >>> display = FaithfulnessDisplay.from_estimator(ItemItemCF().fit(X), X[:20])
    >>> display.measures
    ['del', 'ins', 'pos@10', 'neg@10', 'cndcg']
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        if "curves" not in self.table.attrs:
            raise ValueError("table has no curves: pass what faithfulness returns, with its attrs.")
        self.measures = list(self.table.attrs["curves"])

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        items: Any = None,
        *,
        measures: list[str] | None = None,
        ax: Any = None,
        **options: Any,
    ) -> FaithfulnessDisplay:
        """Delete and insert entries of histories, and draw what it does.

        Parameters
        ----------
        estimator, X, items, **options
            As for :func:`~skattnrec.inspection.faithfulness`.
        measures : list of str, default=None
            As for :meth:`plot`.
        {ax}
        """
        table = faithfulness(estimator, X, items, **options)
        return cls.from_predictions(table, measures=measures, ax=ax)

    @checked()
    def plot(self, ax: Any = None, *, measures: list[str] | None = None) -> FaithfulnessDisplay:
        """Draw a panel for each measure.

        Parameters
        ----------
        {ax}
        measures : list of str, default=None
            Some of :attr:`measures`; None means all but "cndcg".
        """
        curves, fractions = self.table.attrs["curves"], self.table.attrs["fractions"]
        chosen = self.measures[:4] if measures is None else list(measures)
        unknown = [measure for measure in chosen if measure not in curves]
        if unknown or not chosen:
            raise ValueError(f"measures must be among {self.measures}, got {measures!r}.")
        panels = self._begin(ax, (3.6 * len(chosen), 3.9), len(chosen))
        colors = dict(zip([o for o in self.table.index if o != "random"], COLORS, strict=False))
        self.lines_ = {}
        for panel, measure in zip(panels, chosen, strict=True):
            kind, _, k = measure.partition("@")
            what, how, good = _PANELS[kind]
            self.lines_[measure] = [
                panel.plot(fractions, curve, color=colors.get(order, "0.5"), label=order, lw=2)[0]
                for order, curve in curves[measure].items()
            ]
            panel.set(xlim=(0, fractions[-1]), xlabel=f"share of the history\n{how}")
            panel.set_title(
                f"{measure}: {what.format(k=k)}\n({good} is good)", loc="left", fontsize=9
            )
            panel.tick_params(labelleft=True)
            tidy(panel)
        panels[0].legend(title="what matters, by", frameon=False, fontsize=8)
        return self
