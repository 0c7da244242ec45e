"""Warnings and errors of this package, so that they can be told from others."""

from __future__ import annotations

__all__ = ["ChangedMeanwhileError", "IneffectiveParameterWarning"]


class ChangedMeanwhileError(RuntimeError):
    """A model was to learn more, and another thread changed it before that was done.

    Nothing was learned; the same call can be made again. ``partial_fit`` and its like of this
    package do so by themselves.
    """


class IneffectiveParameterWarning(UserWarning):
    """A parameter was set that cannot matter for the data of this fit.

    Such as a temperature where all ratings are equal. A parameter that belongs to another mode of
    an estimator raises a ValueError instead, whatever the data.

    Examples
    --------
    To make an error of it, so that a grid of settings that are all the same is noticed:

    >>> import warnings
    >>> from skattnrec.exceptions import IneffectiveParameterWarning
    >>> warnings.simplefilter("error", IneffectiveParameterWarning)
    """
