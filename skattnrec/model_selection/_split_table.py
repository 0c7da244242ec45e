"""Splitting a table of interactions, before repeats of a pair of user and item are merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array
from sklearn.utils import check_random_state

from .._compat import Interval, StrOptions, validate_params
from .._kernels.entries import count_share, largest_in_row
from ..preprocessing._columns import as_table, factorize
from ..preprocessing._times import column_times
from ._split import check_options, from_cutoff

__all__ = ["split_table"]

# what acts in each protocol, beside random_state, which also orders equal times
_ACTING = {
    "random": {"test_size"},
    "users": {"test_size"},
    "items": {"test_size"},
    "given_n": {"n_given", "timestamp"},
    "leave_k_out": {"k", "timestamp"},
    "temporal": {"test_size", "timestamp"},
    "temporal with a cutoff": {"cutoff", "timestamp"},
}
_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that a multiple tells the item from the user


@validate_params(
    {
        "table": [pd.DataFrame, Mapping],
        "method": [StrOptions({"random", "leave_k_out", "temporal", "given_n", "users", "items"})],
        "test_size": [Interval(Real, 0, 1, closed="neither"), None],
        "k": [Interval(Integral, 1, None, closed="left"), None],
        "n_given": [Interval(Integral, 0, None, closed="left"), None],
        "cutoff": "no_validation",
        "user": "no_validation",
        "item": "no_validation",
        "timestamp": "no_validation",
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def split_table(
    table: Any,
    *,
    method: str = "random",
    test_size: float | None = None,
    k: int | None = None,
    n_given: int | None = None,
    cutoff: Any = None,
    user: Any = "user",
    item: Any = "item",
    timestamp: Any = None,
    random_state: Any = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a table of interactions into a history and a held-out part.

    What a user did before the cutoff and again after it is in both parts. In a matrix it could not
    be: an entry has one time, the latest, so a split of the matrix takes such items out of the
    history.

    Parameters
    ----------
    table : DataFrame, or mapping of column names to arrays
        One row per interaction.
    method : {"random", "leave_k_out", "temporal", "given_n", "users", "items"}, default="random"
        ``"random"``: a share ``test_size`` of each user's rows. ``"leave_k_out"``: ``k`` rows of
        each user, the latest ones if ``timestamp`` is given, otherwise random ones. ``"temporal"``:
        the latest ``test_size`` of each user's rows or, with a ``cutoff``, everything from that
        time on. ``"given_n"``: all but ``n_given`` rows of each user, the earliest ones if
        ``timestamp`` is given, otherwise random ones. ``"users"``, ``"items"``: all rows of a share
        ``test_size`` of the users or items.
    test_size : float in (0, 1), default=None
        Share to hold out, rounded, at least one. None: 0.2.
    k : int, default=None
        Number of rows of each user to hold out; users with k or fewer keep one. None: 1.
    n_given : int, default=None
        Number of rows of each user that are given in ``"given_n"``; users with no more have nothing
        held out. None: 5.
    cutoff : float, str, datetime or numpy.datetime64, default=None
        The first time that is held out: a date, text in ISO 8601 such as "2024-05-31", or a number
        in the unit of a column of numbers.
    user, item : hashable, default="user", "item"
        Names of the columns of ids.
    timestamp : hashable or None, default=None
        Name of the column of times: numbers, datetimes, dates or text in ISO 8601. Equal times of
        a user come in an order that is drawn, and that neither the order of ids nor that of the
        table decides.
    random_state : int, RandomState instance or None, default=0
        Draws the random protocols, and the order of equal times.

    Returns
    -------
    history, held_out : DataFrame
        The rows of ``table`` in their order; every row is in exactly one of them.

    Raises
    ------
    ValueError
        If a column is missing, an id or a time is missing or unreadable, a parameter is out of
        range or has no effect in the protocol, or a date is not within the times.

    See Also
    --------
    split_interactions : The same for a matrix, with pictures of the protocols.
    skattnrec.preprocessing.InteractionEncoder : Makes matrices of both parts.

    Examples
    --------
    >>> import pandas as pd
    >>> from skattnrec import InteractionEncoder
    >>> from skattnrec.model_selection import split_table
    >>> table = pd.DataFrame(
    ...     {
    ...         "user": ["ann", "ann", "ann", "bob"],
    ...         "item": ["tea", "jam", "tea", "jam"],
    ...         "day": pd.to_datetime(["2024-05-01", "2024-05-02", "2024-06-01", "2024-05-01"]),
    ...     }
    ... )
    >>> parts = split_table(table, method="temporal", cutoff="2024-05-31", timestamp="day")
    >>> encoder = InteractionEncoder(rating=None).fit(parts[0])
    >>> history, held_out = (encoder.transform(p, users=encoder.user_ids_) for p in parts)
    >>> history.toarray()  # ann had tea before
    array([[1., 1.],
           [1., 0.]], dtype=float32)
    >>> held_out.toarray()  # and again
    array([[0., 1.],
           [0., 0.]], dtype=float32)
    """
    protocol = f"{method} with a cutoff" if method == "temporal" and cutoff is not None else method
    given = {
        "test_size": test_size,
        "k": k,
        "n_given": n_given,
        "timestamp": timestamp,
        "cutoff": cutoff,
    }
    check_options(protocol, given, _ACTING[protocol])
    if method == "temporal" and timestamp is None:
        raise ValueError("method='temporal' needs the name of a column of times: set timestamp.")
    wanted = {"user": user, "item": item}
    if timestamp is not None:
        wanted["timestamp"] = timestamp
    table = as_table(table, wanted, may_be_empty=False)
    times = None if timestamp is None else column_times(table, timestamp)
    if times is not None and cutoff is not None:
        held_out = from_cutoff(times, cutoff)
    else:
        seed = check_random_state(random_state).randint(2**32, dtype=np.uint64)
        share = 0.2 if test_size is None else test_size
        if method in ("users", "items"):
            held_out = _hold_out_whole(table, user if method == "users" else item, share, seed)
        else:
            count = _counter(method, share, k, n_given)
            held_out = _hold_out(table, count, times, user, item, seed)
    return table[~held_out], table[held_out]


