"""Recommenders inside other recommenders: how they are fitted, asked, and asked why.

A member is a recommender, a pipeline that ends in one or a search over either; fitted ones come in
scikit-learn's ``FrozenEstimator``. Members get what is known beside the histories, as far as they
take it.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn import get_config
from sklearn.base import clone

from ._context import Context
from ._explanation import Explanation
from ._scores import unwrap

__all__ = ["asks", "explain_member", "explanation_fields", "fit_member", "score_member"]


def asks(estimator: Any, hook: str, *args: Any, default: Any) -> Any:
    """Ask a hook of the recommender inside an estimator, fitted or not; others have a default."""
    model = _innermost(estimator)
    return getattr(model, hook)(*args) if hasattr(model, hook) else default


def fit_member(
    estimator: Any, name: str, X: sp.csr_array, context: Context, labels: Any = None
) -> Any:
    """Fit a clone of a member.

    Parameters
    ----------
    estimator : estimator object
    name : str
        What error messages call it.
    X : csr_array of shape (n_users, n_items)
    context : Context
    labels : ndarray of shape (n_items,) or None
        Names of the items.

    Returns
    -------
    estimator object
        The fitted clone, or a fitted model that was given as a ``FrozenEstimator``.

    Raises
    ------
    ValueError
        If the member was fitted before, on other items or other user features.
    """
    fitted = clone(estimator)
    metadata = _metadata(fitted, "fit", X, context)
    prefix = "" if get_config()["enable_metadata_routing"] else _last_step(fitted)
    fitted.fit(X, None, **{f"{prefix}{key}": value for key, value in metadata.items()})
    n_items = getattr(fitted, "n_features_in_", X.shape[1])
    if n_items != X.shape[1]:
        raise ValueError(f"{name} was fitted on {n_items} items, X has {X.shape[1]}.")
    known = getattr(fitted, "feature_names_in_", None)
    if known is not None and labels is not None and not np.array_equal(known, labels):
        raise ValueError(f"{name} was fitted on items of other names, or in another order.")
    if asks(fitted, "_reads_user_features", default=False):
        expected = getattr(_innermost(fitted), "n_user_features_in_", 0)
        given = 0 if context.features is None else context.features.shape[1]
        if expected != given:
            raise ValueError(f"{name} was fitted with {expected} user_features, got {given}.")
    return fitted


def score_member(
    estimator: Any, name: str, X: sp.csr_array, context: Context, dtype: Any
) -> np.ndarray:
    """Score all items by a fitted member: a new array, (n_rows, n_items), finite."""
    model, seen = _unwrap_nameless(estimator, X)
    scores = np.asarray(model.predict(seen, **_metadata(model, "predict", X, context)))
    if scores.shape != X.shape:
        raise ValueError(
            f"predict of {name} returned scores of shape {scores.shape} for histories of shape "
            f"{X.shape}: a recommender scores every item."
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"predict of {name} returned NaN or infinite scores.")
    return np.array(scores, dtype=dtype, order="C")


def explain_member(
    estimator: Any, X: sp.csr_array, context: Context, items: np.ndarray
) -> Explanation:
    """Explain scores of one history by a fitted member."""
    model, seen = _unwrap_nameless(estimator, X)
    if not hasattr(model, "explain"):
        raise NotImplementedError(f"{type(model).__name__} does not explain its scores.")
    return model.explain(seen, items, **_metadata(model, "explain", X, context))


def explanation_fields(parts: Explanation) -> dict[str, Any]:
    """Take the fields of an explanation that one of the same contributions has, too."""
    names = "source", "heads", "weights", "features", "feature_values", "feature_contributions"
    return {name: getattr(parts, name) for name in names if getattr(parts, name) is not None}


def _metadata(estimator: Any, verb: str, X: sp.csr_array, context: Context) -> dict[str, Any]:
    """Collect what is known beside X, as far as a method takes it.

    Times and features that a fitted model needs and that are not there, because of an empty history
    or of one that is no user's, are zeros: nothing is known.
    """
    metadata = context.as_metadata(X)
    if verb != "fit":
        model = _innermost(estimator)
        n_features = getattr(model, "n_user_features_in_", 0)
        if n_features and context.features is None:
            metadata["user_features"] = sp.csr_array((X.shape[0], n_features))
        if context.times is None and asks(model, "_needs_times", default=False):
            metadata["timestamps"] = sp.csr_array(
                (np.zeros(X.nnz), X.indices, X.indptr), shape=X.shape
            )
    return {key: value for key, value in metadata.items() if _takes(estimator, verb, key)}


def _takes(estimator: Any, verb: str, name: str) -> bool:
    method = getattr(_innermost(estimator), verb, None)
    return method is not None and name in inspect.signature(method).parameters


def _innermost(estimator: Any) -> Any:
    """Find the recommender inside pipelines, searches and frozen models, fitted or not."""
    while not hasattr(type(estimator), "recommend"):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "estimator"):
            estimator = estimator.estimator
        else:
            break
    return estimator


def _last_step(estimator: Any) -> str:
    """Make what leads the names of fit parameters for the last step of a pipeline."""
    prefix = ""
    while hasattr(estimator, "steps") and not hasattr(type(estimator), "recommend"):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix


def _unwrap_nameless(estimator: Any, X: sp.csr_array) -> tuple[Any, Any]:
    """Find the model and what it is to be given; it does not ask for the names of the columns.

    The names were compared when the member was fitted.
    """
    model, seen = unwrap(estimator, X)
    model = _innermost(model)
    if hasattr(model, "feature_names_in_") and hasattr(model, "_fitted"):
        model = model._fitted()._draft()
        del model.feature_names_in_
    return model, seen
