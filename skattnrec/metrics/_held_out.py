"""Checks of held-out ratings, and of what comes with histories when they are scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.metadata_routing import UNUSED

from .._blocks import take_entries
from .._validation import as_interactions

__all__ = ["ROUTED", "check_held_out", "check_same_labels", "unseen"]

# what scorers get without any set_score_request call; the estimator is no metadata
ROUTED: dict[str, Any] = {"estimator": UNUSED, "timestamps": True, "user_features": True}


def check_held_out(y: Any, X: sp.csr_array) -> sp.csr_array:
    """Check a matrix of held-out ratings: of the shape of X."""
    if not sp.issparse(y) and np.ndim(y) != 2:
        raise ValueError(
            "y must be None or a matrix of held-out ratings of the shape of X, "
            f"{X.shape}; got an array of {np.ndim(y)} dimension(s)."
        )
    y = as_interactions(y, "y")
    if y.shape != X.shape:
        raise ValueError(f"y has shape {y.shape}, X has {X.shape}: they must be equal.")
    return y


def check_same_labels(name: str, other: Any, X: Any) -> None:
    """Refuse a DataFrame whose rows or columns are others, or in another order, than those of X."""
    if not (hasattr(other, "iloc") and hasattr(X, "iloc") and len(other) == len(X)):
        return
    for axis in ("index",) if name == "user_features" else ("columns", "index"):
        if not getattr(other, axis).equals(getattr(X, axis)):
            raise ValueError(
                f"{name} and X are DataFrames whose {axis} differ: bring {name} into the order of "
                f"X, for example by {name}.reindex({axis}=X.{axis})."
            )


def unseen(held_out: sp.csr_array, history: sp.csr_array) -> sp.csr_array:
    """Drop the held-out entries that are in the history too."""
    n_items = history.shape[1]
    return take_entries(held_out, ~np.isin(_flat(held_out, n_items), _flat(history, n_items)))


def _flat(X: sp.csr_array, n_items: int) -> np.ndarray:
    """Give the numbers of the stored cells, counted row by row."""
    return np.repeat(np.arange(X.shape[0], dtype=np.int64) * n_items, np.diff(X.indptr)) + X.indices