def _hold_out_whole(table: pd.DataFrame, column: Any, share: float, seed: np.uint64) -> np.ndarray:
    """Mark all rows of a share of the users or items; shape (n_rows,)."""
    codes, ids = factorize(table, column)
    count = count_share(np.array([len(ids)]), share)
    return largest_in_row(np.array([0, len(ids)]), _hash(ids, seed), count)[codes]


def _counter(
    method: str, share: float, k: int | None, n_given: int | None
) -> Callable[[np.ndarray], np.ndarray]:
    """Tell how many rows to hold out of users who have so many."""
    if method == "leave_k_out":
        return lambda lengths: np.clip(lengths - 1, 0, 1 if k is None else k)
    if method == "given_n":
        return lambda lengths: np.maximum(lengths - (5 if n_given is None else n_given), 0)
    return lambda lengths: count_share(lengths, share)


def _hold_out(
    table: pd.DataFrame,
    count: Callable[[np.ndarray], np.ndarray],
    times: np.ndarray | None,
    user: Any,
    item: Any,
    seed: np.uint64,
) -> np.ndarray:
    """Mark the rows to hold out of each user; shape (n_rows,)."""
    users, user_ids = factorize(table, user)
    items, item_ids = factorize(table, item)
    drawn = hash_array(_hash(user_ids, seed)[users] + _STEP * _hash(item_ids, seed)[items])
    repeat = pd.Series(drawn).groupby(drawn).cumcount().to_numpy(np.uint64)
    drawn = hash_array(drawn + _STEP * repeat)  # rows of one pair are drawn apart
    order = np.argsort(users, kind="stable")  # rows of the same user side by side
    lengths = np.bincount(users)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    keys, ties = (drawn, None) if times is None else (times, drawn)
    held_out = np.empty(len(table), bool)
    held_out[order] = largest_in_row(
        indptr, keys[order], count(lengths), None if ties is None else ties[order]
    )
    return held_out


def _hash(ids: np.ndarray, seed: np.uint64) -> np.ndarray:
    """Give every id a pseudo-random number that depends on nothing but the id and the seed."""
    return hash_array(hash_array(ids, categorize=False) + seed)
