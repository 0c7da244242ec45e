"""LeaderboardDisplay: means of several models with their confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...model_selection import compare_recommenders
from .._parameters import checked
from ._display import Display
from ._drawing import COLORS, name_rows, tidy

__all__ = ["LeaderboardDisplay"]


@dataclass(eq=False, repr=False)
class LeaderboardDisplay(Display):
    """The mean score of each model and its confidence interval, the best one on top.

    Parameters
    ----------
    board : DataFrame
        A table of :func:`~skattnrec.compare_recommenders`: models as rows; the columns "ndcg@10",
        "ndcg@10_low", "ndcg@10_high" and "ndcg@10_p", or those of another metric. The display
        keeps it with the best model first.
    metric : str, default=None
        What to draw; None means the first metric.

    Attributes
    ----------
    names : list of str
        The models, best first.
    means : ndarray of shape (n_models,)
        Their means over users.
    intervals : ndarray of shape (n_models, 2)
        Lower and upper ends of the confidence intervals.
    p_values : ndarray of shape (n_models,)
        Of the difference to the best model; 1 for that model.
    {axes}
    points_ : list of Line2D
        The mean of each model; filled where it does not differ from the best significantly.
    lines_ : LineCollection
        The intervals.

    See Also
    --------
    skattnrec.compare_recommenders : Makes the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from skattnrec.inspection import LeaderboardDisplay
    >>> board = pd.DataFrame(
    ...     {"ndcg@10": [0.3, 0.2], "ndcg@10_low": [0.28, 0.18], "ndcg@10_high": [0.32, 0.22],
    ...      "ndcg@10_p": [1.0, 0.001]}, index=["attention", "popularity"])
    >>> LeaderboardDisplay.from_predictions(board).metric
    'ndcg@10'
    """

    board: pd.DataFrame
    _: KW_ONLY
    metric: Any = None

    def __post_init__(self) -> None:
        if self.metric is None:
            self.metric = str(self.board.columns[0])
        columns = [f"{self.metric}{end}" for end in ("", "_low", "_high", "_p")]
        missing = [column for column in columns if column not in self.board]
        if missing:
            raise ValueError(f"board has no column {missing[0]!r}: is {self.metric!r} in it?")
        self.board = self.board.sort_values(self.metric, ascending=False, kind="stable")
        self.names = [str(name) for name in self.board.index]
        self.means, low, high, self.p_values = self.board[columns].to_numpy(float).T
        self.intervals = np.column_stack([low, high])

    @classmethod
    def from_estimator(
        cls,
        estimators: Mapping[str, Any],
        X: Any,
        y: Any = None,
        *,
        metric: str | None = None,
        ax: Any = None,
        significance: float = 0.05,
        **options: Any,
    ) -> LeaderboardDisplay:
        """Compare models by cross-validation, and draw the result.

        Parameters
        ----------
        estimators : dict of str to estimator
            The models by name.
        X, y, **options
            As for :func:`~skattnrec.compare_recommenders`.
        metric : str, default=None
            What to draw; None means the first metric.
        {ax}
        significance : float, default=0.05
            Models with a p-value below this differ from the best.
        """
        board = compare_recommenders(estimators, X, y, **options)
        return cls.from_predictions(board, metric=metric, ax=ax, significance=significance)

    @checked()
    def plot(self, ax: Any = None, *, significance: float = 0.05) -> LeaderboardDisplay:
        """Draw a point with an interval for each model.

        Parameters
        ----------
        {ax}
        significance : float, default=0.05
            Models with a p-value below this are drawn hollow: they differ from the best.
        """
        n_models = len(self.names)
        (axes,) = self._begin(ax, (7.0, 1.5 + 0.42 * n_models))
        places = np.arange(n_models)
        color = COLORS[0]
        self.lines_ = axes.hlines(places, *self.intervals.T, color=color, linewidth=2)
        axes.axvspan(*self.intervals[0], color=color, alpha=0.12, linewidth=0)
        self.points_ = []
        for place, (mean, p_value) in enumerate(zip(self.means, self.p_values, strict=True)):
            face = "white" if p_value < significance else color
            style = {"markersize": 8, "color": color, "markerfacecolor": face, "zorder": 3}
            self.points_ += axes.plot(mean, place, "o", **style)
            end = self.intervals[place, 1], place
            beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(f"{mean:.3f}", end, fontsize=9, **beside)
        name_rows(axes, self.names)
        axes.margins(x=0.12)
        differs = (self.p_values < significance).any()
        note = f"; hollow: differs from the best (p < {significance:g})" if differs else ""
        axes.set_xlabel(f"{self.metric}{note}")
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        tidy(axes)
        return self
