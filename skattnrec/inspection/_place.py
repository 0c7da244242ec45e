"""Where an item stands among the candidates of one history, and whether it is listed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._explanation import Explanation
from .._lists import check_candidates, check_exclusions
from .._names import columns_of, name_items
from .._recommend import recommend
from .._scores import scores_of_rows
from .._validation import check_cutoff, check_item_indices
from ._histories import Histories, unwrap

__all__ = ["Place"]

_ROUNDING = 1e-5  # of the larger score: what may tell equal scores apart


@dataclass(frozen=True)
class Place:
    """An item, a history, and the list of the k best candidates.

    Attributes
    ----------
    estimator, model : object
        As given, and the model inside.
    history, seen : Histories
        As given, and as it reaches the model.
    item, k : int
    names : ndarray of shape (n_items,) or None
    scores : ndarray of shape (n_items,)
    is_candidate, is_excluded : ndarray of shape (n_items,), bool
        What the rules say of each item.
    known : ndarray of shape (n_entries,)
        The items of the history.
    listed : ndarray of shape (n_listed,)
        The list, best first.
    """

    estimator: Any
    model: Any
    history: Histories
    seen: Histories
    item: int
    k: int
    names: np.ndarray | None
    scores: np.ndarray
    is_candidate: np.ndarray
    is_excluded: np.ndarray
    known: np.ndarray
    listed: np.ndarray

    @classmethod
    def of(
        cls, estimator: Any, history: Histories, X: Any, item: Any, caller: str, **rules: Any
    ) -> Place:
        """Ask a fitted estimator; ``rules`` are k, items, exclude and item_names."""
        history.one(caller)
        model, seen = unwrap(estimator, history)
        shape = history.X.shape
        k = check_cutoff(rules["k"])
        names = name_items(rules["item_names"], X, model)
        asked = columns_of(item, names)
        columns = check_item_indices(asked, shape[1])
        if np.ndim(item) or len(columns) != 1:
            raise ValueError(f"{caller} takes one item, got {item!r}.")
        allowed = {"items": rules["items"], "exclude": rules["exclude"]}
        candidates = check_candidates(allowed["items"], shape)
        is_candidate = np.full(shape[1], candidates is None)
        if candidates is not None:
            is_candidate[getattr(candidates, "indices", candidates)] = True
        known = seen.X if hasattr(model, "recommend") else history.X
        is_excluded = np.zeros(shape[1], bool)
        is_excluded[check_exclusions(known, allowed["exclude"], False).indices] = True
        listed, _ = recommend(estimator, history.given, k, **allowed, **history.metadata)
        rows = scores_of_rows(
            estimator, history.given, history.X, history.context, lambda scores, _: scores[0]
        )
        scores = next(rows).astype(np.float64)
        found = listed[0][listed[0] >= 0]
        given = estimator, model, history, seen, int(columns[0]), k, names
        return cls(*given, scores, is_candidate, is_excluded, known.indices, found)

    @property
    def allowed(self) -> np.ndarray:
        """Which items may be listed, (n_items,): candidates neither excluded nor seen."""
        allowed = self.is_candidate & ~self.is_excluded
        allowed[self.known] = False
        return allowed

    @property
    def is_listed(self) -> bool:
        """Whether the item is in the list."""
        return bool((self.listed == self.item).any())

    @property
    def rivals(self) -> np.ndarray:
        """All other items that may be listed, best first; ties to the lower column."""
        others = np.flatnonzero(self.allowed)
        others = others[others != self.item]
        return others[np.argsort(-self.scores[others], kind="stable")]

    def is_ahead(self, rivals: np.ndarray) -> np.ndarray:
        """Which rivals come before the item."""
        own = self.scores[self.item]
        tied = (self.scores[rivals] == own) & (rivals < self.item)
        return (self.scores[rivals] > own) | tied

    def is_clear(self, rival: int) -> bool:
        """Whether the scores of item and rival differ by more than rounding."""
        pair = self.scores[[self.item, rival]]
        return bool(abs(pair[0] - pair[1]) > _ROUNDING * np.abs(pair).max())

    def explain(self, items: Any) -> Explanation | None:
        """Split scores of items, if the model can."""
        if not hasattr(self.model, "explain"):
            return None
        try:
            parts = self.model.explain(self.seen.given, items, **self.seen.metadata)
        except NotImplementedError:
            return None
        own = self.history.X.toarray()[0, parts.sources] if parts.source == "item" else None
        return replace(parts, ratings=own, item_names=self.names)
