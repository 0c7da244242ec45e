"""Promotion: places in the lists of some users for items that need to be tried.

A model learns nothing of items that it never lists. So some users, drawn at random and always the
same ones, are shown some of them, and it is known how likely that was.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from .._compat import Interval
from .._kernels.rerank import hash_sets, promote_items
from .._lists import check_exclusions
from .._validation import check_cutoff, check_item_indices
from ._lists import check_scored_lists
from ._rule import ListRule

__all__ = ["Promote", "promote"]


def promote(
    indices: Any,
    scores: Any,
    items: Any,
    users: Any,
    k: int = 10,
    *,
    share: float = 0.1,
    positions: Any = (4,),
    exclude: Any = None,
    random_state: Any = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Put items at some positions of the lists of a random share of the users.

    Which users, and which of the items they are shown, depends on nothing but the keys of the users
    and ``random_state``: the same user has the same luck in every batch and on every day.

    Parameters
    ----------
    indices : array-like of shape (n_rows, m), int
        Item columns, best first, padded with -1, as ``recommend`` returns them.
    scores : array-like of shape (n_rows, m)
        Their scores.
    items : array-like of int
        Columns of the items to promote.
    users : array-like of shape (n_rows,)
        A key for every row: the ids of the users, integers or text.
    k : int, default=10
        Length of the new lists.
    share : float in [0, 1], default=0.1
        The share of the users that is shown some of the items.
    positions : array-like of int, default=(4,)
        The positions, counted from 0, that are given away: one item each. In a list that is shorter
        the item goes to its end.
    exclude : {sparse matrix, array-like of bool} of shape (n_rows, n_items), default=None
        What may not be shown, where it is not 0: give the histories. It is not looked for in the
        lists.
    random_state : int, RandomState instance or None, default=0
        None draws other users in every call.

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        The new lists. What is promoted pushes the others back by one.
    scores : ndarray of shape (n_rows, k)
        The scores as they were given; NaN where the index is -1, or the item was not in the list.
    propensities : ndarray of shape (n_rows, k)
        How likely it was, over all seeds, that the row is shown this item; NaN where the index is
        -1. Feedback divided by it is what would be seen if everybody were shown everything
        (inverse propensity weighting [1]_).

    Raises
    ------
    ValueError
        If lists hold an item twice, scores are not finite, columns are repeated or negative,
        positions are not within the list, or ``share`` is not in [0, 1].

    See Also
    --------
    Promote : The same as a rule of a recommender.

    Notes
    -----
    Of a row, n items may be drawn: those that are neither among its first k nor excluded. With p
    positions, an item drawn has the propensity ``share`` min(p, n) / n. The min(p, n) last items of
    a list are pushed off it, so that those have 1 - ``share``, and all others 1.

    References
    ----------
    .. [1] T. Schnabel et al., "Recommendations as treatments: debiasing learning and evaluation",
       ICML 2016.

    Examples
    --------
    >>> from skattnrec.reranking import promote
    >>> lists, scores = [[0, 1, 2]] * 4, [[3.0, 2.0, 1.0]] * 4
    >>> users = ["ann", "bob", "cat", "dan"]
    >>> shown = promote(lists, scores, [7, 8], users, k=3, share=0.5, positions=[1], random_state=2)
    >>> shown[0]
    array([[0, 7, 1],
           [0, 1, 2],
           [0, 1, 2],
           [0, 8, 1]])
    """
    indices, scores = check_scored_lists(indices, scores)
    k = check_cutoff(k)
    columns = np.sort(check_item_indices(items, np.iinfo(np.int32).max))
    places = check_positions(positions, min(k, indices.shape[1]), "the length of the lists")
    if not (isinstance(share, Real) and 0 <= share <= 1):
        raise ValueError(f"share must be a number in [0, 1], got {share!r}.")
    keys = _user_keys(users, len(indices))
    hidden = _check_hidden(exclude, columns, len(indices))
    seed = _seed_of(random_state)
    width = max(k, indices.shape[1])
    own = np.full((len(indices), width), -1, np.intp)
    own[:, : indices.shape[1]] = indices
    lists, n_drawn, n_eligible = promote_items(
        own, keys, columns, (hidden.indptr, hidden.indices), places, float(share), seed, k
    )
    lists = lists[:, :k]
    values, ranks = _look_up(lists, indices, scores)
    chances = float(share) * n_drawn / np.maximum(n_eligible, 1)
    falls_off = (ranks >= (k - n_drawn)[:, None]) & (ranks >= 0)
    propensities = np.where(falls_off, 1 - float(share), 1.0)
    is_drawn = (ranks < 0) | (ranks >= k)
    propensities = np.where(is_drawn, chances[:, None], propensities)
    propensities[lists < 0] = np.nan
    return lists, values, propensities


