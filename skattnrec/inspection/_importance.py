"""How much each entry of a history matters for one score, by different accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._explain import explain
from ._unwrap import attention_model, attention_shares

__all__ = ["ORDERS", "importances"]

ORDERS = ("contribution", "attention", "random")


def importances(
    estimator: Any,
    history: sp.csr_array,
    item: int,
    order: str,
    timestamps: sp.csr_array | None = None,
    random: np.random.RandomState | None = None,
    dress: Callable[[sp.csr_array], Any] = lambda block: block,
) -> np.ndarray:
    """How much each stored entry of one history matters for the score of one item.

    Parameters
    ----------
    estimator : object
        Fitted.
    history : csr_array of shape (1, n_items)
        With entries.
    item : int
        The item.
    order : {"contribution", "attention", "random"}
        Contribution to the score (leave-one-out for models that explain by other users); mean
        share of attention over the heads; or nothing but chance.
    timestamps : csr_array of shape (1, n_items) or None
        The times.
    random : RandomState or None
        For "random".
    dress : callable
        Brings the history into the form that the estimator was fitted on.

    Returns
    -------
    ndarray of shape (nnz,)
    """
    if order == "random":
        assert random is not None
        return random.random_sample(history.nnz)
    if order == "attention":
        heads = attention_shares(*attention_model(estimator, dress(history)), timestamps)
        return np.mean([share.data for share in heads], axis=0)
    given = dress(history)
    parts = explain(estimator, given, [item], timestamps=timestamps)
    if parts.source != "item":
        parts = explain(estimator, given, [item], timestamps=timestamps, method="leave_one_out")
    on_items = np.zeros(history.shape[1])
    on_items[parts.sources] = parts.contributions[0]
    return on_items[history.indices]
