"""Looking up the items of recommendation lists among the relevant ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import select_entries
from .._validation import as_interactions

__all__ = ["Judged", "average_users", "check_list_cutoff", "check_lists", "judge"]

_LARGEST_EXP2_GRADE = 1000  # 2**1024 overflows
_LARGEST_LINEAR_GRADE = 1e300  # and so do sums of larger grades


@dataclass(frozen=True)
class Judged:
    """Lists whose items have been looked up among the relevant ones, once for all metrics.

    Attributes
    ----------
    gains : ndarray of shape (n_users, m), float64
        Gain of the item at each position, 0 for items that are not relevant and for padding.
    relevant : csr_array of shape (n_users, n_items), float64
        Gains of the relevant items, all > 0.
    """

    gains: np.ndarray
    relevant: sp.csr_array

    @property
    def n_relevant(self) -> np.ndarray:
        """Number of relevant items of each user."""
        return np.diff(self.relevant.indptr)


def judge(recommended: Any, relevant: Any, gain: str = "binary") -> Judged:
    """Check lists and relevance, and look up the gain of every recommended item."""
    relevant = as_interactions(relevant, "relevant")
    n_users, n_items = relevant.shape
    recommended = check_lists(recommended, n_items)
    if len(recommended) != n_users:
        raise ValueError(
            f"recommended has {len(recommended)} rows, relevant has {n_users}: they must have "
            "one row for each user."
        )
    is_relevant = relevant.data > 0
    relevant = sp.csr_array(
        select_entries(_gains(relevant.data, gain), relevant.indices, relevant.indptr, is_relevant),
        shape=relevant.shape,
    )
    # cells of the matrix numbered row by row: one sorted list serves all rows
    row_starts = np.arange(n_users, dtype=np.int64) * n_items
    stored = np.repeat(row_starts, np.diff(relevant.indptr)) + relevant.indices
    wanted = row_starts[:, None] + recommended  # (n_users, m)
    gains = np.zeros(wanted.shape)
    if relevant.nnz:
        place = np.minimum(np.searchsorted(stored, wanted), relevant.nnz - 1)
        found = (stored[place] == wanted) & (recommended >= 0)
        gains[found] = relevant.data[place[found]]
    return Judged(gains, relevant)


def check_lists(recommended: Any, n_items: int) -> np.ndarray:
    """Check lists: item columns or -1, and no item twice in a row; int64, (n_users, m)."""
    recommended = np.asarray(recommended)
    if recommended.ndim != 2 or recommended.size == 0 or recommended.dtype.kind not in "iu":
        raise ValueError(
            "recommended must be a non-empty two-dimensional array of item columns (integers), "
            f"got {recommended.dtype} of shape {recommended.shape}."
        )
    recommended = recommended.astype(np.int64)
    ordered = np.sort(recommended, axis=1)
    if ordered[:, 0].min() < -1 or ordered[:, -1].max() >= n_items:
        raise ValueError(
            f"recommended must hold item columns in [0, {n_items - 1}], or -1 as padding; "
            f"got values from {ordered[:, 0].min()} to {ordered[:, -1].max()}."
        )
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row, place = np.argwhere(twice)[0]
        raise ValueError(f"recommended holds item {ordered[row, place]} twice in row {row}.")
    return recommended


def check_list_cutoff(k: Any, length: int) -> None:
    """Check a cutoff of lists: an integer in [1, length]."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k must be an integer, got {k!r} of type {type(k).__name__}.")
    if not 1 <= k <= length:
        raise ValueError(
            f"k must be in [1, {length}], the length of the lists; got k={k}. "
            "Recommend longer lists, or pad them with -1."
        )


def _gains(grades: np.ndarray, gain: str) -> np.ndarray:
    grades = np.maximum(grades, 0).astype(np.float64)
    if gain == "binary":
        return (grades > 0).astype(np.float64)
    if gain == "linear":
        if grades.max(initial=0) > _LARGEST_LINEAR_GRADE:
            raise ValueError(
                f"gain='linear' cannot weigh a grade of {grades.max():g} (at most "
                f"{_LARGEST_LINEAR_GRADE:g}): divide the ratings by a constant."
            )
        return grades
    if gain != "exp2":
        raise ValueError(f"gain must be 'binary', 'linear' or 'exp2', got {gain!r}.")
    if grades.max(initial=0) > _LARGEST_EXP2_GRADE:
        raise ValueError(
            f"gain='exp2' cannot weigh a grade of {grades.max():g} (at most "
            f"{_LARGEST_EXP2_GRADE}): use gain='linear', or take logarithms of counts first."
        )
    return np.exp2(grades) - 1


def average_users(values: np.ndarray, name: str, undefined: str) -> float:
    """Mean over the users that have a value; an error that says ``undefined`` if none has."""
    values = values[~np.isnan(values)]
    if not values.size:
        raise ValueError(f"{name} is undefined: {undefined}")
    return float(values.mean())
