"""What is known of histories beside their ratings: when entries were made, and of whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._user_features import check_user_features
from ._validation import check_timestamps

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """Times and user features of histories ``X``, a CSR array of shape (n_rows, n_items).

    Attributes
    ----------
    times : ndarray of shape (X.nnz,) or None
        The time of every stored entry.
    features : csr_array of shape (n_rows, n_user_features) or None
        User features, as they were given.
    """

    times: np.ndarray | None = None
    features: sp.csr_array | None = None

    @classmethod
    def of(cls, X: sp.csr_array, timestamps: Any = None, user_features: Any = None) -> Context:
        """Check times and features of checked histories, which they belong to.

        Raises
        ------
        ValueError
            As :func:`~skattnrec._validation.check_timestamps` and
            :func:`~skattnrec._user_features.check_user_features` do.
        """
        if timestamps is None and user_features is None:
            return _NOTHING
        features = check_user_features(user_features, X.shape[0])
        return cls(check_timestamps(timestamps, X), features)

    def of_block(self, X: sp.csr_array, start: int, stop: int) -> Context:
        """Give the context of rows ``start`` to ``stop`` of ``X``."""
        if self is _NOTHING or (start == 0 and stop >= X.shape[0]):
            return self
        first, last = X.indptr[start], X.indptr[min(stop, X.shape[0])]
        times = None if self.times is None else self.times[first:last]
        return Context(times, None if self.features is None else self.features[start:stop])

    def of_rows(self, X: sp.csr_array, rows: np.ndarray) -> tuple[sp.csr_array, Context]:
        """Take some rows of ``X``, by number or as a mask, and their context."""
        features = None if self.features is None else self.features[rows]
        if self.times is None:
            return X[rows], Context(None, features)
        places = sp.csr_array((np.arange(X.nnz), X.indices, X.indptr), shape=X.shape)[rows]
        taken = X.data[places.data], places.indices, places.indptr
        X = sp.csr_array(taken, shape=places.shape)
        return X, Context(self.times[places.data], features)

    def of_entries(self, entries: np.ndarray) -> Context:
        """Keep the times of some entries, by number or as a mask; the rows stay the same."""
        if self.times is None:
            return self
        return Context(self.times[entries], self.features)

    def as_metadata(self, X: sp.csr_array) -> dict[str, Any]:
        """Give it as the arguments that public methods take."""
        metadata: dict[str, Any] = {}
        if self.times is not None:
            stamped = self.times, X.indices, X.indptr
            metadata["timestamps"] = sp.csr_array(stamped, shape=X.shape)
        if self.features is not None:
            metadata["user_features"] = self.features
        return metadata


_NOTHING = Context()
