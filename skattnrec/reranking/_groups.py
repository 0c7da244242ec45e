"""Groups: no more than some items of a genre, a brand or an author in a list."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._blocks import take_entries
from .._compat import Interval
from .._kernels.rerank import limit_places
from .._structure import canonical_csr, check_structure
from .._validation import check_cutoff
from ._lists import check_scored_lists, take_places
from ._rule import ListRule

__all__ = ["LimitPerGroup", "limit_per_group"]


def limit_per_group(
    indices: Any, scores: Any, groups: Any, k: int = 10, *, max_per_group: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Take the k best items of each list, but no more than some of any group.

    Items are looked at from the best to the last, and taken unless a group of theirs has its number
    already.

    Parameters
    ----------
    indices : array-like of shape (n_rows, m), int
        Item columns to choose from, best first, padded with -1: what ``recommend(X, m)`` returns,
        with m some times k.
    scores : array-like of shape (n_rows, m)
        Their scores.
    groups : array-like of shape (n_items,) or matrix of shape (n_items, n_groups)
        The group of every item: any label, None or NaN for none; or, where items may have several
        groups, a sparse or boolean matrix, not 0 where an item belongs to a group. Items without
        group are not limited.
    k : int, default=10
        Length of the new lists.
    max_per_group : int, default=1
        How many items of a group a list may hold.

    Returns
    -------
    indices : ndarray of shape (n_rows, k), intp
        Items in the order of the list; -1 where nothing is left that may be taken.
    scores : ndarray of shape (n_rows, k)
        Their scores as they were given, NaN where the index is -1.

    Raises
    ------
    ValueError
        If lists hold an item twice or one that ``groups`` do not tell of, or scores are not finite.

    See Also
    --------
    LimitPerGroup : The same as a rule of a recommender.

    Examples
    --------
    >>> from skattnrec.reranking import limit_per_group
    >>> genres = ["crime", "crime", "crime", "comedy"]
    >>> limit_per_group([[0, 1, 2, 3]], [[4.0, 3.0, 2.0, 1.0]], genres, k=3, max_per_group=2)
    (array([[0, 1, 3]]), array([[4., 3., 1.]]))
    """
    members = check_groups(groups)
    indices, scores = check_scored_lists(indices, scores, members.shape[0])
    if isinstance(max_per_group, bool) or not isinstance(max_per_group, (int, np.integer)):
        raise TypeError(f"max_per_group must be an integer, got {max_per_group!r}.")
    if max_per_group < 1:
        raise ValueError(f"max_per_group must be at least 1, got {max_per_group}.")
    places = limit_places(
        indices,
        (members.indptr, members.indices),
        members.shape[1],
        int(max_per_group),
        check_cutoff(k),
        defer=False,
    )
    return take_places(indices, scores, places)


def check_groups(groups: Any) -> sp.csr_array:
    """Make a pattern of items x groups of labels, or of a matrix."""
    if sp.issparse(groups):
        members = canonical_csr(check_structure(groups, "groups"))
        return take_entries(members, members.data != 0)
    labels = np.asarray(groups)
    if labels.ndim == 2 and labels.dtype == bool:
        return sp.csr_array(labels)
    if labels.ndim != 1 or not labels.size:
        raise ValueError(
            "groups must hold one label for every item, or be a sparse or boolean matrix with a "
            f"row for every item; got {labels.dtype} of shape {labels.shape}."
        )
    from pandas import factorize

    codes, names = factorize(labels)  # -1 where there is no label
    items = np.flatnonzero(codes >= 0)
    ones = np.ones(len(items), np.bool_)
    return sp.csr_array((ones, (items, codes[items])), shape=(len(labels), max(1, len(names))))


class LimitPerGroup(ListRule):
    """Hold items back that are one too many of their group: :func:`limit_per_group` as a rule.

    A recommender ranks all items, so nothing is left out. What is over the limit comes after
    everything that is within it, and then again no more than ``max_per_group`` of a group, and so
    on: lists keep the rule as long as there are enough candidates of other groups.

    Parameters
    ----------
    groups : array-like of shape (n_items,) or matrix of shape (n_items, n_groups)
        The group, or groups, of every item; see :func:`limit_per_group`.
    max_per_group : int, default=1
        How many items of a group a list may hold.

    See Also
    --------
    RerankedRecommender : Applies rules.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import PopularityRecommender, RerankedRecommender
    >>> from skattnrec.reranking import LimitPerGroup
    >>> X = np.array([[5, 4, 2, 0], [4, 5, 0, 1], [0, 1, 0, 0]])
    >>> rule = LimitPerGroup(["crime", "crime", "comedy", "comedy"])
    >>> model = RerankedRecommender(PopularityRecommender(), [("genres", rule)]).fit(X)
    >>> model.recommend(X, k=4, exclude_seen=False)[0][2], model.recommend([[0, 0, 0, 0]], k=4)[0]
    (array([1, 0, 2, 3]), array([[1, 2, 0, 3]]))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "groups": ["array-like", "sparse matrix"],
        "max_per_group": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, groups: Any, max_per_group: int = 1):
        self.groups = groups
        self.max_per_group = max_per_group

    def fit(self, X: sp.csr_array, model: Any) -> LimitPerGroup:
        """Sort out the groups; see :meth:`ListRule.fit`."""
        self._validate_params()
        self._members = check_groups(self.groups)
        if self._members.shape[0] != X.shape[1]:
            raise ValueError(
                f"groups tell of {self._members.shape[0]} items, X has {X.shape[1]} columns."
            )
        return self

    def reorder(self, indices: np.ndarray, scores: np.ndarray, X: sp.csr_array) -> np.ndarray:
        """Hold back what is over the limit; see :meth:`ListRule.reorder`."""
        pattern, n_groups = (self._members.indptr, self._members.indices), self._members.shape[1]
        most, k = int(self.max_per_group), indices.shape[1]
        places = limit_places(indices, pattern, n_groups, most, k, defer=True)
        return take_places(indices, scores, places)[0]
