"""Parameters that functions and displays share: what they mean, and what they may be.

A line of a docstring that holds nothing but a name in braces stands for the description of that
name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeVar

from .._compat import Interval, StrOptions, validate_params
from .._docstrings import fill_in

__all__ = ["checked", "described"]

_DESCRIPTIONS = {
    "attention_estimator": """\
estimator : object
    A fitted attention recommender, or a pipeline or search of one.""",
    "one_history": """\
X : {array-like, sparse matrix, DataFrame} of shape (1, n_items)
    One history.""",
    "rules": """\
items : array-like of int or matrix of shape (1, n_items), default=None
    The items that may be listed, as for ``recommend``; None means all.
exclude : {sparse matrix, array-like of bool} of shape (1, n_items), default=None
    What may not be listed: items where the matrix is not 0.""",
    "entry_groups": """\
by : array-like, sparse matrix, str or callable
    How entries are grouped.

    - Features of shape (n_items, d), not negative: a group for each feature. An entry is
      shared out among the features of its item in proportion; "(none)" takes entries whose
      item has none.
    - Labels of shape (n_items,): a group for each label, in the order of the categories of
      a categorical; "(none)" takes missing ones. ``pandas.qcut(prices, 5)`` makes labels of
      numbers: five price bands.
    - "age": by how many entries of the user came later: 0, 1, 2-3, 4-7 and so on.
    - "hour", "weekday", "month" or "season": by the time of an entry, in seconds since
      1970-01-01 UTC. Seasons are those of the north, from December, March, June, September.
    - A function that takes the times, shape (n_entries,), and returns as many labels, such
      as ``lambda t: pandas.cut(t / 3600 % 24, [0, 6, 12, 18, 24], right=False)``.

    All but the first two need ``timestamps``. A DataFrame or Series with an index is read by
    the names of the items there, those of the columns of ``X`` or of the model.
names : sequence of str of length d, default=None
    Names of the features; None takes the columns of a DataFrame.
user_groups : array-like of shape (n_users,) or (n_users, d), default=None
    A label for each user, such as ``pandas.cut(ages, [0, 25, 50, 100])``. Averages are then
    made for each group of users. Or features of shape (n_users, d), not negative, such as the
    ``user_features`` themselves: a group for each, in which a user counts in proportion;
    "(none)" takes users without any. A Series or DataFrame with an index is read by the index
    of ``X``.""",
    "times": """\
timestamps : {array-like, sparse matrix} of the shape of X, default=None
    The time of every entry of ``X``, for the model too; models of sequences need it.
user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
    What is known of the user of each row, for models that were fitted with it.""",
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
    "half_lives": """\
half_lives : array-like of shape (n_heads,), default=None
    Half-life of each head of a model of sequences, for the labels in place of the temperature.""",
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
}

_COUNTS = (
    "bins",
    "budget",
    "frames_per_second",
    "k",
    "max_entries",
    "max_features",
    "n_repeats",
    "n_steps",
)
_ALLOWED: dict[str, list[Any]] = {
    **{name: [Interval(Integral, 1, None, closed="left")] for name in _COUNTS},
    "fraction": [Interval(Real, 0, 1, closed="neither")],
    "max_fraction": [Interval(Real, 0, 1, closed="right")],
    "cv": ["cv_object"],
    "head": [Integral],
    "max_labels": [Interval(Integral, 0, None, closed="left")],
    "path": [str, os.PathLike, None],
    "print_values": ["boolean", StrOptions({"auto"})],
    "random_state": ["random_state"],
}

_ALSO: dict[str, list[Any]] = {"order": ["array-like", "sparse matrix"]}  # beside its options

Described = TypeVar("Described")


def described(thing: Described) -> Described:
    """Fill in the descriptions that the docstring of a function or class names."""
    return fill_in(thing, _DESCRIPTIONS)


def checked(**options: set[str]) -> Callable[[Described], Described]:
    """Decorate a function: fill in its descriptions, and check its parameters when it is called.

    Those that it shares with others may be what they may be there, ``options`` are strings.
    """
    allowed = _ALLOWED | {
        name: [StrOptions(values), *_ALSO.get(name, [])] for name, values in options.items()
    }
    # estimators that are given have parameters of their own to be checked
    check = validate_params(allowed, prefer_skip_nested_validation=False)
    return lambda function: described(check(function))
