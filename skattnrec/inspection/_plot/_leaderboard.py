"""LeaderboardDisplay: means of several models with their confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...model_selection import compare_recommenders
from ._canvas import COLORS, axes_for, tidy
from ._labels import wrap

__all__ = ["LeaderboardDisplay"]


class LeaderboardDisplay:
    """The mean score of each model and its confidence interval, the best one on top.

    It is best made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    names : list of str
        The models, best first.
    means : ndarray of shape (n_models,)
        Their means over users.
    intervals : ndarray of shape (n_models, 2)
        Lower and upper ends of the confidence intervals.
    p_values : ndarray of shape (n_models,)
        Of the difference to the best model; 1 for that model.
    metric : str
        What was measured.

    Attributes
    ----------
    ax_ : Axes
        Where it is drawn.
    figure_ : Figure
        The figure that is in.
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

    def __init__(
        self,
        names: list[str],
        means: np.ndarray,
        *,
        intervals: np.ndarray,
        p_values: np.ndarray,
        metric: str,
    ):
        self.names = names
        self.means = means
        self.intervals = intervals
        self.p_values = p_values
        self.metric = metric

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
        **kwargs: Any,
    ) -> LeaderboardDisplay:
        """Compare models by cross-validation, and draw the result.

        Parameters
        ----------
        estimators : dict of str to estimator
            The models by name.
        X, y
            As for :func:`~skattnrec.compare_recommenders`.
        metric : str, default=None
            What to draw; None means the first metric.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        significance : float, default=0.05
            Models with a p-value below this differ from the best.
        **kwargs
            Passed to :func:`~skattnrec.compare_recommenders`.

        Returns
        -------
        LeaderboardDisplay
            The display, drawn.
        """
        board = compare_recommenders(estimators, X, y, **kwargs)
        return cls.from_predictions(board, metric=metric, ax=ax, significance=significance)

    @classmethod
    def from_predictions(
        cls, board: pd.DataFrame, *, metric: str | None = None, ax: Any = None, **kwargs: Any
    ) -> LeaderboardDisplay:
        """Draw a table of :func:`~skattnrec.compare_recommenders`.

        Parameters
        ----------
        board : DataFrame
            Models as rows; the columns "ndcg@10", "ndcg@10_low", "ndcg@10_high" and "ndcg@10_p",
            or those of another metric.
        metric : str, default=None
            What to draw; None means the first metric.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        LeaderboardDisplay
            The display, drawn.
        """
        metric = str(board.columns[0]) if metric is None else metric
        columns = [metric, f"{metric}_low", f"{metric}_high", f"{metric}_p"]
        missing = [column for column in columns if column not in board]
        if missing:
            raise ValueError(f"board has no column {missing[0]!r}: is {metric!r} in it?")
        board = board.sort_values(metric, ascending=False, kind="stable")
        mean, low, high, p_values = (board[column].to_numpy(float) for column in columns)
        display = cls(
            [str(name) for name in board.index],
            mean,
            intervals=np.column_stack([low, high]),
            p_values=p_values,
            metric=metric,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, significance: float = 0.05) -> LeaderboardDisplay:
        """Draw a point with an interval for each model.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        significance : float, default=0.05
            Models with a p-value below this are drawn hollow: they differ from the best.

        Returns
        -------
        LeaderboardDisplay
            This object.
        """
        n_models = len(self.names)
        (self.ax_,) = axes_for(ax, type(self).__name__, (7.0, 1.5 + 0.42 * n_models))
        self.figure_ = self.ax_.figure
        places = np.arange(n_models)
        color = COLORS[0]
        self.lines_ = self.ax_.hlines(places, *self.intervals.T, color=color, linewidth=2)
        self.ax_.axvspan(*self.intervals[0], color=color, alpha=0.12, linewidth=0)
        self.points_ = []
        for place, (mean, p_value) in enumerate(zip(self.means, self.p_values, strict=True)):
            face = "white" if p_value < significance else color
            (point,) = self.ax_.plot(
                mean, place, "o", markersize=8, color=color, markerfacecolor=face, zorder=3
            )
            self.points_.append(point)
            self.ax_.annotate(
                f"{mean:.3f}",
                (self.intervals[place, 1], place),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        self.ax_.set_yticks(places, [wrap(name) for name in self.names])
        self.ax_.set_ylim(n_models - 0.5, -0.5)
        self.ax_.margins(x=0.12)
        differs = (self.p_values < significance).any()
        note = f"; hollow: differs from the best (p < {significance:g})" if differs else ""
        self.ax_.set_xlabel(f"{self.metric}{note}")
        self.ax_.grid(axis="x", color="0.9")
        self.ax_.set_axisbelow(True)
        tidy(self.ax_)
        return self
