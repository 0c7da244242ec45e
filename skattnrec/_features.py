"""Features of items and users: checked, and free of units.

Features come in any unit, and in any mix: one-hot columns, tf-idf, prices. Columns of numbers (most
entries are not 0) are centred and scaled as ratings are, see
:func:`~skattnrec._spreads.spread_of`. Columns of tags (most entries are 0) keep their zeros and,
within a factor of 10, their weights relative to each other, as those of tf-idf; they are scaled by
the median of their median sizes. No number is farther than 4 from 0, and no tag farther than 10.
Constant columns become 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_array

from ._spreads import in_spreads, spread_of
from ._structure import canonical_csr, check_structure

__all__ = ["FeatureScaling", "check_features", "check_same_items", "compare_items", "unit_rows"]

_FARTHEST = 4.0  # spreads from the centre that a number may be
_LARGEST_TAG = 10.0  # times the usual one; the factor that tags may differ by, too


def check_features(
    features: Any, n_rows: int, name: str = "item_features", of: str = "items"
) -> sp.csr_array:
    """Check a table of features.

    Parameters
    ----------
    features : {array-like, sparse matrix, DataFrame} of shape (n_rows, d)
    n_rows : int
    name, of : str
        What error messages call the table, and what it has a row for each of.

    Returns
    -------
    csr_array of shape (n_rows, d), float64
        What is not 0. May share memory with what was given, which is never changed.

    Raises
    ------
    ValueError
        If a feature is missing, infinite or no number, or the shape is wrong.
    """
    _refuse_text(features, name)
    given = check_array(
        check_structure(features, name),
        accept_sparse=["csr", "csc", "coo"],
        dtype=np.float64,
        ensure_all_finite=False,
        input_name=name,
    )
    if given.shape[0] != n_rows:
        raise ValueError(
            f"{name} must have one row for each of the {n_rows} {of} of X, it has "
            f"{given.shape[0]} rows."
        )
    table = canonical_csr(given)
    if not table.data.all():
        table = table.copy()
        table.eliminate_zeros()
    if not np.isfinite(table.data).all():
        entry = int(np.argmin(np.isfinite(table.data)))
        row = int(np.searchsorted(table.indptr, entry, side="right")) - 1
        is_missing = np.isnan(table.data[entry])
        column = int(table.indices[entry])
        label = features.columns[column] if hasattr(features, "columns") else column
        raise ValueError(
            f"Input {name} contains {'NaN' if is_missing else 'infinity'}: row {row}, column "
            f"{label!r}. "
            + (
                "Fill in what is missing, with sklearn.impute.SimpleImputer for one."
                if is_missing
                else "Features are finite numbers."
            )
        )
    return table


def check_same_items(estimator: Any) -> None:
    """Refuse item features of other items, or in another order, where items have names.

    Only a DataFrame with an index of text is compared.

    Parameters
    ----------
    estimator : estimator object
        Its parameters called item_features are checked, those of inner estimators among them,
        against its ``feature_names_in_``.

    Raises
    ------
    ValueError
        If both have names, and these differ.
    """
    item_names = getattr(estimator, "feature_names_in_", None)
    if item_names is None:
        return
    for name, table in estimator.get_params().items():
        if name.split("__")[-1] == "item_features":
            compare_items(table, item_names, name)


def compare_items(table: Any, item_names: np.ndarray, name: str) -> None:
    """Refuse a DataFrame whose index, of text, is not the names of the items, in their order."""
    labels = table.index if hasattr(table, "iloc") else ()
    if len(labels) != len(item_names) or not all(isinstance(label, str) for label in labels):
        return  # another number of rows is refused by check_features
    wrong = np.flatnonzero(np.asarray(labels, dtype=object) != item_names)
    if wrong.size:
        row = wrong[0]
        raise ValueError(
            f"Row {row} of {name} is {labels[row]!r}, column {row} of X is "
            f"{item_names[row]!r}: bring the features into the order of X, for example by "
            "item_features.reindex(X.columns)."
        )


def _refuse_text(features: Any, name: str) -> None:
    """Refuse a table with columns that are no numbers, and say what makes numbers of them."""
    if hasattr(features, "iloc"):
        for label, dtype in zip(features.columns, features.dtypes, strict=True):
            if getattr(dtype, "kind", "O") not in "biuf":
                raise ValueError(
                    f"{name} must be numbers, but its column {label!r} is of type {dtype}. Make "
                    "numbers of it first: sklearn.preprocessing.OneHotEncoder for categories, "
                    "TfidfVectorizer for text, both of them in a ColumnTransformer for a table."
                )
    elif not sp.issparse(features) and np.asarray(features).dtype.kind in "USO":
        try:
            np.asarray(features).astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be numbers, but {error}. Make numbers of categories and text first: "
                "sklearn.preprocessing.OneHotEncoder, or TfidfVectorizer."
            ) from error


@dataclass(frozen=True)
class FeatureScaling:
    """What features are scaled by, learned from some rows and applied to any.

    Attributes
    ----------
    is_number : ndarray of shape (d,), bool
        The columns that are centred; the others are tags.
    centers, sizes : ndarray of shape (d,)
        Centre (0 for tags), and spread or, for tags, median size of what is not 0.
    weights : ndarray of shape (d,)
        How much a tag of the size of its column counts; 1 for numbers.
    """

    is_number: np.ndarray
    centers: np.ndarray
    sizes: np.ndarray
    weights: np.ndarray

    @classmethod
    def learn(cls, features: sp.csr_array) -> FeatureScaling:
        """Learn the scaling from a checked table."""
        n_rows, d = features.shape
        table = sp.csc_array(features)
        is_number = np.diff(table.indptr) > n_rows / 2
        centers, sizes, weights = np.zeros(d), _median_sizes(table), np.ones(d)
        for column in np.flatnonzero(is_number):
            numbers = np.zeros(n_rows)
            part = slice(table.indptr[column], table.indptr[column + 1])
            numbers[table.indices[part]] = table.data[part]
            centers[column], sizes[column] = spread_of(numbers)
        tags = np.flatnonzero(~is_number & (np.diff(table.indptr) > 0))
        if tags.size:
            with np.errstate(over="ignore"):
                relative = sizes[tags] / np.median(sizes[tags])
            weights[tags] = np.clip(relative, 1 / _LARGEST_TAG, _LARGEST_TAG)
        return cls(is_number, centers, sizes, weights)

    def scale(self, features: sp.csr_array) -> sp.csr_array:
        """Scale a checked table with these columns; numbers in [-10, 10], (n_rows, d)."""
        table = sp.csc_array(features)
        columns = np.repeat(np.arange(table.shape[1]), np.diff(table.indptr))
        tags = np.flatnonzero(~self.is_number[columns])
        with np.errstate(over="ignore"):
            sizes = table.data[tags] / self.sizes[columns[tags]]
        sizes = np.clip(sizes, -_LARGEST_TAG, _LARGEST_TAG) * self.weights[columns[tags]]
        sizes = np.clip(sizes, -_LARGEST_TAG, _LARGEST_TAG)
        numbers = np.flatnonzero(self.is_number)
        dense = table[:, numbers].toarray()  # (n_rows, n_numbers)
        for column, values in zip(numbers, dense.T, strict=True):
            values[:] = in_spreads(values, self.centers[column], self.sizes[column], _FARTHEST)
        rows = np.repeat(np.arange(len(dense)), len(numbers))
        data = np.concatenate([sizes, dense.ravel()])  # (n_rows, n_numbers) -> by row
        places = (
            np.concatenate([table.indices[tags], rows]).astype(np.int32),
            np.concatenate([columns[tags], np.tile(numbers, len(dense))]).astype(np.int32),
        )
        scaled = sp.csr_array(sp.coo_array((data, places), shape=features.shape))
        scaled.eliminate_zeros()
        return scaled


def _median_sizes(table: sp.csc_array) -> np.ndarray:
    """Median size of the entries of each column, (d,); 1 where there are none."""
    lengths = np.diff(table.indptr)
    columns = np.repeat(np.arange(table.shape[1]), lengths)
    in_order = np.abs(table.data)[np.lexsort((np.abs(table.data), columns))]
    sizes = np.ones(table.shape[1])
    filled = np.flatnonzero(lengths)
    starts, lengths = table.indptr[filled], lengths[filled]
    lower, upper = in_order[starts + (lengths - 1) // 2], in_order[starts + lengths // 2]
    sizes[filled] = lower / 2 + upper / 2
    return sizes


def unit_rows(features: sp.csr_array) -> sp.csr_array:
    """Bring rows to length 1, those of zeros excepted."""
    if not features.nnz:
        return features
    # by the largest first: the squares of large features overflow
    unit = sp.csr_array(normalize(normalize(features, norm="max")))
    unit.eliminate_zeros()
    return unit
