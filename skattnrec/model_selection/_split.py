"""Splitting interactions into what a recommender may see and what it has to find."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from .._blocks import take_entries
from .._compat import Interval, StrOptions, validate_params
from .._kernels.entries import count_share, hash_keys, largest_in_row, rows_of_entries
from .._validation import as_interactions, check_timestamps
from ..preprocessing._times import as_seconds

__all__ = ["check_options", "from_cutoff", "split_interactions"]

# what acts in each protocol, beside random_state, which also orders equal times
_ACTING = {
    "random": {"test_size"},
    "leave_k_out": {"k", "timestamps"},
    "temporal": {"test_size", "timestamps"},
    "temporal with a cutoff": {"cutoff", "timestamps"},
    "given_n": {"n_given", "timestamps"},
    "users": {"test_size"},
    "items": {"test_size"},
}
_METHODS = ("random", "leave_k_out", "temporal", "given_n", "users", "items")


@validate_params(
    {
        "method": [StrOptions(set(_METHODS))],
        "test_size": [Interval(Real, 0, 1, closed="neither"), None],
        "k": [Interval(Integral, 1, None, closed="left"), None],
        "n_given": [Interval(Integral, 0, None, closed="left"), None],
        "cutoff": "no_validation",
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def split_interactions(
    X: Any,
    *,
    method: str = "random",
    test_size: float | None = None,
    k: int | None = None,
    n_given: int | None = None,
    timestamps: Any = None,
    cutoff: Any = None,
    random_state: Any = 0,
) -> tuple[sp.csr_array, sp.csr_array]:
    """Split the known ratings of each user into a history and a held-out part.

    In the pictures ``x`` is a rating of the history and ``o`` one that is held out; the digits
    are times.

    ``"random"``: a share ``test_size`` of each user's entries. ::

                 all            history        held out
        user 0   x x x x x .    x x . x x .    . . o . . .
        user 1   . x x x x x    . x x x . x    . . . . o .
        user 2   . . . x . .    . . . x . .    . . . . . .

    ``"leave_k_out"``: ``k`` entries of each user, here 2; the latest ones if ``timestamps`` are
    given, otherwise random ones. ::

                 times          history        held out
        user 0   1 3 2 5 4 .    x x x . . .    . . . o o .
        user 1   . 9 8 7 6 5    . . . x x x    . o o . . .
        user 2   . . . 4 . .    . . . x . .    . . . . . .

    ``"temporal"``: a share ``test_size`` of each user's entries, the latest ones. Here 0.4. ::

                 times          history        held out
        user 0   1 3 2 5 4 .    x x x . . .    . . . o o .
        user 1   . 3 2 1 . .    . . x x . .    . o . . . .

    ``"temporal"`` with a ``cutoff``: everything from that time on. Here 4. Users may be left
    without history (cold users) or without held-out entries. ::

                 times          history        held out
        user 0   1 3 2 5 4 .    x x x . . .    . . . o o .
        user 1   . 9 8 7 6 5    . . . . . .    . o o o o o
        user 2   . . . 3 . .    . . . x . .    . . . . . .

    ``"given_n"``: all but ``n_given`` entries of each user, here 2; the earliest ones are given if
    there are ``timestamps``, otherwise random ones. Users with no more than that have nothing held
    out. With 0 all users are without history. ::

                 times          history        held out
        user 0   1 3 2 5 4 .    x . x . . .    . o . o o .
        user 1   . 9 8 7 6 5    . . . . x x    . o o o . .
        user 2   . . . 4 . .    . . . x . .    . . . . . .

    ``"users"``: all entries of a share ``test_size`` of the users, here 0.33 (cold users). ::

                 all            history        held out
        user 0   x x x x x .    x x x x x .    . . . . . .
        user 1   . x x x x x    . . . . . .    . o o o o o
        user 2   . . . x . .    . . . x . .    . . . . . .

    ``"items"``: all entries of a share ``test_size`` of the items, here 0.33 (cold items). ::

                 all            history        held out
        user 0   x x x x x .    x . x x . .    . o . . o .
        user 1   . x x x x x    . . x x . x    . o . . o .
        user 2   . . . x . .    . . . x . .    . . . . . .

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Ratings. Stored entries are known; in dense input 0 is unknown.
    method : {"random", "leave_k_out", "temporal", "given_n", "users", "items"}, default="random"
        The protocol. In the first three, every user keeps at least one entry, except with a
        ``cutoff``.
    test_size : float in (0, 1), default=None
        Share of each user's entries, of the users or of the items to hold out, rounded, at least
        one. None: 0.2.
    k : int, default=None
        Number of entries to hold out in ``"leave_k_out"``; users with k or fewer keep one. None: 1.
    n_given : int, default=None
        Number of entries of each user that are given in ``"given_n"``. None: 5.
    timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
        The time of every known rating, any unit. Equal times come in an order that is drawn for
        each user, and that columns do not decide.
    cutoff : float, str, datetime or numpy.datetime64, default=None
        For ``"temporal"``: the first time that is held out, in the unit of ``timestamps``. A date,
        or text in ISO 8601 such as "2024-05-31", stands for seconds since 1970-01-01 UTC, as
        :class:`~skattnrec.preprocessing.InteractionEncoder` makes them.
    random_state : int, RandomState instance or None, default=0
        Draws the random protocols, and the order of equal times.

    Returns
    -------
    X_history, X_heldout : csr_array of shape (n_users, n_items)
        Every known rating is in exactly one of them.

    Raises
    ------
    ValueError
        If a parameter is out of range or has no effect in the protocol, timestamps are needed and
        missing or do not match, or a date is not within the times.

    See Also
    --------
    split_table : The same for a table of interactions, where a pair of user and item may repeat.

    Notes
    -----
    A split depends on which entries a user has, not on their values, nor on other users; which
    users or items are held out whole depends on nothing but how many there are. So
    ``split_interactions(timestamps, ...)`` with the same arguments splits the timestamps the way
    the ratings are split.

    To judge cold items, fit on the history and look for what is held out; ``items`` of
    :class:`~skattnrec.metrics.RankingScorer` ranks them among themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec.model_selection import split_interactions
    >>> X = np.array([[5, 3, 4, 1], [0, 2, 0, 4]])
    >>> T = np.array([[1, 4, 2, 3], [0, 2, 0, 1]])
    >>> history, held_out = split_interactions(X, method="leave_k_out", timestamps=T)
    >>> history.toarray()
    array([[5., 0., 4., 1.],
           [0., 0., 0., 4.]])
    >>> held_out.toarray()
    array([[0., 3., 0., 0.],
           [0., 2., 0., 0.]])
    """
    protocol = f"{method} with a cutoff" if method == "temporal" and cutoff is not None else method
    given = {
        "test_size": test_size,
        "k": k,
        "n_given": n_given,
        "timestamps": timestamps,
        "cutoff": cutoff,
    }
    check_options(protocol, given, _ACTING[protocol])
    if method == "temporal" and timestamps is None:
        raise ValueError("method='temporal' needs timestamps.")
    known = as_interactions(X)
    times = check_timestamps(timestamps, known)
    share = 0.2 if test_size is None else test_size
    if method in ("users", "items"):
        held_out = _hold_out_whole(known, 0 if method == "users" else 1, share, random_state)
    elif times is not None and cutoff is not None:
        held_out = from_cutoff(times, cutoff)
    else:
        lengths = np.diff(known.indptr).astype(np.int64)
        if method == "leave_k_out":
            counts = np.clip(lengths - 1, 0, 1 if k is None else k)
        elif method == "given_n":
            counts = np.maximum(lengths - (5 if n_given is None else n_given), 0)
        else:
            counts = count_share(lengths, share)
        seed = check_random_state(random_state).randint(2**32, dtype=np.uint64)
        drawn = hash_keys(known.indptr, known.indices, seed)
        keys, ties = (drawn, None) if times is None else (times, drawn)
        held_out = largest_in_row(known.indptr, keys, counts, ties)
    return take_entries(known, ~held_out), take_entries(known, held_out)


def _hold_out_whole(X: sp.csr_array, axis: int, share: float, random_state: Any) -> np.ndarray:
    """Mark the entries of a share of the users (axis 0) or items (axis 1), (X.nnz,)."""
    n = X.shape[axis]
    if n < 2:
        raise ValueError(
            f"X has {n} {('user', 'item')[axis]}: to hold out some, and keep some, it needs two."
        )
    order = check_random_state(random_state).permutation(n)
    is_held_out = np.zeros(n, bool)
    is_held_out[order[: int(count_share(np.array([n]), share)[0])]] = True
    return is_held_out[rows_of_entries(X.indptr) if axis == 0 else X.indices]


def check_options(protocol: str, given: dict[str, Any], acting: set[str]) -> None:
    """Refuse what is given and has no effect.

    Parameters
    ----------
    protocol : str
        What messages call it.
    given : dict
        Values by name, None where not given.
    acting : set of str
        The names that have an effect.
    """
    for name, value in given.items():
        if value is not None and name not in acting:
            raise ValueError(
                f"{name} has no effect on the protocol {protocol!r}, where "
                f"{' and '.join(sorted(acting))} can be set: leave it out."
            )


def from_cutoff(times: np.ndarray, cutoff: Any) -> np.ndarray:
    """Mark the times from a cutoff on, which is a number or a date.

    Raises
    ------
    ValueError
        If the cutoff is neither, or a date that is not within the times: they may be in another
        unit than seconds.
    """
    first = as_seconds(cutoff, "cutoff")
    if not isinstance(cutoff, Real) and not times.min() <= first <= times.max():
        raise ValueError(
            f"cutoff={cutoff!r} is {first:.0f} in seconds since 1970-01-01 UTC, outside of the "
            f"times, which run from {times.min():.12g} to {times.max():.12g}. Choose a date within "
            "them or, if they are in another unit, a number."
        )
    return times >= first
