"""What a rating is compared with: the centre c_ui of user u and item i.

All centres are the sum of an offset of the item, which is learned, and one of the history, which
is worked out from the history itself; so new users need no special treatment.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._kernels.baseline import DAMPING, fit_baseline, row_offsets
from .._kernels.entries import rows_of_entries
from .._kernels.rounding import without_rounding

__all__ = ["Center"]


class Center:
    """Centres :math:`c_{ui} = a_i + a_u`.

    Parameters
    ----------
    item_offsets : ndarray of shape (n_items,)
        a_i.
    item_sizes : ndarray of shape (n_items,)
        How large the numbers are that a_i was worked out from.
    row_damping : float or None
        a_u is the mean of :math:`r_{uj} - a_j` over the history, as if it held this many more
        entries of value 0; None for no offset of histories.
    """

    def __init__(self, item_offsets: np.ndarray, item_sizes: np.ndarray, row_damping: float | None):
        self.item_offsets = item_offsets
        self.item_sizes = item_sizes
        self.row_damping = row_damping
        self._is_zero = row_damping is None and not item_sizes.any()

    @classmethod
    def fit(cls, X: sp.csr_array, kind: str) -> Center:
        """Learn the item offsets of a kind of centre: "zero", "mean", "user", "item" or "baseline".

        "mean" is that of all ratings, which neither users nor items change.
        """
        n_items = X.shape[1]
        offsets, sizes = np.zeros(n_items), np.zeros(n_items)
        if kind in ("item", "baseline"):
            damping = DAMPING if kind == "baseline" else 0.0
            mean, offsets, _ = fit_baseline(
                X.indptr, X.indices, X.data, n_items, item_damping=damping
            )
            offsets += mean
            np.maximum.at(sizes, X.indices, np.abs(X.data).astype(np.float64))
            np.maximum(sizes, abs(mean), out=sizes)
        if kind == "mean" and X.nnz:
            offsets += X.data.mean(dtype=np.float64)
            sizes += abs(offsets[0])
        row_damping = {"user": 0.0, "baseline": DAMPING}.get(kind)
        return cls(offsets, sizes, row_damping)

    def of_rows(self, X: sp.csr_array) -> np.ndarray:
        """Offsets of histories, (n_rows,) float64."""
        if self.row_damping is None:
            return np.zeros(X.shape[0])
        return row_offsets(X.indptr, X.indices, X.data, self.item_offsets, self.row_damping)

    def residuals(self, X: sp.csr_array) -> np.ndarray:
        """Subtract their centres from the entries of X, (nnz,); what is rounding becomes 0."""
        if self._is_zero:
            return X.data.copy()
        rows = rows_of_entries(X.indptr)
        size = np.abs(X.data).astype(np.float64)
        sizes = size + self.item_sizes[X.indices]
        if self.row_damping is not None:
            largest = np.zeros(X.shape[0])
            np.maximum.at(largest, rows, size)
            sizes += largest[rows]
        differences = X.data - self.item_offsets[X.indices] - self.of_rows(X)[rows]
        return without_rounding(differences, sizes, X.dtype).astype(X.dtype)
