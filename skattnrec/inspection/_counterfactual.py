"""``counterfactual``: what would have to be gone, or rated otherwise, for a list to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._names import label_items
from ._histories import Histories
from ._parameters import checked
from ._place import Place
from ._removals import Removals

__all__ = ["Counterfactual", "counterfactual"]


@dataclass(frozen=True, repr=False)
class Counterfactual:
    """The smallest set of history entries without which an item leaves a list, or enters it.

    Attributes
    ----------
    item : int
        Its column.
    k : int
        Length of the list.
    is_listed : bool
        Whether the item is in the list of the whole history.
    entries : ndarray of shape (n_removed,), intp, or None
        The item columns of the entries to remove, ascending; None if nothing was found.
    is_minimal : bool
        Whether it is shown that no smaller set will do, or that there is none at all.
    lower_bound : int
        No set of fewer entries will do.
    before, after : ndarray, intp
        The list of the whole history, and that without the entries; ``after`` is empty without
        them.
    ratings : dict of int to float
        For single entries, by item column: the rating, of those tried, nearest to the one they
        have with which the item leaves the list, or enters it.
    history : dict of int to float
        The ratings of the history, by item column.
    item_names : ndarray of shape (n_items,) or None
        The names of all item columns.
    """

    item: int
    k: int
    is_listed: bool
    entries: np.ndarray | None
    is_minimal: bool
    lower_bound: int
    before: np.ndarray
    after: np.ndarray
    ratings: dict[int, float]
    history: dict[int, float]
    item_names: np.ndarray | None

    @property
    def item_label(self) -> str:
        """The name of the item, or its column as in "item 3"."""
        return self._label(self.item)

    def __repr__(self) -> str:
        """Give the sentence."""
        return f"<Counterfactual: {self.to_text()}>"

    def to_frame(self) -> pd.DataFrame:
        """Make a table with a row for each entry to remove, or with a rating to change.

        Returns
        -------
        DataFrame
            ``source``: its label; ``rating``: what it is; ``removed``: whether it is one of
            :attr:`entries`; ``needed``: the rating that alone would do, NaN if none does.
        """
        removed = [] if self.entries is None else self.entries.tolist()
        rows = [
            (self._label(c), self.history[c], c in removed, self.ratings.get(c, np.nan))
            for c in sorted({*removed, *self.ratings})
        ]
        return pd.DataFrame(rows, columns=["source", "rating", "removed", "needed"])

    def to_text(self, max_sources: int = 5) -> str:
        """Say in a sentence what would have to be different.

        Parameters
        ----------
        max_sources : int, default=5
            How many entries to name.

        Returns
        -------
        str
            Such as "Without Alien and Solaris, Dune would not be shown".
        """
        if max_sources < 1:
            raise ValueError(f"max_sources must be at least 1, got {max_sources}.")
        change = "not be shown" if self.is_listed else "be shown"
        if self.entries is None:
            without = f"without which {self.item_label} would {change}"
            if self.is_minimal:
                return f"There is no part of the history {without}"
            return f"No part of the history was found {without}"
        names = [self._label(column) for column in self.entries]
        more = len(names) - max_sources
        if more > 0:
            names = [*names[:max_sources], f"{more} more"]
        listed = " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])
        return f"Without {listed}, {self.item_label} would {change}"

    def _label(self, column: int) -> str:
        return label_items(np.array([column]), self.item_names)[0]


@checked()
def counterfactual(
    estimator: Any,
    X: Any,
    item: Any,
    *,
    k: int = 10,
    items: Any = None,
    exclude: Any = None,
    ratings: Any = None,
    budget: int = 2000,
    item_names: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
) -> Counterfactual:
    r"""Find the fewest entries of a history without which an item leaves the list, or enters it.

    Every answer is checked: the history without the entries is given to the model again. What is
    removed does not become a candidate: nobody is told to buy again what they have.

    Parameters
    ----------
    estimator : object
        A fitted recommender, a pipeline that ends in one, or a search over either; or anything
        with a ``predict`` that scores all items.
    {one_history}
    item : int or str
        The item: its column, or its name from ``item_names``. If it is in the list, the answer is
        what makes it leave, if not, what makes it enter.
    k : int, default=10
        Length of the list.
    {rules}
    ratings : array-like of float, default=None
        Ratings to try for single entries, such as ``[1, 2, 3, 4, 5]``; None tries none. Each is
        given to the model, so that nothing is assumed of how scores depend on ratings.
    budget : int, default=2000
        About how many histories the model is asked to score in search of a smaller set. The more,
        the more often the answer is shown to be smallest.
    {item_names}
    {times}

    Returns
    -------
    Counterfactual
        The entries, whether there is no smaller set, and the ratings.

    Raises
    ------
    ValueError
        If ``X`` is not one history, the history is empty, or the item cannot be listed as it is in
        the history, excluded or no candidate.

    Notes
    -----
    In models whose entries add the same to a score whatever else is there, a rival r is ahead of
    item i without the set S if

    .. math:: s_r - s_i + \sum_{j \in S} (c_{ij} - c_{rj}) > 0

    with the contributions c. The smallest set for which k rivals are ahead is found by an integer
    programme over those rivals that can get ahead at all, which also shows that it is smallest.
    These are attention over sets with one head, or with ``smoothing=0``, and without
    ``item_features``; and item neighbours with implicit feedback. What differs by less than
    rounding is taken for equal.

    In other models the weights of the entries that stay change. There entries are removed in the
    order of what the scores lose without each; from the first such set that will do, entries are
    put back as long as one of them may stay; then smaller sets are tried, all of a size, as long
    as the budget allows.

    References
    ----------
    A. Ghazimatin, O. Balalau, R. Saha Roy, G. Weikum, "PRINCE: provider-side interpretability with
    counterfactual explanations in recommender systems", WSDM 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.inspection import counterfactual
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = ItemItemCF(shrinkage=0).fit(X)
    >>> films = ["Alien", "Dune", "Amelie", "Chocolat"]
    >>> counterfactual(model, [[4, 0, 5, 0]], "Chocolat", k=1, item_names=films)
    <Counterfactual: Without Amelie, Chocolat would not be shown>
    """
    history = Histories.of(X, timestamps, user_features)
    rules = {"k": k, "items": items, "exclude": exclude, "item_names": item_names}
    place = Place.of(estimator, history, X, item, "counterfactual", **rules)
    _check_place(place)
    search = Removals(place, budget)
    if len(place.rivals) < k:  # whatever the scores are
        entries, lower, is_minimal = None, history.X.nnz + 1, True
    elif place.seen is history and getattr(place.model, "_entries_add_up", bool)():
        entries, lower, is_minimal = search.exactly()
    else:
        entries, lower, is_minimal = search.by_trial()
    columns = history.X.indices
    removed = None if entries is None else np.sort(columns[entries]).astype(np.intp)
    after = np.empty(0, np.intp) if entries is None else search.lists(search.without([entries]))[0]
    return Counterfactual(
        place.item,
        k,
        place.is_listed,
        removed,
        is_minimal,
        lower,
        place.listed,
        after[after >= 0],
        {} if ratings is None else search.ratings(_check_ratings(ratings)),
        dict(zip(columns.tolist(), history.X.data.tolist(), strict=True)),
        place.names,
    )


def _check_place(place: Place) -> None:
    """Refuse items that are never listed, and histories from which nothing can go."""
    if not place.history.X.nnz:
        raise ValueError("The history is empty: nothing of it can be different.")
    if not place.allowed[place.item]:
        reasons = {
            "in the history": (place.known == place.item).any(),
            "excluded": place.is_excluded[place.item],
            "not a candidate": not place.is_candidate[place.item],
        }
        why = next(reason for reason, holds in reasons.items() if holds)
        raise ValueError(f"Item {place.item} is never listed, as it is {why}: see why_not.")


def _check_ratings(ratings: Any) -> np.ndarray:
    values = np.unique(np.atleast_1d(np.asarray(ratings, dtype=float)))
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"ratings must be a list of finite numbers, got {ratings!r}.")
    return values
