"""What parameters mean that many functions and displays take, for the docstrings of all.

A line of a docstring that holds nothing but a name in braces stands for the entry of that name.
"""

from __future__ import annotations

import re
from textwrap import indent
from typing import TypeVar

__all__ = ["documented"]

_ENTRIES = {
    "estimator": """\
estimator : object
    A fitted recommender, pipeline or search.""",
    "attention_estimator": """\
estimator : object
    A fitted attention recommender, or a pipeline or search of one.""",
    "one_history": """\
X : {array-like, sparse matrix, DataFrame} of shape (1, n_items)
    One history.""",
    "times": """\
timestamps : {array-like, sparse matrix} of the shape of X, default=None
    The time of every entry of ``X``, for the model too; models of sequences need it.""",
    "random_state": """\
random_state : int, RandomState instance or None, default=0
    Draws what is random, and breaks ties.""",
    "item_names": """\
item_names : array-like of shape (n_items,), default=None
    Names of all items. A Series is read by its index, where the columns of ``X`` have names. None
    takes the columns of a DataFrame, or the names that the model knows.""",
    "entry_names": """\
item_names : sequence of str of length n_entries, default=None
    Names of the entries; None takes the labels of a Series or DataFrame of weights.""",
    "temperatures": """\
temperatures : array-like of shape (n_heads,), default=None
    Temperature of each head, for the labels.""",
    "ax": """\
ax : Axes or array-like of these, default=None
    Where to draw, one for each panel; None makes a new figure.""",
    "cmap": """\
cmap : str, default="cividis"
    Colour map.
print_values : bool or "auto", default="auto"
    Whether to print the values; "auto" does so where there is room.""",
    "options": """\
**options
    What :meth:`plot` takes, ``ax`` among them.""",
    "axes": """\
ax_ : Axes or ndarray of these
    Where it is drawn, one for each panel.
figure_ : Figure
    The figure that is in.""",
    "drawn": """\
Returns
-------
Display
    The display, drawn.""",
}

Documented = TypeVar("Documented")


def documented(thing: Documented) -> Documented:
    """Fill in the entries that the docstring of a function or class names."""
    if thing.__doc__:  # python -OO takes docstrings away
        thing.__doc__ = re.sub(
            r"(?m)^( *)\{(\w+)\}$", lambda line: indent(_ENTRIES[line[2]], line[1]), thing.__doc__
        )
    return thing
