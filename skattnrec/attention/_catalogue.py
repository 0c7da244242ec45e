"""A catalogue that grows: items that nobody has rated yet, added to a model without a refit."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from .._additive import AdditiveRecommender
from .._features import compare_items
from ._cold import Likeness
from ._features import ItemFeatures
from ._statistics import SufficientStatistics

__all__ = ["GrowingCatalogue"]


class GrowingCatalogue(AdditiveRecommender):
    """Models solved from sums over users, whose item columns may become more."""

    statistics_: SufficientStatistics
    _features: ItemFeatures | None
    _likeness: Likeness | None

    def add_items(
        self, item_features: Any = None, names: Any = None, *, n_items: int | None = None
    ) -> GrowingCatalogue:
        """Add items that nobody has rated yet; histories then have a column more for each.

        A model with ``item_features`` recommends them at once, by votes learned from features. The
        result is that of a ``fit`` with these columns from the start, except that features are
        scaled as those of the first items are. What is rated of them later is learned by
        ``partial_fit``. The parameter ``item_features`` stays as it is: to fit again, give it the
        rows of all items.

        Parameters
        ----------
        item_features : {array-like, sparse matrix, DataFrame} of shape (n_new_items, d), \
default=None
            Their features, in the columns of those of ``fit``; needed where the model has some.
        names : sequence of str of shape (n_new_items,), default=None
            Their names; needed where the model knows the names of items. None takes the index of
            ``item_features`` there, if it is of text.
        n_items : int, default=None
            How many they are, for a model with neither features nor names.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If features or names are missing, not wanted or not those of new items; and as
            ``partial_fit``. The model stays as it was.

        Examples
        --------
        >>> import numpy as np
        >>> from skattnrec import AttentionRecommender
        >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
        >>> genres = [[1, 0], [1, 0], [0, 1], [0, 1]]
        >>> model = AttentionRecommender(item_features=genres, regularization=1).fit(X)
        >>> model.add_items([[0, 1]]).n_features_in_
        5
        >>> model.recommend([[0, 0, 0, 5, 0]], k=2)[0]
        array([[2, 4]])
        """
        self._validate_params()
        self._fitted()
        return self._until_taken(self._widen, item_features, names, n_items)

    def _widen(self, item_features: Any, names: Any, n_items: int | None) -> GrowingCatalogue:
        draft = self._draft_with_statistics()
        known = getattr(draft, "feature_names_in_", None)
        names = _check_names(names, item_features, known)
        has_features = draft._features is not None
        n_new = _count_new(item_features, names, n_items, has_features)
        if has_features:
            if names is not None:
                compare_items(item_features, names, "item_features")
            draft._features = draft._features.extended(item_features, n_new)
            draft._likeness = draft._features.likeness()
        if names is not None:
            draft.feature_names_in_ = np.concatenate([known, names])
        draft.n_features_in_ = draft.n_features_in_ + n_new
        draft.statistics_ = draft.statistics_.widened(n_new)
        draft._renew_keys()
        return self._take(draft, True)

    def _renew_keys(self) -> None:
        """Let the attention read the features of all items there are now."""

    def _learn_more(
        self, X: Any, y: Any, timestamps: Any, user_features: Any, refresh: bool
    ) -> AdditiveRecommender:
        n_known, shape = self.__dict__.get("n_features_in_"), np.shape(X)
        if n_known is not None and len(shape) == 2 and shape[1] > n_known:
            raise ValueError(
                f"X has {shape[1]} features, but {type(self).__name__} is expecting {n_known} "
                "features as input. Make items that are new known by add_items first."
            )
        return super()._learn_more(X, y, timestamps, user_features, refresh)


def _check_names(names: Any, item_features: Any, known: np.ndarray | None) -> np.ndarray | None:
    """Names of new items, (n_new,), object; None where the model knows none."""
    if known is None:
        if names is not None:
            raise ValueError(
                "names were given, but the model knows no names of items: fit was given no "
                "DataFrame. Leave them out."
            )
        return None
    if names is None and hasattr(item_features, "iloc"):
        names = item_features.index
    checked = None if names is None else np.array(list(names), dtype=object)
    if checked is None or not all(isinstance(name, str) for name in checked):
        raise ValueError(
            "The model knows items by name: give those of the new ones as names, a list of str."
        )
    twice = [name for name in checked if name in set(known) or (checked == name).sum() > 1]
    if twice:
        raise ValueError(f"names must be new, and no two alike: {twice[0]!r} is not.")
    return checked


def _count_new(
    item_features: Any, names: np.ndarray | None, n_items: Any, has_features: bool
) -> int:
    """Tell how many items there are to add, by all that was given."""
    if (item_features is not None) != has_features:
        fault = (
            "The model was fitted with item_features: give those of the new items."
            if has_features
            else "item_features were given, but the model was fitted without. Leave them out."
        )
        raise ValueError(fault)
    counts = {}
    if item_features is not None:
        counts["rows of item_features"] = np.shape(item_features)[0]
    if names is not None:
        counts["names"] = len(names)
    if n_items is not None:
        if isinstance(n_items, bool) or not isinstance(n_items, Integral):
            raise ValueError(f"n_items must be an integer, got {n_items!r}.")
        counts["n_items"] = int(n_items)
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    if len(set(counts.values())) != 1:
        raise ValueError(
            f"The new items must be as many by all that is given: {told}."
            if counts
            else "Say how many items are new, as n_items."
        )
    n_new = next(iter(counts.values()))
    if n_new < 1:
        raise ValueError(f"There must be at least one new item, got {told}.")
    return n_new
