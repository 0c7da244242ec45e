"""TemperatureHeadsDisplay: a search over heads and temperature as a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._canvas import axes_for
from ._heatmap import draw_heatmap
from ._labels import number

__all__ = ["TemperatureHeadsDisplay"]


class TemperatureHeadsDisplay:
    """Mean score for each number of heads and each temperature, the best one framed.

    It is best made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        Mean scores; NaN where a pair was not tried.
    n_heads : ndarray of shape (n_rows,)
        Numbers of heads, ascending.
    temperatures : ndarray of shape (n_columns,)
        Temperatures, ascending.
    score_name : str
        What the scores are.

    Attributes
    ----------
    ax_ : Axes
        Where it is drawn.
    figure_ : Figure
        The figure that is in.
    image_ : AxesImage
        The heat map.
    texts_ : ndarray of shape (n_rows, n_columns), object, or None
        The values printed in it.
    best_ : tuple of int
        Row and column of the best score.
    frame_ : Rectangle
        The frame around it.

    Examples
    --------
    >>> from skattnrec.inspection import TemperatureHeadsDisplay
    >>> display = TemperatureHeadsDisplay.from_predictions([1, 1, 2, 2], [1, 2, 1, 2],
    ...                                                    [0.1, 0.3, 0.2, 0.25])
    >>> display.scores
    array([[0.1 , 0.3 ],
           [0.2 , 0.25]])
    >>> display.best_
    (0, 1)
    """

    def __init__(
        self,
        scores: np.ndarray,
        *,
        n_heads: np.ndarray,
        temperatures: np.ndarray,
        score_name: str = "score",
    ):
        self.scores = scores
        self.n_heads = n_heads
        self.temperatures = temperatures
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, search: Any, *, metric: str | None = None, ax: Any = None, **kwargs: Any
    ) -> TemperatureHeadsDisplay:
        """Draw the results of a fitted search.

        Parameters
        ----------
        search : object
            A fitted ``GridSearchCV`` or the like, over ``temperature`` and, if there is more than
            one, ``n_heads``; in a pipeline too. Of other parameters the best setting counts.
        metric : str, default=None
            Which score of a search with several; None takes the one it refits by.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        TemperatureHeadsDisplay
            The display, drawn.
        """
        if not hasattr(search, "cv_results_"):
            raise TypeError(
                f"TemperatureHeadsDisplay draws a fitted search, {type(search).__name__} has no "
                "cv_results_."
            )
        results = search.cv_results_
        refit = search.refit if isinstance(search.refit, str) else "score"
        column = f"mean_test_{metric or refit}"
        if column not in results:
            known = [name[10:] for name in results if name.startswith("mean_test_")]
            raise ValueError(f"metric must be one of {known}, got {metric!r}.")
        temperatures = _parameter(results, "temperature")
        if temperatures is None:
            raise ValueError("The search does not vary the temperature.")
        heads = _parameter(results, "n_heads")
        if heads is None:
            heads = np.ones(len(temperatures))
        name = metric or (refit if refit != "score" else _score_name(search))
        kwargs.setdefault("score_name", name)
        return cls.from_predictions(heads, temperatures, results[column], ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        n_heads: Any,
        temperatures: Any,
        scores: Any,
        *,
        score_name: str = "score",
        ax: Any = None,
        **kwargs: Any,
    ) -> TemperatureHeadsDisplay:
        """Draw given results.

        Parameters
        ----------
        n_heads, temperatures, scores : array-like of shape (n_results,)
            One element for each setting tried; of several with the same heads and temperature
            the best one counts.
        score_name : str, default="score"
            What the scores are.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs
            Passed to :meth:`plot`.

        Returns
        -------
        TemperatureHeadsDisplay
            The display, drawn.
        """
        rows, row = np.unique(np.asarray(n_heads, dtype=int), return_inverse=True)
        columns, column = np.unique(np.asarray(temperatures, dtype=float), return_inverse=True)
        table = np.full((len(rows), len(columns)), np.nan)
        np.fmax.at(table, (row, column), np.asarray(scores, dtype=float))
        if np.isnan(table).all():
            raise ValueError("All scores are NaN.")
        display = cls(table, n_heads=rows, temperatures=columns, score_name=score_name)
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        cmap: str = "cividis",
        fmt: str = "{:.4f}",
        print_values: bool | str = "auto",
    ) -> TemperatureHeadsDisplay:
        """Draw the heat map.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str, default="cividis"
            A colour map.
        fmt : str, default="{:.4f}"
            How a score is written.
        print_values : bool or "auto", default="auto"
            Whether to print the values; "auto" does so where there is room.

        Returns
        -------
        TemperatureHeadsDisplay
            This object.
        """
        n_rows, n_columns = self.scores.shape
        size = 2.6 + 0.95 * n_columns, 1.7 + 0.55 * n_rows
        (self.ax_,) = axes_for(ax, type(self).__name__, size)
        self.figure_ = self.ax_.figure
        from matplotlib.patches import Rectangle

        self.image_, self.texts_ = draw_heatmap(
            self.ax_,
            self.scores,
            [f"{n}" for n in self.n_heads],
            [number(t) for t in self.temperatures],
            cmap=cmap,
            write=fmt.format,
            print_values=print_values,
        )
        row, column = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
        self.best_ = int(row), int(column)
        corner = column - 0.46, row - 0.44
        self.frame_ = Rectangle(corner, 0.92, 0.88, fill=False, color="#D55E00", linewidth=2.5)
        self.ax_.add_patch(self.frame_)
        self.ax_.set(xlabel="temperature of the first head", ylabel="heads")
        self.figure_.colorbar(self.image_, ax=self.ax_, label=self.score_name, pad=0.02)
        return self


def _parameter(results: Any, name: str) -> np.ndarray | None:
    """Values of a parameter of the model, at any depth of a pipeline."""
    for key, values in results.items():
        if key.startswith("param_") and key.rsplit("__", 1)[-1].removeprefix("param_") == name:
            return np.asarray(values, dtype=float)
    return None


def _score_name(search: Any) -> str:
    """Name what a search scores by, where the scorer tells."""
    metric = getattr(search.scoring, "metric", search.scoring)
    if metric is None:
        return "NDCG@10"
    k = getattr(search.scoring, "k", None)
    return str(metric) if k is None or "@" in str(metric) else f"{metric}@{k}"
