"""ContributionDisplay: from the prior to a score, step by step."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..._explanation import Explanation
from .._explain import explain
from .._parameters import checked
from .._why_not import WhyNot
from ._display import Display
from ._drawing import name_rows, tidy
from ._labels import rated, significant, wrap

__all__ = ["ContributionDisplay"]

_UP, _DOWN, _FIXED = "#0072B2", "#D55E00", "0.55"
_SMALL = 0.25  # of the baseline: contributions below this could hardly be seen beside it


@dataclass(eq=False, repr=False)
class ContributionDisplay(Display):
    r"""Waterfall from the baseline to the score of one item, or to what it lacks to be listed.

    Parameters
    ----------
    explanation : Explanation or WhyNot
        From :func:`~skattnrec.inspection.explain` or the method of a recommender; or from
        :func:`~skattnrec.inspection.why_not`, whose shortfall is drawn: steps to the right speak
        more for the rival.
    position : int, default=0
        Which of the explained items to draw.
    max_entries : int, default=10
        How many sources to draw, those with the largest contributions of either sign; the others
        make one step.

    Attributes
    ----------
    labels : list of str of length n_steps
        What each step is, in the order of drawing; the last one is the score.
    contributions : ndarray of shape (n_steps - 1,)
        What each step but the last adds.
    kinds : list of str of length n_steps - 1
        As in :meth:`~skattnrec.base.Explanation.to_frame`.
    item : str
        The name of the explained item.
    text : str
        The explanation as a sentence; the title.
    {axes}
    bars_ : BarContainer
        One bar for each step, from top to bottom; the last one is the score.

    See Also
    --------
    skattnrec.inspection.explain : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.inspection import ContributionDisplay
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = ItemItemCF(shrinkage=0).fit(X)
    >>> display = ContributionDisplay.from_estimator(model, [[4, 0, 5, 0]], 3)
    >>> display.labels
    ['item 2\xa0\xa05★', 'item 0\xa0\xa04★', 'score']
    """

    explanation: Explanation | WhyNot
    position: int = 0
    _: KW_ONLY
    max_entries: int = 10

    def __post_init__(self) -> None:
        given = self.explanation
        one = given.difference if isinstance(given, WhyNot) else given
        if one is None:
            raise ValueError(f"There are no parts of the shortfall to draw: {given}.")
        one = one.only(self.position)
        parts = one.to_frame(max_sources=self.max_entries)
        sources, ratings = parts["source"].tolist(), parts["rating"].to_numpy(float)
        self.contributions = parts["contribution"].to_numpy(float)
        self.kinds, self.item = parts["kind"].tolist(), one.item_labels[0]
        what, self.text, self._axis = "score", one.to_text()[0], f"score of {self.item}"
        if isinstance(given, WhyNot):
            what, self.text = "shortfall", given.to_text()
            self._axis = f"what {self.item} lacks to {given.rival_label}"
        self.labels = [*rated(sources, ratings), what]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        item: Any = None,
        *,
        item_names: Any = None,
        timestamps: Any = None,
        user_features: Any = None,
        method: str = "auto",
        **options: Any,
    ) -> ContributionDisplay:
        """Explain one item by one history, and draw it.

        Parameters
        ----------
        estimator, X, item_names, timestamps, user_features, method
            As for :func:`~skattnrec.inspection.explain`.
        item : int or str, default=None
            The item; None means the best recommendation.
        **options
            What the class and :meth:`plot` take, ``ax`` among them.
        """
        items = None if item is None else [item]
        context = {"timestamps": timestamps, "user_features": user_features}
        explanation = explain(estimator, X, items, method=method, item_names=item_names, **context)
        return cls.from_predictions(explanation, **options)

    @checked()
    def plot(self, ax: Any = None, *, print_values: bool = True) -> ContributionDisplay:
        """Draw a bar for each step, from where the one before it ends.

        Parameters
        ----------
        {ax}
        print_values : bool, default=True
            Whether to print the contributions.
        """
        n_steps = len(self.labels)
        (axes,) = self._begin(ax, (7.5, 1.3 + 0.36 * n_steps))
        ends = np.cumsum(self.contributions)
        score = ends[-1] if len(ends) else 0.0
        starts = np.concatenate([[0.0], ends[:-1], [0.0]])[-n_steps:]
        widths = np.append(self.contributions, score)
        colors = [
            _FIXED if kind in ("baseline", "remainder") else _UP if width >= 0 else _DOWN
            for width, kind in zip(self.contributions, self.kinds, strict=True)
        ]
        places = np.arange(n_steps)
        self.bars_ = axes.barh(places, widths, 0.7, left=starts, color=[*colors, "0.25"])
        for place, end in enumerate(ends):  # a thin line leads from the end of a step to the next
            axes.plot([end, end], [place - 0.35, place + 1.35], color="0.6", linewidth=0.8)
        if print_values:
            written = [significant(w, "+") for w in self.contributions] + [significant(score)]
            axes.bar_label(self.bars_, written, padding=4, fontsize=8)
        axes.axvline(0, color="0.3", linewidth=0.8)
        name_rows(axes, self.labels)
        # labels take about a quarter of the width, a character 0.07 inches of what is left
        width = axes.get_position().width * self.figure_.get_figwidth()
        title = wrap(self.text, max(20, int(0.75 * width / 0.07)), max_lines=3)
        axes.set_title(title, loc="left", fontsize=9)
        left, right = _reach(ends, self.kinds)
        axes.set_xlim(left, right)
        cut = f" (axis cut at {left:.3g})" if left > 0 else ""
        axes.set_xlabel(self._axis + cut)
        tidy(axes)
        return self


def _reach(ends: np.ndarray, kinds: list[str]) -> tuple[float, float]:
    """Where the axis ends, with room for the numbers; most of a large baseline is left out."""
    low, high = min(0.0, *ends), max(0.0, *ends)
    if kinds[:1] == ["baseline"] and len(ends) > 1 and np.ptp(ends) < _SMALL * ends.min():
        low, high = ends.min(), ends.max()
        return low - 0.5 * (high - low), high + 0.2 * (high - low)
    room = 0.12 * (high - low) or 1.0
    return low - room if low < 0 else 0.0, high + room
