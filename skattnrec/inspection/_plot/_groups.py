"""GroupsDisplay: what groups of entries, items or user features have in attention or scores."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._aggregate import aggregate_attention, aggregate_explanations
from .._parameters import checked
from ._display import Display
from ._drawing import draw_heatmap
from ._labels import significant

__all__ = ["GroupsDisplay"]

_WORDS = {
    "attention": "share of attention",
    "contribution": "share of the score",
    "lift": "attention / share of the history",
    "history": "share of the history",
}


@dataclass(eq=False, repr=False)
class GroupsDisplay(Display):
    """Heat map of groups of entries by groups of users, or by heads.

    Parameters
    ----------
    table : DataFrame
        From :func:`~skattnrec.inspection.aggregate_attention` or
        :func:`~skattnrec.inspection.aggregate_explanations`.
    value : {"attention", "contribution", "lift", "history"}, default=None
        The column to draw; None takes "attention" or "contribution", as there is.

    Attributes
    ----------
    values : DataFrame
        What is drawn: groups as rows, heads and groups of users as columns; NaN where a group of
        users has no entry of a group.
    {axes}
    shown_ : DataFrame
        The rows of ``values`` that are drawn.
    image_ : AxesImage
        The heat map.
    texts_ : ndarray, object, or None
        The values printed.

    See Also
    --------
    skattnrec.inspection.aggregate_attention : What attention goes to.
    skattnrec.inspection.aggregate_explanations : What scores are made of.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import AttentionRecommender
    >>> from skattnrec.inspection import GroupsDisplay
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = AttentionRecommender(1.0).fit(X)
    >>> display = GroupsDisplay.from_estimator(
    ...     model, X, ["sea", "sky", "sea", "sky"], user_groups=["old", "old", "young", "young"])
    >>> display.values.columns.tolist()
    ['old', 'young']
    """

    table: pd.DataFrame
    _: KW_ONLY
    value: Any = None

    def __post_init__(self) -> None:
        known = [name for name in _WORDS if name in self.table]
        if "group" not in self.table or not known:
            raise ValueError(
                "table must be what aggregate_attention or aggregate_explanations returns, got "
                f"the columns {list(self.table.columns)}."
            )
        if self.value is None:
            self.value = known[0]
        if self.value not in known:
            raise ValueError(f"value must be among {known}, got {self.value!r}.")
        table = self.table.copy()
        columns = []
        if "head" in table and table["head"].nunique() > 1:
            table["head"] = [f"head {head + 1}" for head in table["head"]]
            columns.append("head")
        if "user_group" in table:
            columns.append("user_group")
        table["column"] = [", ".join(map(str, row)) for row in table[columns].to_numpy()]
        table["group"] = table["group"].astype(str)
        groups, places = table["group"].unique(), table["column"].unique()
        order = [str(group) for group in self.table.attrs.get("groups", groups)]
        groups = [group for group in dict.fromkeys([*order, *groups]) if group in set(groups)]
        wide = table.pivot_table(self.value, "group", "column", sort=False, dropna=False)
        self.values = wide.reindex(index=groups, columns=places)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        by: Any,
        *,
        of: str = "attention",
        names: Any = None,
        user_groups: Any = None,
        timestamps: Any = None,
        user_features: Any = None,
        **options: Any,
    ) -> GroupsDisplay:
        """Aggregate attention, or explanations, of a fitted model, and draw it.

        Parameters
        ----------
        estimator, X, by, names, user_groups, timestamps, user_features
            As for :func:`~skattnrec.inspection.aggregate_attention`.
        of : {"attention", "contribution"}, default="attention"
            What to aggregate.
        **options
            What the class and :meth:`plot` take, ``ax`` among them.
        """
        made = {"attention": aggregate_attention, "contribution": aggregate_explanations}
        if of not in made:
            raise ValueError(f"of must be 'attention' or 'contribution', got {of!r}.")
        context = {"timestamps": timestamps, "user_features": user_features}
        table = made[of](estimator, X, by, names=names, user_groups=user_groups, **context)
        return cls.from_predictions(table, **options)

    @checked()
    def plot(
        self,
        ax: Any = None,
        *,
        max_groups: int = 30,
        cmap: str | None = None,
        print_values: bool | str = "auto",
    ) -> GroupsDisplay:
        """Draw a cell for each group and column.

        Parameters
        ----------
        {ax}
        max_groups : int, default=30
            How many groups to draw: those farthest from 0, or for the lift from 1, in any column.
        cmap : str, default=None
            Colour map. None is "cividis", and "PuOr" around 1 for the lift and around 0 for shares
            that may be negative.
        print_values : bool or "auto", default="auto"
            Whether to print the values; "auto" does so where there is room.
        """
        centre = {"lift": 1.0, "contribution": 0.0}.get(self.value)
        far_off = (self.values - (centre or 0.0)).abs().max(axis=1).to_numpy()
        kept = np.sort(np.argsort(-far_off, kind="stable")[:max_groups])
        self.shown_ = self.values.iloc[kept]
        numbers = self.shown_.to_numpy(dtype=float)
        n_rows, n_columns = numbers.shape
        (axes,) = self._begin(ax, (3.4 + 0.95 * n_columns, 1.3 + 0.34 * n_rows))
        if centre is None or (self.value == "contribution" and not np.nanmin(numbers) < 0):
            scale, colors = {"vmin": 0.0, "vmax": float(np.nanmax(numbers))}, "cividis"
        else:
            far = float(np.nanmax(np.abs(numbers - centre))) or 1.0
            scale, colors = {"vmin": centre - far, "vmax": centre + far}, "PuOr"
        self.image_, self.texts_ = draw_heatmap(
            axes,
            numbers,
            list(self.shown_.index),
            list(self.shown_.columns),
            cmap=colors if cmap is None else cmap,
            write=_written,
            print_values=print_values,
            **scale,
        )
        self.figure_.colorbar(self.image_, ax=axes, label=_WORDS[self.value], pad=0.02)
        if len(kept) < len(self.values):
            axes.set_title(f"{len(kept)} of {len(self.values)} groups", loc="left", fontsize=9)
        return self


def _written(value: float) -> str:
    return significant(value, digits=2) if value else "0"
