"""The recommender inside pipelines and searches, its items' names, and its attention."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._explanation import label_items
from .._kernels.entries import rows_of_entries
from .._validation import as_interactions

__all__ = [
    "AttendedHistory",
    "attend",
    "attention_model",
    "attention_shares",
    "name_items",
    "one_history",
    "unwrap",
]


class AttendedHistory(NamedTuple):
    """One history and what a model attends to in it.

    Attributes
    ----------
    entries : csr_array of shape (1, n_items)
        The history as it was given.
    labels : list of str of length n_entries
        Names of its items.
    shares : ndarray of shape (n_heads, n_entries)
        Attention of each head; rows sum to 1.
    temperatures : ndarray of shape (n_heads,)
        Temperature of each head.
    """

    entries: sp.csr_array
    labels: list[str]
    shares: np.ndarray
    temperatures: np.ndarray


def unwrap(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Find the model inside fitted searches and pipelines.

    Parameters
    ----------
    estimator : object
        A fitted recommender, pipeline that ends in one, or search over either.
    X : {array-like, sparse matrix} of shape (n_rows, n_items)
        Histories.

    Returns
    -------
    model : object
        The recommender.
    X : {array-like, sparse matrix} of shape (n_rows, n_items)
        The histories after all steps before the model.
    """
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            if len(estimator.steps) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        else:
            return estimator, X


def attention_model(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Do what :func:`unwrap` does, and refuse models without attention."""
    model, X = unwrap(estimator, X)
    if not hasattr(model, "attention_weights"):
        raise TypeError(
            f"{type(model).__name__} has no attention weights; pass an AttentionRecommender or a "
            "MultiHeadAttentionRecommender. explain works for every recommender."
        )
    return model, X


def attention_shares(model: Any, X: Any, timestamps: Any = None) -> list[sp.csr_array]:
    """Attention of each head, divided by its sum over the history.

    Weights are comparable within a history only if ``smoothing`` is below 1; their shares always
    are, also between users and heads.

    Parameters
    ----------
    model, X
        As from :func:`attention_model`.
    timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
        The time of every entry of ``X``.

    Returns
    -------
    list of n_heads csr_array of shape (n_rows, n_items)
        Rows sum to 1, but for empty ones. The stored entries are those of ``X``.
    """
    metadata = {} if timestamps is None else {"timestamps": timestamps}
    shares = []
    for weights in model.attention_weights(X, **metadata):
        rows = rows_of_entries(weights.indptr)
        # in float64: thousands of shares have to sum to 1
        share = weights.data / np.bincount(rows, weights.data, minlength=weights.shape[0])[rows]
        shares.append(sp.csr_array((share, weights.indices, weights.indptr), shape=weights.shape))
    return shares


def attend(
    estimator: Any, X: Any, caller: str, *, item_names: Any = None, timestamps: Any = None
) -> AttendedHistory:
    """Ask a fitted estimator what it attends to in one history.

    Raises
    ------
    TypeError
        If the model has no attention.
    ValueError
        If ``X`` is not one history, or it has no entries.
    """
    history = one_history(X, caller)
    if not history.nnz:
        raise ValueError("The history is empty: there is nothing to attend to.")
    model, seen = attention_model(estimator, X)
    heads = attention_shares(model, seen, timestamps)
    return AttendedHistory(
        history,
        label_items(history.indices, name_items(item_names, X, model)),
        np.array([share.toarray()[0, history.indices] for share in heads]),
        model.temperatures_,
    )


def name_items(item_names: Any, X: Any, model: Any) -> np.ndarray | None:
    """Names of the item columns: those given, else those of ``X`` or of the fitted model.

    Returns
    -------
    ndarray of shape (n_items,), object, or None
    """
    n_items = np.shape(X)[1]
    if item_names is None and hasattr(X, "iloc"):
        item_names = X.columns
    if item_names is None:
        item_names = getattr(model, "feature_names_in_", None)
    if item_names is None:
        return None
    names = np.asarray(item_names, dtype=object)
    if names.shape != (n_items,):
        raise ValueError(
            f"item_names must hold a name for each of the {n_items} items, got shape {names.shape}."
        )
    return names


def one_history(X: Any, caller: str) -> sp.csr_array:
    """Check that X is a single history; as a canonical CSR array."""
    history = as_interactions(X)
    if history.shape[0] != 1:
        raise ValueError(f"{caller} takes one history, X has {history.shape[0]} rows.")
    return history