def check_positions(positions: Any, n_places: int, what: str) -> np.ndarray:
    """Check positions in a list: integers from 0, none twice; ascending."""
    places = np.atleast_1d(np.asarray(positions))
    if places.ndim != 1 or not places.size or places.dtype.kind not in "iu":
        raise ValueError(f"positions must be a non-empty list of integers, got {positions!r}.")
    if len(np.unique(places)) != len(places):
        raise ValueError(f"positions must not repeat one, got {positions!r}.")
    if places.min() < 0 or places.max() >= n_places:
        raise ValueError(
            f"positions are counted from 0 and below {what}, {n_places}; got {positions!r}."
        )
    return np.sort(places).astype(np.int64)


def _seed_of(random_state: Any) -> int:
    return int(check_random_state(random_state).randint(2**32, dtype=np.uint64))


def _user_keys(users: Any, n_rows: int) -> np.ndarray:
    """Hash the keys of users, integers or text, to 64 bits."""
    from pandas.util import hash_array

    keys = np.asarray(users)
    if keys.shape != (n_rows,):
        raise ValueError(
            f"users must hold a key for each of the {n_rows} rows, got an array of shape "
            f"{keys.shape}."
        )
    if keys.dtype.kind in "iu":
        return hash_array(keys.astype(np.int64))
    if keys.dtype.kind not in "UO":
        raise ValueError(f"users must be integers or text, got {keys.dtype}.")
    return hash_array(keys.astype(object), categorize=False)


def _check_hidden(exclude: Any, columns: np.ndarray, n_rows: int) -> sp.csr_array:
    """Pattern of what may not be shown; without one, an empty one that is wide enough."""
    if exclude is None:
        return sp.csr_array((n_rows, int(columns[-1]) + 1))
    shape = np.shape(exclude)
    if len(shape) != 2 or shape[0] != n_rows or shape[1] <= columns[-1]:
        raise ValueError(
            f"exclude must have a row for each of the {n_rows} lists and a column for every item, "
            f"item {columns[-1]} included; its shape is {shape}."
        )
    return check_exclusions(sp.csr_array(shape), exclude, False)


def _look_up(
    lists: np.ndarray, indices: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of items that are in other lists, and their places there; NaN and -1 of others."""
    same = (lists[:, :, None] == indices[:, None, :]) & (lists[:, :, None] >= 0)
    found, ranks = same.any(axis=2), same.argmax(axis=2)
    values = np.take_along_axis(scores, ranks, axis=1)
    return np.where(found, values, np.nan).astype(scores.dtype), np.where(found, ranks, -1)


class Promote(ListRule):
    """Put new items at some positions of the lists of a share of the users, to see what they think.

    :func:`promote` as a rule. Which users it meets depends on ``random_state`` and the items of
    their histories.

    Parameters
    ----------
    items : array-like of int or None, default=None
        Columns of the items to promote. None: those that the fewest users of ``fit`` know, a tenth
        of all and any that are known by as few.
    share : float in [0, 1], default=0.1
        The share of the users that is shown some of the items.
    positions : array-like of int, default=(4,)
        The positions of a list, counted from 0, that are given away: one item each.
    random_state : int, RandomState instance or None, default=0
        None draws other users in every fit.

    Attributes
    ----------
    items_ : ndarray of int
        The items to promote, ascending.

    See Also
    --------
    RerankedRecommender : Applies rules.
    promote : Tells how likely each item was to be shown, too, and goes by the ids of users.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import PopularityRecommender, RerankedRecommender
    >>> from skattnrec.reranking import Promote
    >>> X = np.array([[5, 4, 2, 0], [4, 5, 0, 0], [0, 1, 0, 0]])
    >>> rule = Promote([3], share=1.0, positions=[0])
    >>> RerankedRecommender(PopularityRecommender(), [("new", rule)]).fit(X).recommend(X, k=2)[0]
    array([[ 3, -1],
           [ 3,  2],
           [ 3,  0]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "items": ["array-like", None],
        "share": [Interval(Real, 0, 1, closed="both")],
        "positions": ["array-like"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        items: Any = None,
        *,
        share: float = 0.1,
        positions: Any = (4,),
        random_state: Any = 0,
    ):
        self.items = items
        self.share = share
        self.positions = positions
        self.random_state = random_state

    def fit(self, X: sp.csr_array, model: Any) -> Promote:
        """Find the items that few know, and draw a seed; see :meth:`ListRule.fit`."""
        self._validate_params()
        self._places = check_positions(self.positions, np.iinfo(np.int64).max, "that of no list")
        if self.items is None:
            known = np.bincount(X.indices, minlength=X.shape[1])
            tenth = int(np.ceil(X.shape[1] / 10))
            self.items_ = np.flatnonzero(known <= np.sort(known)[tenth - 1])
        else:
            self.items_ = np.sort(check_item_indices(self.items, X.shape[1]))
        self._seed = _seed_of(self.random_state)
        return self

    def reorder(self, indices: np.ndarray, scores: np.ndarray, X: sp.csr_array) -> np.ndarray:
        """Give some positions away; see :meth:`ListRule.reorder`."""
        return promote_items(
            indices,
            hash_sets(X.indptr, X.indices),
            self.items_,
            (X.indptr, X.indices),
            self._places,
            float(self.share),
            self._seed,
            int(self._places[-1]) + 1,
        )[0]
