"""Scores of any fitted estimator: those of whole rows, block by block, and those of pairs.

Recommenders may be inside pipelines and searches: these are looked through, so that timestamps
and user features reach the recommender without routing, and so that it is asked for pairs only
where it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

from ._blocks import pairs_of_blocks, row_blocks
from ._context import Context
from ._validation import as_interactions, check_pairs

__all__ = ["model_of", "scores_of_pairs", "scores_of_rows", "unwrap"]

_Reduced = TypeVar("_Reduced")


def model_of(estimator: Any) -> Any:
    """Find the model inside fitted searches and pipelines."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator[-1]
        else:
            return estimator


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

    Raises
    ------
    ValueError
        If steps before the model change the number of columns, which are then no items any more.
    """
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            if len(estimator.steps) > 1:
                given, X = np.shape(X), estimator[:-1].transform(X)
                if np.shape(X) != given:
                    raise ValueError(
                        f"Steps of the pipeline make {np.shape(X)[1]} columns of {given[1]} items: "
                        "take the model at its end, and give it what they return."
                    )
            estimator = estimator[-1]
        else:
            return estimator, X


def scores_of_rows(
    estimator: Any,
    X: Any,
    history: sp.csr_array,
    context: Context,
    reduce: Callable[[np.ndarray, int], _Reduced],
    method: str = "predict",
    **options: Any,
) -> Iterator[_Reduced]:
    """Score all items for histories, a block of rows at a time.

    Parameters
    ----------
    estimator : object
        Fitted; its ``method`` scores all items.
    X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_items)
        What the histories were made of: if it is a DataFrame, the model gets one with its columns.
    history : csr_array of shape (n_rows, n_items)
        The histories.
    context : Context
        What is known of them beside.
    reduce : callable
        Called as ``reduce(scores, start)`` with the scores of a block, (n_block_rows, n_items), and
        the number of its first row.
    method : str
        "predict", or another method that answers so.
    **options
        Passed to the method.

    Yields
    ------
    object
        What ``reduce`` returns.

    Raises
    ------
    TypeError
        If the model does not have the method.
    ValueError
        If what it returns is not of the shape of the histories.
    """
    start = 0
    for block, block_context in row_blocks(history, context):
        # a model fitted on a DataFrame expects the names of the items again
        named = type(X)(block.toarray(), columns=X.columns) if hasattr(X, "iloc") else block
        model, seen = unwrap(estimator, named)
        if not hasattr(model, method):
            raise TypeError(f"{type(model).__name__} has no {method}, which is needed to score.")
        scores = np.asarray(
            getattr(model, method)(seen, **block_context.as_metadata(block), **options)
        )
        if scores.shape != block.shape:
            raise ValueError(
                f"{method} of {type(model).__name__} returned scores of shape {scores.shape} for "
                f"histories of shape {block.shape}: one is needed for every item."
            )
        yield reduce(scores, start)
        start += block.shape[0]


def scores_of_pairs(
    estimator: Any,
    X: Any,
    rows: Any,
    items: Any,
    timestamps: Any = None,
    user_features: Any = None,
) -> np.ndarray:
    """Score given items for given histories, and no others where the model can do so.

    Parameters
    ----------
    estimator : object
        A fitted recommender, a pipeline that ends in one, or a search over either; or anything with
        a ``predict`` that scores all items.
    X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_items)
        Histories.
    rows, items : array-like of int, shape (n_pairs,)
        Rows of ``X``, in any order, and item columns.
    timestamps : {array-like, sparse matrix} of shape (n_rows, n_items), default=None
        The time of every entry of ``X``.
    user_features : {array-like, sparse matrix} of shape (n_rows, d), default=None
        What is known of the user of each row.

    Returns
    -------
    ndarray of shape (n_pairs,)
        ``predict(X)[rows, items]``.
    """
    model, seen = unwrap(estimator, X)
    if hasattr(model, "_scores_of_pairs"):
        return model._scores_of_pairs(seen, rows, items, timestamps, user_features)
    known = as_interactions(X)
    context = Context.of(known, timestamps, user_features)
    rows, items = check_pairs(rows, items, known.shape)

    def score(block: sp.csr_array, block_context: Context) -> np.ndarray:
        parts = scores_of_rows(estimator, X, block, block_context, lambda scores, _: scores)
        return np.concatenate(list(parts))

    return pairs_of_blocks(score, known, context, rows, items)
