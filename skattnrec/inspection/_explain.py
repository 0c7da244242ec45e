"""``explain``: why an item gets its score, for any estimator, with names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .._explanation import Explanation
from .._names import columns_of, name_items
from .._recommend import recommend
from .._validation import check_item_indices
from ._histories import Histories, unwrap
from ._parameters import checked

__all__ = ["explain"]


@checked(method={"auto", "exact", "leave_one_out"})
def explain(
    estimator: Any,
    X: Any,
    items: Any = None,
    *,
    item_names: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
    method: str = "auto",
) -> Explanation:
    r"""Split the scores of one history into what each of its entries adds.

    Parameters
    ----------
    estimator : object
        A fitted recommender, a pipeline that ends in one, or a search over either; or anything
        with a ``predict`` that scores all items.
    {one_history}
    items : int, str or list of these, default=None
        What to explain: item columns, or names from ``item_names``. None means the (at most ten)
        recommended items.
    {item_names}
    {times}
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
    0  Amelie     5.0    0.97          1.21   0.93
    1   Alien     4.0    0.10          0.10   0.07
    >>> parts.to_text()
    ['Chocolat: because you rated Amelie 5 and Alien 4']
    """
    history = Histories.of(X, timestamps, user_features).one("explain")
    model, seen = unwrap(estimator, history)
    names = name_items(item_names, X, model)
    if items is not None:
        items = check_item_indices(columns_of(items, names), history.X.shape[1])
    parts = None
    if method != "leave_one_out" and (hasattr(model, "explain") or method == "exact"):
        try:
            parts = model.explain(seen.given, items, **seen.metadata)
        except NotImplementedError:
            if method == "exact":
                raise
    if parts is None:
        parts = _leave_one_out(estimator, history, items)
    ratings = history.X.toarray()[0, parts.sources] if parts.source == "item" else None
    return replace(parts, ratings=ratings, item_names=names)


def _leave_one_out(estimator: Any, history: Histories, items: Any) -> Explanation:
    if items is None:
        listed, _ = recommend(estimator, history.given, 10, **history.metadata)
        items = listed[listed >= 0]
        if not len(items):
            raise ValueError("The history holds all items: name the items to explain.")
    scores = history.scores(estimator, np.zeros(len(items), np.intp), items)
    sources = history.X.indices.astype(np.intp)
    if not len(sources):
        return Explanation(items, scores, scores, sources, np.empty((len(items), 0), scores.dtype))
    copies, asked = np.indices((len(sources), len(items))).reshape(2, -1)
    fewer = history.without_each_entry().scores(estimator, copies, items[asked])
    losses = scores[:, None] - fewer.reshape(len(sources), len(items)).T  # (n, s)
    return Explanation(items, scores, np.zeros_like(scores), sources, losses)
