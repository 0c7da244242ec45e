"""Histories with their times, and what is made of them: fewer rows, fewer entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from .._blocks import take_rows
from .._kernels.entries import select_entries
from .._scores import scores_of_pairs
from .._validation import as_interactions, check_timestamps

__all__ = ["Histories"]


@dataclass(frozen=True)
class Histories:
    """Rows of a matrix, the times of their entries, and the form they were given in."""

    X: sp.csr_array
    times: np.ndarray | None  # of every element of X.data
    columns: Any = None  # names of the items, if the matrix was a DataFrame

    @classmethod
    def of(cls, X: Any, timestamps: Any = None) -> Histories:
        """Check histories, and their times."""
        known = as_interactions(X)
        columns = X.columns if isinstance(X, pd.DataFrame) else None
        return cls(known, check_timestamps(timestamps, known), columns)

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
    def metadata(self) -> dict[str, Any]:
        """The times as an estimator takes them."""
        if self.times is None:
            return {}
        stamped = self.times, self.X.indices, self.X.indptr
        return {"timestamps": sp.csr_array(stamped, shape=self.X.shape)}

    def scores(self, estimator: Any, rows: Any, items: Any) -> np.ndarray:
        """Score item ``items[p]`` by the history in row ``rows[p]``, for every p."""
        return scores_of_pairs(estimator, self.given, rows, items, **self.metadata)

    def rows(self, rows: Any) -> Histories:
        """Keep some rows."""
        return Histories(*take_rows(self.X, self.times, rows), self.columns)

    def keep(self, mask: np.ndarray) -> Histories:
        """Keep some entries; zeros among them stay stored."""
        X = self.X
        parts = select_entries(X.data, X.indices, X.indptr, mask)
        times = None if self.times is None else self.times[mask]
        return Histories(sp.csr_array(parts, shape=X.shape), times, self.columns)

    def take(self, entries: np.ndarray, indptr: np.ndarray) -> Histories:
        """Make rows of entries: row r has those that ``entries[indptr[r]:indptr[r + 1]]`` names."""
        parts = self.X.data[entries], self.X.indices[entries], indptr
        X = sp.csr_array(parts, shape=(len(indptr) - 1, self.X.shape[1]))
        times = None if self.times is None else self.times[entries]
        return Histories(X, times, self.columns)

    def without_each_entry(self) -> Histories:
        """Copy rows as often as they have entries: copy p lacks stored entry p."""
        lengths = np.diff(self.X.indptr).astype(np.int64)
        size = np.repeat(lengths, lengths)  # of the row that each copy is of
        begins = np.repeat(self.X.indptr[:-1].astype(np.int64), lengths)
        place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        source = np.repeat(begins, size) + place  # the entry that is copied
        source = source[source != np.repeat(np.arange(self.X.nnz), size)]
        return self.take(source, np.concatenate([[0], np.cumsum(size - 1)]))
