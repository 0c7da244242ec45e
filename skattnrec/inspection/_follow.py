"""One item of each history, and where its score and its place go as entries come and go."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._kernels.entries import rows_of_entries
from .._names import aligned, columns_of, labelled, labels_of
from .._scores import scores_of_rows
from .._validation import check_pairs
from ._explain import explain
from ._histories import Histories, attention_model, attention_shares

__all__ = ["Followed", "follow", "importances", "removal_ranks", "split_score"]


class Followed(NamedTuple):
    """Histories from which entries are to go, and the item of each whose score is followed."""

    estimator: Any
    users: np.ndarray  # rows among those given, or their labels; short histories are left out
    histories: Histories
    items: np.ndarray  # column of the item of each
    labels: np.ndarray  # the same, or names of the items

    def score(self, left: Histories) -> tuple[np.ndarray, np.ndarray]:
        """Score and rank the items by what is left of their histories.

        Returns
        -------
        scores : ndarray of shape (n_users,), float64
        ranks : ndarray of shape (n_users,)
            From 1, among the items that the whole history does not hold.
        """
        whole = self.histories.X

        def place(scores: np.ndarray, start: int) -> np.ndarray:
            items = self.items[start : start + len(scores)]
            rows = np.arange(len(scores))
            block = whole[start : start + len(scores)]
            own = scores[rows, items]
            others = scores.astype(np.float64)  # a copy
            others[rows_of_entries(block.indptr), block.indices] = -np.inf
            others[rows, items] = -np.inf
            ahead = others > own[:, None]
            ahead |= (others == own[:, None]) & (np.arange(whole.shape[1]) < items[:, None])
            return np.column_stack([own, 1 + ahead.sum(axis=1)])

        given = self.histories.rows([0]).given  # says whether columns have names
        blocks = scores_of_rows(self.estimator, given, left.X, left.context, place)
        scores, ranks = np.concatenate(list(blocks)).T
        return scores.astype(np.float64), ranks.astype(np.intp)


def follow(
    estimator: Any, X: Any, items: Any, timestamps: Any, user_features: Any, min_entries: int
) -> Followed:
    """Choose the item of each history that is long enough, by default the best unseen one."""
    histories = Histories.of(X, timestamps, user_features)
    n_users, n_items = histories.X.shape
    kept = np.flatnonzero(np.diff(histories.X.indptr) >= min_entries)
    if not len(kept):
        raise ValueError(f"Nothing can be left out: no history has {min_entries} entries or more.")
    if items is not None:
        columns = columns_of(aligned(items, labels_of(X, axis=0), "items"), labels_of(X, axis=1))
        chosen = check_pairs(np.arange(n_users), columns, histories.X.shape)[1][kept]
    histories = histories.rows(kept)
    if items is None:
        if np.diff(histories.X.indptr).max() == n_items:
            raise ValueError("A history holds all items: name the items to follow.")
        chosen = _best_unseen(estimator, X, histories)
    users, labels = labelled(kept, X, axis=0), labelled(chosen, X, axis=1)
    return Followed(estimator, users, histories, chosen, labels)


def _best_unseen(estimator: Any, X: Any, histories: Histories) -> np.ndarray:
    """Find the best item that each history does not hold; ties to the lower column."""

    def choose(scores: np.ndarray, start: int) -> np.ndarray:
        block = histories.X[start : start + len(scores)]
        unseen = scores.astype(np.float64)  # a copy
        unseen[rows_of_entries(block.indptr), block.indices] = -np.inf
        return unseen.argmax(axis=1)

    blocks = scores_of_rows(estimator, X, histories.X, histories.context, choose)
    return np.concatenate(list(blocks))


def importances(estimator: Any, history: Histories, item: int, order: Any) -> np.ndarray:
    """How much each stored entry of one history matters for the score of one item.

    "contribution": what it adds to the score (by leave-one-out for models that explain by other
    users). "attention": its mean share of the attention of the heads. A matrix: its entry for the
    item of the history, by row, and the item, by column.
    """
    if not isinstance(order, str):
        column = order[:, [item]]
        column = column.toarray() if sp.issparse(column) else np.asarray(column)
        return column.ravel()[history.X.indices].astype(np.float64)
    if order == "attention":
        heads = attention_shares(*attention_model(estimator, history))
        return np.mean([share.data for share in heads], axis=0)
    return split_score(estimator, history, item)[0]


def split_score(estimator: Any, history: Histories, item: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the score of one item by one history.

    Returns
    -------
    entries : ndarray of shape (n_entries,)
        What each stored entry adds; by leave-one-out for models that explain by other users.
    features : ndarray of shape (n_user_features,)
        What each feature of the user adds; of length 0 where the model has none.
    """
    asked = {"item_names": np.arange(history.X.shape[1]), **history.metadata}
    parts = explain(estimator, history.given, [item], **asked)
    if parts.source != "item":
        parts = explain(estimator, history.given, [item], method="leave_one_out", **asked)
    on_items = np.zeros(history.X.shape[1])
    on_items[parts.sources] = parts.contributions[0]
    features = history.context.features
    on_features = np.zeros(0 if features is None else features.shape[1])
    if parts.features is not None and parts.feature_contributions is not None:
        on_features[parts.features] = parts.feature_contributions[0]
    return on_items[history.X.indices], on_features


def removal_ranks(followed: Followed, order: Any, random: np.random.RandomState) -> np.ndarray:
    """When each entry goes, what matters most first; 0 is the first of its row."""
    X = followed.histories.X
    order = _check_order(order, X.shape[1])
    ranks = np.empty(X.nnz, dtype=np.int64)
    for row, item in enumerate(followed.items):  # explain answers for one history at a time
        place = slice(X.indptr[row], X.indptr[row + 1])
        importance = np.zeros(place.stop - place.start)
        if not (isinstance(order, str) and order == "random"):
            history = followed.histories.rows([row])
            importance = importances(followed.estimator, history, item, order)
        ties = random.random_sample(len(importance))
        ranks[place][np.lexsort((ties, -importance))] = np.arange(len(importance))
    return ranks


def _check_order(order: Any, n_items: int) -> Any:
    """Check a matrix that says how much items matter for items."""
    if isinstance(order, str):
        return order
    matrix = sp.csc_array(order) if sp.issparse(order) else np.asarray(order, dtype=float)
    if matrix.shape != (n_items, n_items):
        raise ValueError(
            f"order must have a row and a column for each of the {n_items} items, got shape "
            f"{matrix.shape}."
        )
    if not np.isfinite(matrix.data if sp.issparse(matrix) else matrix).all():
        raise ValueError("order must be finite, got NaN or infinity.")
    return matrix
