"""Splitting interactions into what a recommender may see and what it has to find."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from .._compat import Interval, StrOptions, validate_params
from .._kernels.entries import count_share, hash_keys, largest_in_row, select_entries
from .._validation import as_interactions, check_timestamps

__all__ = ["split_interactions"]


@validate_params(
    {
        "method": [StrOptions({"random", "leave_k_out", "temporal"})],
        "test_size": [Interval(Real, 0, 1, closed="neither")],
        "k": [Interval(Integral, 1, None, closed="left")],
        "cutoff": [Real, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def split_interactions(
    X: Any,
    *,
    method: str = "random",
    test_size: float = 0.2,
    k: int = 1,
    timestamps: Any = None,
    cutoff: float | None = None,
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

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_users, n_items)
        Ratings. Stored entries are known; in dense input 0 is unknown.
    method : {"random", "leave_k_out", "temporal"}, default="random"
        The protocol. Except with a ``cutoff``, every user keeps at least one entry.
    test_size : float in (0, 1), default=0.2
        Share of each user's entries to hold out, rounded, at least one.
    k : int, default=1
        Number of entries to hold out in ``"leave_k_out"``; users with k or fewer keep one.
    timestamps : {array-like, sparse matrix} of shape (n_users, n_items), default=None
        The time of every known rating, any unit. Of equal times, higher columns count as later.
        Not read by ``"random"``.
    cutoff : float, default=None
        For ``"temporal"``: the first time that is held out, in the unit of ``timestamps``.
    random_state : int, RandomState instance or None, default=0
        Draws the random protocols.

    Returns
    -------
    X_history, X_heldout : csr_array of shape (n_users, n_items)
        Every known rating is in exactly one of them.

    Raises
    ------
    ValueError
        If a parameter is out of range, or timestamps are needed and missing or do not match.

    Notes
    -----
    A split depends on which entries a user has, not on their values, nor on other users. So
    ``split_interactions(timestamps, ...)`` with the same arguments splits the timestamps the way
    the ratings are split.

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
    if method == "temporal" and timestamps is None:
        raise ValueError("method='temporal' needs timestamps.")
    if method != "temporal" and cutoff is not None:
        raise ValueError(f"cutoff is for method='temporal', got method={method!r}.")
    known = as_interactions(X)
    times = None if method == "random" else check_timestamps(timestamps, known)
    if times is not None and cutoff is not None:
        held_out = times >= cutoff
    else:
        lengths = np.diff(known.indptr)
        if method == "leave_k_out":
            counts = np.clip(lengths - 1, 0, k).astype(np.int64)
        else:
            counts = count_share(lengths, test_size)
        if times is None:
            seed = check_random_state(random_state).randint(2**32, dtype=np.uint64)
            times = hash_keys(known.indptr, known.indices, seed)  # a random order
        held_out = largest_in_row(known.indptr, times, counts)
    return _select(known, ~held_out), _select(known, held_out)


def _select(X: sp.csr_array, mask: np.ndarray) -> sp.csr_array:
    return sp.csr_array(select_entries(X.data, X.indices, X.indptr, mask), shape=X.shape)
