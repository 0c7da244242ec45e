"""Scores that are followed while entries of the histories go, and what each entry matters for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._kernels.entries import rows_of_entries
from .._names import aligned, columns_of, labelled, labels_of
from .._scores import scores_of_rows
from .._validation import check_pairs
from ._attended import attention_model, attention_shares
from ._explain import explain
from ._histories import Histories

__all__ = ["ORDERS", "Followed", "follow", "importances"]

ORDERS = ("contribution", "attention", "random")


class Followed(NamedTuple):
    """Histories from which entries are to go, and the item of each whose score is followed."""

    users: np.ndarray  # rows among those given, or their labels; short histories are left out
    histories: Histories
    items: np.ndarray  # column of the item of each
    labels: np.ndarray  # the same, or names of the items
    scores: np.ndarray  # of the items, by the whole history


def follow(estimator: Any, X: Any, items: Any, timestamps: Any, min_entries: int) -> Followed:
    """Choose the item of each history, by default the best unseen one.

    Raises
    ------
    ValueError
        If no history has ``min_entries`` entries, one holds all items and none is named, or
        ``items`` are not one item for each user.
    """
    histories = Histories.of(X, timestamps)
    n_users, n_items = histories.X.shape
    kept = np.flatnonzero(np.diff(histories.X.indptr) >= min_entries)
    if not len(kept):
        raise ValueError(f"Nothing can be left out: no history has {min_entries} entries or more.")
    chosen = None
    if items is not None:
        columns = columns_of(aligned(items, labels_of(X, axis=0), "items"), labels_of(X, axis=1))
        chosen = check_pairs(np.arange(n_users), columns, histories.X.shape)[1][kept]
    histories = histories.rows(kept)

    def choose(scores: np.ndarray, start: int) -> np.ndarray:
        rows = np.arange(len(scores))
        if chosen is not None:
            best = chosen[start : start + len(scores)]
        else:
            block = histories.X[start : start + len(scores)]
            if np.diff(block.indptr).max() == n_items:
                raise ValueError("A history holds all items: name the items to follow.")
            unseen = scores.copy()
            unseen[rows_of_entries(block.indptr), block.indices] = -np.inf
            best = unseen.argmax(axis=1)
        return np.column_stack([best, scores[rows, best]])

    blocks = scores_of_rows(estimator, X, histories.X, histories.times, choose)
    best, scores = np.concatenate(list(blocks)).T
    best = best.astype(np.intp)
    users, labels = labelled(kept, X, axis=0), labelled(best, X, axis=1)
    return Followed(users, histories, best, labels, scores)


def importances(estimator: Any, history: Histories, item: int, order: str) -> np.ndarray:
    """How much each stored entry of one history matters for the score of one item.

    "contribution": what it adds to the score (by leave-one-out for models that explain by other
    users). "attention": its mean share of the attention of the heads.
    """
    if order == "attention":
        heads = attention_shares(*attention_model(estimator, history))
        return np.mean([share.data for share in heads], axis=0)
    asked = {"item_names": np.arange(history.X.shape[1]), **history.metadata}
    parts = explain(estimator, history.given, [item], **asked)
    if parts.source != "item":
        parts = explain(estimator, history.given, [item], method="leave_one_out", **asked)
    on_items = np.zeros(history.X.shape[1])
    on_items[parts.sources] = parts.contributions[0]
    return on_items[history.X.indices]
