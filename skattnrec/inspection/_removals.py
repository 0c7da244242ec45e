"""Removals of entries from one history: which of them make an item leave a list, or enter it."""

from __future__ import annotations

from itertools import combinations, islice
from math import comb
from typing import Any

import numpy as np

from .._recommend import recommend
from .._scores import scores_of_rows
from ._histories import Histories
from ._place import Place
from ._smallest import greedy_order, smallest_set

__all__ = ["Removals"]

_NEAR = 200  # rivals that guide a search; whether a set will do is asked of the model
_TRIED = 20  # answers of the integer programme that rounding may spoil
_NODES = 20_000  # of the search tree of an integer programme
_ROUNDING = 32  # units in the last place of a score that are no difference


class Removals:
    """Sets of entries of one history, numbered as they are stored, and the lists without them."""

    def __init__(self, place: Place, budget: int):
        self.place = place
        self.budget = budget
        self.n_entries = place.history.X.nnz
        self.candidates = np.flatnonzero(place.allowed)

    # -- asking the model ---------------------------------------------------------------------

    def without(self, sets: list[Any]) -> Histories:
        """Copy the history without each of some sets of entries."""
        kept = np.ones((len(sets), self.n_entries), bool)
        for row, entries in enumerate(sets):
            kept[row, entries] = False
        rows, entries = np.nonzero(kept)
        indptr = np.searchsorted(rows, np.arange(len(sets) + 1))
        return self.place.history.take(entries, indptr, np.zeros(len(sets), np.intp))

    def lists(self, histories: Histories) -> np.ndarray:
        """Make the lists of histories, (n, k); what was removed is not among the candidates."""
        self.budget -= histories.X.shape[0]
        place, given = self.place, histories.given
        asked = {"items": self.candidates, **histories.metadata}
        return recommend(place.estimator, given, place.k, **asked)[0]

    def changed(self, histories: Histories) -> np.ndarray:
        """Whether the item has left, or entered, the list of each history."""
        listed = (self.lists(histories) == self.place.item).any(axis=1)
        return listed != self.place.is_listed

    def first(self, sets: list[Any]) -> Any:
        """Find the first set that will do, or None."""
        for start in range(0, len(sets), 1000):
            part = sets[start : start + 1000]
            done = self.changed(self.without(part))
            if done.any():
                return np.asarray(part[int(done.argmax())], dtype=np.intp)
        return None

    # -- where entries add up -----------------------------------------------------------------

    def exactly(self) -> tuple[np.ndarray | None, int, bool]:
        """Solve for the smallest set: its entries, a lower bound, and whether it is smallest."""
        lead, gains, needed = self._numbers()
        best, at_most = None, self.n_entries - 1  # without any, the prior decides
        order = greedy_order(lead, gains, needed)
        ahead = (lead[:, None] + np.cumsum(gains[:, order], axis=1) > 0).sum(axis=0) >= needed
        if ahead[:-1].any():
            best = self._checked(order[: int(ahead.argmax()) + 1])
        if best is not None:
            at_most = len(best) - 1
        lower, proven, failed = 1, at_most == 0, list[np.ndarray]()
        while at_most > 0 and not proven and len(failed) < _TRIED:
            found = smallest_set(lead, gains, needed, at_most, failed, _NODES)
            lower = max(lower, found.lower_bound)
            if found.entries is None:
                proven = found.is_exhausted
                break
            if self._checked(found.entries) is None:
                failed.append(found.entries)
                continue
            best, at_most, proven = found.entries, len(found.entries) - 1, found.is_exhausted
            if not proven:
                break
        if best is None:
            best = self._checked(np.arange(self.n_entries))
        size = self.n_entries + 1 if best is None else len(best)
        return best, size if proven else min(lower, size), proven

    def _checked(self, entries: np.ndarray) -> np.ndarray | None:
        return self.first([entries])

    def _numbers(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Lead of each rival, its gain by each entry, and how many have to be ahead.

        To enter is to leave in reverse: enough rivals have to fall behind.
        """
        place = self.place
        rivals = place.rivals
        own, precision = self._contributions(np.array([place.item]))
        gains = np.empty((len(rivals), self.n_entries))
        step = max(1, 2**22 // self.n_entries)
        for start in range(0, len(rivals), step):  # heads of all at once would fill the memory
            some = slice(start, start + step)
            gains[some] = own - self._contributions(rivals[some])[0]
        lead = place.scores[rivals] - place.scores[place.item]
        sign = 1 if place.is_listed else -1
        size = np.abs(own).sum() + abs(place.scores[place.item])
        tie = np.where(rivals < place.item, sign, -sign) * _ROUNDING * precision * size
        needed = place.k if place.is_listed else len(rivals) - place.k + 1
        return sign * lead + tie, sign * gains, needed

    def _contributions(self, items: np.ndarray) -> tuple[np.ndarray, float]:
        """Give what each entry adds to scores of items, (n, n_entries), and their precision."""
        parts = self.place.explain(items)
        assert parts is not None
        added = np.zeros((len(items), self.n_entries))
        added[:, np.searchsorted(self.place.history.X.indices, parts.sources)] = parts.contributions
        return added, float(np.finfo(parts.scores.dtype).eps)

    # -- where they do not --------------------------------------------------------------------

    def by_trial(self) -> tuple[np.ndarray | None, int, bool]:
        """Try sets: entries that will do, a lower bound, and whether there is no smaller set."""
        n = self.n_entries
        single = self.first([[entry] for entry in range(n)])
        if single is not None:
            return single, 1, True
        order = self._order()
        best = self.first([order[:size] for size in range(2, n + 1)])
        while best is not None and len(best) > 2 and self.budget > 0:
            fewer = self.first([np.delete(best, place) for place in range(len(best))])
            if fewer is None:
                break
            best = fewer
        size = 2
        largest = n + 1 if best is None else len(best)
        while size < largest and comb(n, size) <= self.budget:
            sets = combinations(range(n), size)
            while part := list(islice(sets, 1000)):
                found = self.first(part)
                if found is not None:
                    return found, size, True
            size += 1
        return best, min(size, largest), size >= largest

    def _order(self) -> np.ndarray:
        """Order entries by what the scores lose without each of them."""
        place = self.place
        near = place.rivals[: max(_NEAR, 2 * int(place.is_ahead(place.rivals).sum()))]
        columns = np.append(near, place.item)
        fewer = place.history.without_each_entry()
        self.budget -= self.n_entries
        rows = scores_of_rows(
            place.estimator,
            place.history.given,
            fewer.X,
            fewer.context,
            lambda scores, _: scores[:, columns].astype(np.float64),
        )
        left = np.concatenate(list(rows))  # (n_entries, n_near + 1)
        lead = place.scores[near] - place.scores[place.item]
        gains = (left[:, :-1] - left[:, -1:]).T - lead[:, None]
        needed = place.k if place.is_listed else max(1, len(near) - place.k + 1)
        sign = 1 if place.is_listed else -1
        return greedy_order(sign * lead, sign * gains, min(needed, len(near)))

    # -- ratings ------------------------------------------------------------------------------

    def ratings(self, values: np.ndarray) -> dict[int, float]:
        """Find, for each entry, the nearest rating that alone makes the item leave or enter."""
        X = self.place.history.X
        entries = np.repeat(np.arange(X.nnz), len(values))
        tried = np.tile(values, X.nnz)
        differs = X.data[entries] != tried
        entries, tried = entries[differs], tried[differs]
        found: dict[int, float] = {}
        for start in range(0, len(entries), 1000):
            some = slice(start, start + 1000)
            n_rows = len(entries[some])
            copies = self.without([[]] * n_rows)
            copies.X.data[np.arange(n_rows) * X.nnz + entries[some]] = tried[some]
            for entry, value, done in zip(
                entries[some], tried[some], self.changed(copies), strict=True
            ):
                column, own = int(X.indices[entry]), X.data[entry]
                known = found.get(column)
                if done and (known is None or abs(value - own) < abs(known - own)):
                    found[column] = float(value)
        return found
