"""What displays share: how they are made, drawn, and shown in a line."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, fields
from inspect import cleandoc
from typing import Any

import numpy as np

from ..._names import labels_of, name_all
from .._histories import attend
from .._parameters import described
from ._drawing import axes_for

__all__ = ["Display", "HistoryDisplay"]


@dataclass(eq=False, repr=False)
class Display(ABC):
    """A picture that keeps the numbers it shows.

    A display is a dataclass whose fields are what it is made of. Its class defines ``plot``, and
    ``from_estimator``, which works the numbers out and hands them to :meth:`from_predictions`.

    Attributes
    ----------
    {axes}
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        described(cls)
        for name in {"from_estimator", "plot"} & set(vars(cls)):
            method = getattr(cls, name)
            method = described(getattr(method, "__func__", method))
            if method.__doc__:
                returns = f"Returns\n-------\n{cls.__name__}\n    The display, drawn.\n"
                method.__doc__ = f"{cleandoc(method.__doc__)}\n\n{returns}"

    @classmethod
    @described
    def from_predictions(cls, *numbers: Any, **options: Any) -> Any:
        """Draw given numbers.

        Parameters
        ----------
        *numbers, **options
            What the class takes, and what :meth:`plot` takes, ``ax`` among them.

        Returns
        -------
        Display
            The display, drawn.
        """
        known = {field.name for field in fields(cls)} & set(options)
        own = {name: options.pop(name) for name in known}
        return cls(*numbers, **own).plot(**options)

    @abstractmethod
    def plot(self, ax: Any = None) -> Any:
        """Draw; return the display."""

    def _begin(
        self, ax: Any, size: tuple[float, float], n_panels: int = 1, *, stacked: bool = False
    ) -> np.ndarray:
        """Take the axes that were passed, or make a figure of a size in inches."""
        panels = axes_for(ax, type(self).__name__, size, n_panels, stacked=stacked)
        self.ax_: Any = panels if n_panels > 1 else panels[0]
        self.figure_ = panels[0].figure
        return panels

    def __repr__(self) -> str:
        """Name the class, and the sizes of what it shows."""
        sizes = []
        for field in fields(self):
            value = getattr(self, field.name)
            if np.ndim(value) or isinstance(value, list):
                sizes.append(f"{field.name} {' x '.join(map(str, np.shape(value)))}")
        return f"<{type(self).__name__}: {', '.join(sizes)}>"


@dataclass(eq=False, repr=False)
class HistoryDisplay(Display):
    """Attention of heads over one history."""

    weights: Any
    _: KW_ONLY
    item_names: Any = None
    temperatures: Any = None
    half_lives: Any = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        timestamps: Any = None,
        *,
        user_features: Any = None,
        item_names: Any = None,
        **options: Any,
    ) -> Any:
        """Draw the attention of a fitted model over one history.

        Weights are divided by their sum over the history, so that they are shares.

        Parameters
        ----------
        {attention_estimator}
        {one_history}
        {times}
        {item_names}
        {options}
        """
        attended = attend(
            estimator, X, cls.__name__, item_names, timestamps, user_features
        )._asdict()
        shown = {field.name: attended[field.name] for field in fields(cls)}
        return cls.from_predictions(**shown, **options)

    def _name_entries(self) -> Any:
        """Check weights and names of the entries; return the labels that other tables may have."""
        names = labels_of(self.weights, axis=-1) if self.item_names is None else self.item_names
        self.weights = np.atleast_2d(np.asarray(self.weights, dtype=float))
        self.item_names = name_all(names, self.weights.shape[1], "item", "item_names", "weights")
        return names
