"""What all displays share: how they are made, drawn and shown in a line."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .._documented import documented
from ._canvas import axes_for

__all__ = ["Display"]


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
        for member in (cls, cls.__dict__["from_estimator"].__func__, cls.__dict__["plot"]):
            documented(member)

    @classmethod
    @documented
    def from_predictions(cls, *numbers: Any, **options: Any) -> Any:
        """Draw given numbers.

        Parameters
        ----------
        *numbers, **options
            What the class takes, and what :meth:`plot` takes, ``ax`` among them.

        {drawn}
        """
        known = {field.name for field in fields(cls)} & set(options)
        own = {name: options.pop(name) for name in known}
        return cls(*numbers, **own).plot(**options)

    @abstractmethod
    def plot(self, ax: Any = None) -> Any:
        """Draw; return the display."""

    def _begin(self, ax: Any, size: tuple[float, float]) -> Any:
        """Take the axes that were passed, or make a figure of a size in inches."""
        (self.ax_,) = axes_for(ax, type(self).__name__, size)
        self.figure_ = self.ax_.figure
        return self.ax_

    def _begin_panels(
        self, ax: Any, size: tuple[float, float], n_panels: int, *, stacked: bool = False
    ) -> np.ndarray:
        """Do the same for panels side by side, or one above the other."""
        panels = axes_for(ax, type(self).__name__, size, n_panels, stacked=stacked)
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
