"""The recommender inside pipelines and searches, and what it attends to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .. import _scores
from .._kernels.entries import rows_of_entries
from .._names import label_items, name_items
from ._histories import Histories

__all__ = ["Attended", "attend", "attention_model", "attention_shares", "unwrap"]


def unwrap(estimator: Any, histories: Histories) -> tuple[Any, Histories]:
    """Find the model inside fitted searches and pipelines, and the histories that reach it.

    Raises
    ------
    ValueError
        If steps before the model change the number of columns, which are then no items any more.
    """
    given = histories.given
    model, seen = _scores.unwrap(estimator, given)
    if seen is given:
        return model, histories
    return model, Histories.of(seen, histories.metadata.get("timestamps"))


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
    """One history and what a model attends to in it."""

    history: Histories  # as it was given; its entries are those of the others
    labels: list[str]  # names of the items, of length n_entries
    shares: np.ndarray  # attention, (n_heads, n_entries); rows sum to 1
    temperatures: np.ndarray  # of each head, (n_heads,)
    half_lives: np.ndarray | None  # the same, of sequences


def attend(
    estimator: Any, X: Any, caller: str, item_names: Any = None, timestamps: Any = None
) -> Attended:
    """Ask a fitted estimator what it attends to in one history.

    Raises
    ------
    TypeError
        If the model has no attention.
    ValueError
        If ``X`` is not one history, or it has no entries.
    """
    history = Histories.of(X, timestamps).one(caller)
    columns = history.X.indices
    if not len(columns):
        raise ValueError("The history is empty: there is nothing to attend to.")
    model, seen = attention_model(estimator, history)
    shares = [share.toarray()[0, columns] for share in attention_shares(model, seen)]
    labels = label_items(columns, name_items(item_names, X, model))
    half_lives = getattr(model, "half_lives_", None)
    return Attended(history, labels, np.array(shares), model.temperatures_, half_lives)
