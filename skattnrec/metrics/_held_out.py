"""What scorers hold out, and checks of it and of what comes with histories."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED

from .._blocks import take_entries
from .._kernels.entries import count_share, hash_keys, largest_in_row
from .._validation import as_interactions

__all__ = ["ROUTED", "check_held_out", "check_same_labels", "hide_entries", "unseen"]

_SHARE = 0.2  # of each history, hidden where nothing tells the order of its entries

# what scorers get without any set_score_request call; the estimator is no metadata
ROUTED: dict[str, Any] = {"estimator": UNUSED, "timestamps": True, "user_features": True}


def hide_entries(
    X: sp.csr_array,
    times: np.ndarray | None,
    holdout: float | str,
    n_given: int | None,
    random_state: Any,
) -> np.ndarray:
    """Choose what to hide of each history.

    Parameters
    ----------
    X : csr_array of shape (n_users, n_items)
    times : ndarray of shape (X.nnz,) or None
    holdout, n_given, random_state
        As scorers take them.

    Returns
    -------
    ndarray of shape (X.nnz,), bool

    Raises
    ------
    ValueError
        If ``holdout`` is "last" and there are no times.
    """
    if holdout == "last" and times is None:
        raise ValueError(
            "holdout='last' needs timestamps. Give them to the scorer, or enable scikit-learn's "
            "metadata routing and pass timestamps to fit of a search or as params of "
            "cross_validate."
        )
    lengths = np.diff(X.indptr).astype(np.int64)
    seed = check_random_state(random_state).randint(2**32, dtype=np.uint64)
    drawn = hash_keys(X.indptr, X.indices, seed)
    keys, ties = (
        (drawn, None) if times is None or holdout not in ("auto", "last") else (times, drawn)
    )
    if n_given is not None:
        counts = np.maximum(lengths - n_given, 0)
    elif ties is not None:
        counts = (lengths > 1).astype(np.int64)
    else:
        counts = count_share(lengths, _SHARE if isinstance(holdout, str) else holdout)
    return largest_in_row(X.indptr, keys, counts, ties)


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
    if not (hasattr(other, "iloc") and hasattr(X, "iloc") and other.shape == X.shape):
        return
    for axis in ("columns", "index"):
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
