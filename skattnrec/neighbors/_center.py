"""What a rating is compared with: the centre c_ui of user u and item i.

All centres are the sum of an offset of the item, which is learned, and one of the history, which
is worked out from the history itself; so new users need no special treatment.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels.baseline import DAMPING, fit_baseline, row_offsets
from .._kernels.entries import rows_of_entries

__all__ = ["Center", "rows_of"]


def rows_of(X: sp.csr_array) -> np.ndarray:
    """Row number of every entry."""
    return rows_of_entries(X.indptr)


class Center:
    """Centres :math:`c_{ui} = a_i + a_u`.

    Parameters
    ----------
    item_offsets : ndarray of shape (n_items,)
        a_i.
    row_damping : float or None
        a_u is the mean of :math:`r_{uj} - a_j` over the history, as if it held this many more
        entries of value 0; None for no offset of histories.
    """

    def __init__(self, item_offsets: np.ndarray, row_damping: float | None):
        self.item_offsets = item_offsets
        self.row_damping = row_damping

    @classmethod
    def fit(cls, X: sp.csr_array, kind: str | None) -> Center:
        """Learn the item offsets of a kind of centre: None, "user", "item" or "baseline"."""
        n_items = X.shape[1]
        if kind in (None, "user"):
            offsets = np.zeros(n_items)
        else:
            damping = DAMPING if kind == "baseline" else 0.0
            mean, offsets, _ = fit_baseline(
                X.indptr, X.indices, X.data, n_items, item_damping=damping
            )
            offsets += mean
        row_damping = {"user": 0.0, "baseline": DAMPING}.get(kind) if kind else None
        return cls(offsets.astype(X.dtype), row_damping)

    def of_rows(self, X: sp.csr_array) -> np.ndarray:
        """Offsets of histories, (n_rows,)."""
        if self.row_damping is None:
            return np.zeros(X.shape[0], X.dtype)
        offsets = row_offsets(X.indptr, X.indices, X.data, self.item_offsets, self.row_damping)
        return offsets.astype(X.dtype)

    def residuals(self, X: sp.csr_array) -> np.ndarray:
        """Subtract their centres from the entries of X, (nnz,)."""
        return X.data - self.item_offsets[X.indices] - self.of_rows(X)[rows_of(X)]
