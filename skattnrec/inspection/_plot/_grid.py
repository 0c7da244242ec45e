"""TemperatureHeadsDisplay: a search over heads and temperature as a heat map."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from .._parameters import checked
from ._display import Display
from ._drawing import draw_heatmap
from ._labels import number

__all__ = ["TemperatureHeadsDisplay"]


@dataclass(eq=False, repr=False)
class TemperatureHeadsDisplay(Display):
    """Mean score for each number of heads and each temperature, the best one framed.

    Parameters
    ----------
    n_heads, temperatures, scores : array-like of shape (n_results,)
        One element for each setting tried; of several with the same heads and temperature the best
        one counts. The display keeps them as a table, see the attributes.
    score_name : str, default="score"
        What the scores are.

    Attributes
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        Mean scores; NaN where a pair was not tried.
    n_heads : ndarray of shape (n_rows,)
        Numbers of heads, ascending.
    temperatures : ndarray of shape (n_columns,)
        Temperatures, ascending.
    {axes}
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

    n_heads: Any
    temperatures: Any
    scores: Any
    _: KW_ONLY
    score_name: str = "score"

    def __post_init__(self) -> None:
        heads = np.asarray(self.n_heads, dtype=float)
        if not np.array_equal(heads, np.floor(heads)):
            raise ValueError(f"n_heads must be whole numbers, got {self.n_heads!r}.")
        self.n_heads, row = np.unique(heads.astype(int), return_inverse=True)
        self.temperatures, column = np.unique(
            np.asarray(self.temperatures, dtype=float), return_inverse=True
        )
        table = np.full((len(self.n_heads), len(self.temperatures)), np.nan)
        np.fmax.at(table, (row, column), np.asarray(self.scores, dtype=float))
        if np.isnan(table).all():
            raise ValueError("All scores are NaN.")
        self.scores = table

    @classmethod
    def from_estimator(
        cls, search: Any, *, metric: str | None = None, **options: Any
    ) -> TemperatureHeadsDisplay:
        """Draw the results of a fitted search.

        Parameters
        ----------
        search : object
            A fitted ``GridSearchCV`` or the like, over ``temperature`` and, if there is more than
            one, ``n_heads``; in a pipeline too. Of other parameters the best setting counts;
            settings without a temperature of their own are left out.
        metric : str, default=None
            Which score of a search with several; None takes the one it refits by.
        {options}
        """
        results = getattr(search, "cv_results_", None)
        if results is None:
            raise TypeError(
                f"TemperatureHeadsDisplay draws a fitted search, {type(search).__name__} has no "
                "cv_results_."
            )
        refit = search.refit if isinstance(search.refit, str) else "score"
        column = f"mean_test_{metric or refit}"
        if column not in results:
            known = [name[10:] for name in results if name.startswith("mean_test_")]
            raise ValueError(f"metric must be one of {known}, got {metric!r}.")
        temperatures = _parameter(results, "temperature")
        if temperatures is None:
            raise ValueError("The search does not vary the temperature.")
        heads = _parameter(results, "n_heads")
        heads = np.ones(len(temperatures)) if heads is None else heads
        tried = ~(np.isnan(temperatures) | np.isnan(heads))
        name = metric or (refit if refit != "score" else _score_name(search))
        options = {"score_name": name, **options}
        scores = np.asarray(results[column])[tried]
        return cls.from_predictions(heads[tried], temperatures[tried], scores, **options)

    @checked()
    def plot(
        self,
        ax: Any = None,
        *,
        cmap: str = "cividis",
        print_values: bool | str = "auto",
        fmt: str = "{:.4f}",
    ) -> TemperatureHeadsDisplay:
        """Draw the heat map.

        Parameters
        ----------
        {ax}
        {cmap}
        fmt : str, default="{:.4f}"
            How a score is written.
        """
        n_rows, n_columns = self.scores.shape
        self._begin(ax, (2.6 + 0.95 * n_columns, 1.7 + 0.55 * n_rows))
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
    """Values of a parameter of the model, at any depth of a pipeline; NaN where it was not set."""
    for key, values in results.items():
        if key.startswith("param_") and key.rsplit("__", 1)[-1].removeprefix("param_") == name:
            return np.ma.filled(np.ma.asarray(values).astype(float), np.nan)
    return None


def _score_name(search: Any) -> str:
    """Name what a search scores by, where the scorer tells."""
    metric = getattr(search.scoring, "metric", search.scoring)
    if metric is None:
        return "NDCG@10"
    k = getattr(search.scoring, "k", None)
    return str(metric) if k is None or "@" in str(metric) else f"{metric}@{k}"
