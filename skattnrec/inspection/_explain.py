"""``explain``: why an item gets its score, for any estimator, with names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._compat import StrOptions, validate_params
from .._explanation import Explanation
from .._validation import check_item_indices
from ..metrics import rank_items
from ._histories import times_of, without_each_entry
from ._predict import dress_like, predict_blocks
from ._unwrap import name_items, one_history, unwrap

__all__ = ["explain", "find_items"]


@validate_params(
    {
        "estimator": [object],
        "method": [StrOptions({"auto", "exact", "leave_one_out"})],
    },
    prefer_skip_nested_validation=True,
)
def explain(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    item_names: Any = None,
    timestamps: Any = None,
    method: str = "auto",
) -> Explanation:
    r"""Split the scores of one history into what each of its entries adds.

    Parameters
    ----------
    estimator : object
        A fitted recommender, a pipeline that ends in one, or a search over either; or anything
        with a ``predict`` that scores all items.
    X : {array-like, sparse matrix, DataFrame} of shape (1, n_items)
        One history.
    items : int, str or list of these, default=None
        What to explain: item columns, or names from ``item_names``. None means the (at most ten)
        recommended items.
    item_names : array-like of shape (n_items,), default=None
        Names of the items; None takes the columns of a DataFrame.
    timestamps : {array-like, sparse matrix} of shape (1, n_items), default=None
        The time of every entry of ``X``.
    method : {"auto", "exact", "leave_one_out"}, default="auto"
        "exact": ask the model, whose score is a sum of contributions. "leave_one_out": what the
        score loses without each entry, see the notes. "auto": exact where the model can, else
        leave-one-out.

    Returns
    -------
    Explanation
        With names, ratings and, for attention, the weights of each head.

    Raises
    ------
    ValueError
        If ``X`` is not one history, or an item is unknown.
    NotImplementedError
        With ``method="exact"``, if the model does not explain itself.

    Notes
    -----
    Leave-one-out works for every model. With the history H and the score :math:`s_i`,

    .. math:: c_{ij} = s_i(H) - s_i(H \setminus \{j\}).

    The baseline is 0. Entries act together, so the contributions do not add up to the score; what
    is missing is the ``remainder``. A pipeline is explained by the model at its end, after its
    steps have transformed the history; the ratings shown are those of ``X``.

    See Also
    --------
    skattnrec.inspection.ContributionDisplay : The same as a picture.
    skattnrec.inspection.faithfulness : Whether contributions tell the truth.

    Examples
    --------
    >>> import numpy as np
    >>> from skattnrec import ItemItemCF
    >>> from skattnrec.inspection import explain
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 0, 5, 4], [1, 0, 4, 5]])
    >>> model = ItemItemCF(shrinkage=0).fit(X)
    >>> films = ["Alien", "Dune", "Amelie", "Chocolat"]
    >>> parts = explain(model, [[4, 0, 5, 0]], "Chocolat", item_names=films)
    >>> parts.to_frame()[["source", "rating", "weight", "contribution", "share"]].round(2)
       source  rating  weight  contribution  share
    0  Amelie     5.0    0.97          4.84   0.93
    1   Alien     4.0    0.10          0.38   0.07
    >>> parts.to_text()
    ['Chocolat: because you rated Amelie 5 and Alien 4']
    """
    model, seen = unwrap(estimator, X)
    history = one_history(X, "explain")
    names = name_items(item_names, X, model)
    columns = None if items is None else find_items(items, names, history.shape[1])
    metadata = {} if timestamps is None else {"timestamps": timestamps}
    parts = None
    if method != "leave_one_out" and (hasattr(model, "explain") or method == "exact"):
        try:
            parts = model.explain(seen, columns, **metadata)
        except NotImplementedError:
            if method == "exact":
                raise
    if parts is None:
        parts = _leave_one_out(estimator, X, history, columns, timestamps)
    elif parts.heads is not None and parts.weights is None:
        parts = replace(parts, weights=_head_weights(model, seen, parts, metadata))
    ratings = history.toarray()[0, parts.sources] if parts.source == "item" else None
    return replace(parts, ratings=ratings, item_names=names)


def find_items(items: Any, names: np.ndarray | None, n_items: int) -> np.ndarray:
    """Turn item columns or names into columns."""
    listed = np.atleast_1d(np.asarray(items, dtype=object))
    if not any(isinstance(item, str) for item in listed):
        return check_item_indices(items, n_items)
    if names is None:
        raise ValueError(f"items are names ({listed[0]!r}): pass item_names, or item columns.")
    column_of = {name: column for column, name in reversed(list(enumerate(names)))}
    unknown = [item for item in listed if item not in column_of]
    if unknown:
        raise ValueError(f"items must be in item_names; {unknown[0]!r} is not.")
    return check_item_indices([column_of[item] for item in listed], n_items)


def _leave_one_out(
    estimator: Any, X: Any, history: sp.csr_array, items: np.ndarray | None, timestamps: Any
) -> Explanation:
    dress = dress_like(X)
    times = times_of(timestamps, history)
    ((_, scores),) = predict_blocks(estimator, history, times, dress)
    if items is None:
        n_new = history.shape[1] - history.nnz
        if n_new == 0:
            raise ValueError("The history holds all items: name the items to explain.")
        items = rank_items(scores, seen=history, k=min(10, n_new))[0]
    scores = scores[0, items]
    sources = history.indices.astype(np.intp)
    if not len(sources):
        return Explanation(items, scores, scores, sources, np.empty((len(items), 0), scores.dtype))
    fewer = without_each_entry(history)
    fewer_times = None if times is None else without_each_entry(times)
    left = [part[:, items] for _, part in predict_blocks(estimator, fewer, fewer_times, dress)]
    losses = scores[:, None] - np.concatenate(left).T  # (n, s)
    return Explanation(items, scores, np.zeros_like(scores), sources, losses)


def _head_weights(model: Any, X: Any, parts: Explanation, metadata: dict[str, Any]) -> np.ndarray:
    """Attention of each head on each source, the same for all explained items."""
    weights = model.attention_weights(X, **metadata)
    # (n_heads, s) -> (n_heads, n, s)
    on_sources = np.array([w.toarray()[0, parts.sources] for w in weights])
    return np.repeat(on_sources[:, None], len(parts.items), axis=1)
