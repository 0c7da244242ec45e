"""Histories with their context, and what a model attends to in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from .. import _scores
from .._blocks import take_entries
from .._context import Context
from .._kernels.entries import rows_of_entries
from .._names import label_items, name_items
from .._validation import as_interactions

__all__ = ["Attended", "Histories", "attend", "attention_model", "attention_shares", "unwrap"]


@dataclass(frozen=True)
class Histories:
    """Rows of a matrix, what is known beside them, and the form they were given in."""

    X: sp.csr_array
    context: Context
    columns: Any = None  # names of the items, if the matrix was a DataFrame

    @classmethod
    def of(cls, X: Any, timestamps: Any = None, user_features: Any = None) -> Histories:
        """Check histories, their times, and the features of their users."""
        known = as_interactions(X)
        columns = X.columns if isinstance(X, pd.DataFrame) else None
        return cls(known, Context.of(known, timestamps, user_features), columns)

    def one(self, caller: str) -> Histories:
        """Check that there is a single history."""
        if self.X.shape[0] != 1:
            raise ValueError(f"{caller} takes one history, X has {self.X.shape[0]} rows.")
        return self

    @property
    def given(self) -> Any:
        """What to hand to an estimator: one fitted on a DataFrame expects its names again."""
        if self.columns is None:
            return self.X
        return pd.DataFrame(self.X.toarray(), columns=self.columns)

    @property
    def times(self) -> np.ndarray | None:
        """The time of every element of ``X.data``."""
        return self.context.times

    @property
    def metadata(self) -> dict[str, Any]:
        """The context as an estimator takes it."""
        return self.context.as_metadata(self.X)

    def scores(self, estimator: Any, rows: Any, items: Any) -> np.ndarray:
        """Score item ``items[p]`` by the history in row ``rows[p]``, for every p."""
        return _scores.scores_of_pairs(estimator, self.given, rows, items, **self.metadata)

    def rows(self, rows: Any) -> Histories:
        """Keep some rows."""
        return Histories(*self.context.of_rows(self.X, rows), self.columns)

    def keep(self, mask: np.ndarray) -> Histories:
        """Keep some entries; zeros among them stay stored."""
        return Histories(take_entries(self.X, mask), self.context.of_entries(mask), self.columns)

    def take(self, entries: np.ndarray, indptr: np.ndarray, users: np.ndarray) -> Histories:
        """Make rows of entries: row r has those that ``entries[indptr[r]:indptr[r + 1]]`` names.

        ``users[r]`` is the row whose features it gets.
        """
        parts = self.X.data[entries], self.X.indices[entries], indptr
        X = sp.csr_array(parts, shape=(len(indptr) - 1, self.X.shape[1]))
        features = None if self.context.features is None else self.context.features[users]
        times = None if self.times is None else self.times[entries]
        return Histories(X, Context(times, features), self.columns)

    def without_each_entry(self) -> Histories:
        """Copy rows as often as they have entries: copy p lacks stored entry p."""
        lengths = np.diff(self.X.indptr).astype(np.int64)
        size = np.repeat(lengths, lengths)  # of the row that each copy is of
        begins = np.repeat(self.X.indptr[:-1].astype(np.int64), lengths)
        place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        source = np.repeat(begins, size) + place  # the entry that is copied
        source = source[source != np.repeat(np.arange(self.X.nnz), size)]
        users = rows_of_entries(self.X.indptr)
        return self.take(source, np.concatenate([[0], np.cumsum(size - 1)]), users)


def unwrap(estimator: Any, histories: Histories) -> tuple[Any, Histories]:
    """Find the model inside fitted searches and pipelines, and the histories that reach it."""
    given = histories.given
    model, seen = _scores.unwrap(estimator, given)
    if seen is given:
        return model, histories
    return model, Histories.of(seen, **histories.metadata)


def attention_model(estimator: Any, histories: Histories) -> tuple[Any, Histories]:
    """Do what :func:`unwrap` does, and refuse models without attention."""
    model, seen = unwrap(estimator, histories)
    if not hasattr(model, "attention_weights"):
        raise TypeError(
            f"{type(model).__name__} has no attention weights; pass one of the attention "
            "recommenders. explain works for every recommender."
        )
    return model, seen


def attention_shares(model: Any, histories: Histories) -> list[sp.csr_array]:
    """Attention of each head, divided by its sum over the history.

    Weights are comparable within a history only if ``smoothing`` is below 1; their shares always
    are, also between users and heads. Rows sum to 1, but for empty ones; the stored entries are
    those of the histories.
    """
    shares = []
    for weights in model.attention_weights(histories.given, **histories.metadata):
        rows = rows_of_entries(weights.indptr)
        # in float64: thousands of shares have to sum to 1
        share = weights.data / np.bincount(rows, weights.data, minlength=weights.shape[0])[rows]
        shares.append(sp.csr_array((share, weights.indices, weights.indptr), shape=weights.shape))
    return shares


class Attended(NamedTuple):
    """One history and what a model attends to in it, entry by entry."""

    history: Histories  # as it was given
    item_names: list[str]
    weights: np.ndarray  # shares of attention, (n_heads, n_entries)
    ratings: np.ndarray
    times: np.ndarray | None
    temperatures: np.ndarray  # of each head
    half_lives: np.ndarray | None  # of each head of a model of sequences


def attend(
    estimator: Any,
    X: Any,
    caller: str,
    item_names: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
) -> Attended:
    """Ask a fitted estimator what it attends to in one history, which must have entries."""
    history = Histories.of(X, timestamps, user_features).one(caller)
    columns = history.X.indices
    if not len(columns):
        raise ValueError("The history is empty: there is nothing to attend to.")
    model, seen = attention_model(estimator, history)
    shares = np.array([share.toarray()[0, columns] for share in attention_shares(model, seen)])
    names = label_items(columns, name_items(item_names, X, model))
    heads = model.temperatures_, getattr(model, "half_lives_", None)
    return Attended(history, names, shares, history.X.data, history.times, *heads)
