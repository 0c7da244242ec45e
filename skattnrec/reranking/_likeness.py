"""How alike two items are, in the form that kernels take: a table, or a product of two matrices."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from .._features import unit_rows
from .._scores import model_of
from .._structure import canonical_csr, check_structure
from .._validation import as_interactions

__all__ = ["Likeness", "check_likeness", "likeness_of_model"]

# a table, (n_items, n_items), or CSR arrays of two factors and the number of their columns
Likeness: TypeAlias = "np.ndarray | tuple[Any, Any, int]"


def check_likeness(item_similarity: Any, item_features: Any) -> tuple[Likeness, int]:
    """Check what items are compared by, of which one must be given, and count the items."""
    if (item_similarity is None) == (item_features is None):
        raise ValueError(
            "Give one of item_similarity and item_features, "
            + ("not both." if item_features is not None else "by which items are compared.")
        )
    if item_features is not None:
        return _cosines(item_features)
    if hasattr(item_similarity, "similar_items") or hasattr(item_similarity, "predict"):
        model = model_of(item_similarity)
        return likeness_of_model(model), model.n_features_in_
    shape = np.shape(item_similarity)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(
            "item_similarity must be a fitted recommender or a matrix with a row and a column for "
            f"every item; its shape is {shape}."
        )
    if sp.issparse(item_similarity):
        S = canonical_csr(check_structure(item_similarity, "item_similarity"))
        _refuse_not_finite(S.data)
        return _product(S, sp.eye_array(S.shape[0], format="csr")), S.shape[0]
    table = np.array(item_similarity, dtype=np.float64, order="C")
    _refuse_not_finite(table)
    return table, len(table)


def likeness_of_model(model: Any, n_neighbors: int = 50) -> Likeness:
    """Compare items by what a model holds to be alike, on a scale from 0 to 1.

    The ``n_neighbors`` most similar items of an item count, their similarities divided by the
    largest; of i to j and of j to i the larger one. So nearest neighbours have 1, and items that
    are no neighbours 0, whatever the scale of the model.
    """
    if not hasattr(model, "similar_items"):
        raise TypeError(
            f"{type(model).__name__} does not tell which items are similar: give a matrix as "
            "item_similarity, or item_features."
        )
    n_items = model.n_features_in_
    neighbours, values = model.similar_items(np.arange(n_items), k=min(n_neighbors, n_items))
    counted = (neighbours >= 0) & (values > 0)
    largest = np.max(values, axis=1, keepdims=True, initial=0, where=counted)
    shares = np.divide(values, largest, out=np.zeros(values.shape), where=counted)
    starts = np.concatenate([[0], np.cumsum(counted.sum(axis=1))])
    S = sp.csr_array((shares[counted], neighbours[counted], starts), shape=(n_items, n_items))
    S.sort_indices()
    return _product(canonical_csr(S.maximum(S.T)), sp.eye_array(n_items, format="csr"))


def _cosines(item_features: Any) -> tuple[Likeness, int]:
    features = as_interactions(item_features, "item_features")
    unit = unit_rows(features)
    return _product(unit, unit), features.shape[0]


def _product(left: Any, right: Any) -> Likeness:
    arrays = [(matrix.indptr, matrix.indices, matrix.data) for matrix in (left, right)]
    return arrays[0], arrays[1], left.shape[1]


def _refuse_not_finite(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise ValueError("item_similarity has NaN or infinite values: every one must be finite.")
