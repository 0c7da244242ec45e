"""``recommend``: lists of the best items from any fitted estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._blocks import join_blocks
from ._context import Context
from ._lists import best, candidates_of, check_candidates, check_exclusions, pad
from ._scores import scores_of_rows, unwrap
from ._validation import as_interactions, check_cutoff

__all__ = ["recommend"]


def recommend(
    estimator: Any,
    X: Any,
    k: int = 10,
    *,
    exclude_seen: bool = True,
    items: Any = None,
    exclude: Any = None,
    timestamps: Any = None,
    user_features: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Recommend the k best items for every history, by a recommender, a pipeline or a search.

    Parameters
    ----------
    estimator : object
        A fitted recommender, a pipeline that ends in one, or a search over either; or anything with
        a ``predict`` that scores all items.
    X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_items)
        Histories.
    k : int, default=10
        Length of each list.
    exclude_seen : bool, default=True
        Leave out the items of the history.
    items : array-like of int or matrix of shape (n_rows, n_items), default=None
        The items that may be listed: columns for all rows; or a sparse or boolean matrix with
        those of each row, where it is not 0. None means all.
    exclude : {sparse matrix, array-like of bool} of shape (n_rows, n_items), default=None
        What may not be listed: items where the matrix is not 0.
    timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
        The time of every entry of ``X``.
    user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
        What is known of the user of each row, for models that have a use for it.

    Returns
    -------
    indices : ndarray of shape (n_rows, k)
        Item columns, best first, ties to the lower column; -1 where a row has fewer than k
        candidates left.
    scores : ndarray of shape (n_rows, k)
        Their scores, NaN where the index is -1.

    Raises
    ------
    TypeError
        If the estimator has no ``predict``.
    ValueError
        As ``recommend`` of recommenders.

    Notes
    -----
    In a pipeline the steps before the recommender transform the histories, and what is seen are
    the entries that come out of them.

    See Also
    --------
    skattnrec.base.BaseRecommender.recommend : The method of recommenders.
    skattnrec.inspection.explain : Why.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MaxAbsScaler
    >>> from skattnrec import ItemItemCF, recommend
    >>> X = np.array([[5, 4, 0, 0], [4, 5, 1, 0], [0, 1, 5, 4], [1, 0, 4, 5]])
    >>> model = make_pipeline(MaxAbsScaler(), ItemItemCF()).fit(X)
    >>> recommend(model, [[0, 5, 0, 0], [0, 0, 0, 5]], k=1)[0].ravel()
    array([0, 2])
    """
    model, seen = unwrap(estimator, X)
    given = {"exclude_seen": exclude_seen, "items": items, "exclude": exclude}
    if hasattr(model, "recommend"):
        asked = {"timestamps": timestamps, "user_features": user_features}
        metadata = {name: value for name, value in asked.items() if value is not None}
        return model.recommend(seen, k, **given, **metadata)
    known = as_interactions(X)
    context = Context.of(known, timestamps, user_features)
    return _rank_predictions(estimator, X, known, context, check_cutoff(k), **given)


def _rank_predictions(
    estimator: Any,
    X: Any,
    known: sp.csr_array,
    context: Context,
    k: int,
    *,
    exclude_seen: bool,
    items: Any,
    exclude: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Rank what ``predict`` says."""
    candidates = check_candidates(items, known.shape)
    hidden = check_exclusions(known, exclude, exclude_seen)
    n_listed = min(k, known.shape[1])

    def rank(scores: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
        dtype = np.float32 if scores.dtype == np.float32 else np.float64
        scores = np.array(scores, dtype=dtype, order="C")
        rows = slice(start, start + len(scores))
        return best(scores, candidates_of(candidates, rows), hidden[rows], n_listed)

    return pad(join_blocks(scores_of_rows(estimator, X, known, context, rank)), k)
