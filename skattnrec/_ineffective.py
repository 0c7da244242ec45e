"""Parameters that have no effect in a mode of an estimator are refused rather than ignored."""

from __future__ import annotations

from typing import Any

__all__ = ["refuse_ineffective"]


def refuse_ineffective(estimator: Any, mode: str, *names: str) -> None:
    """Raise where a parameter is given that does nothing in the mode the estimator is in.

    Parameters
    ----------
    estimator : estimator object
    mode : str
        What puts the estimator in that mode, as one writes it: ``'feedback="explicit"'``.
    *names : str
        Parameters without effect there. Not given means None.

    Raises
    ------
    ValueError
        Names the parameter and the mode.
    """
    for name in names:
        value = getattr(estimator, name)
        if value is not None:
            raise ValueError(
                f"{name}={value!r} has no effect on {type(estimator).__name__} with {mode}: "
                f"leave {name} at None, or choose another mode."
            )
