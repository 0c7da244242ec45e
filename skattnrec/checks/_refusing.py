"""Laws of what is refused, and of the smallest data: a clear answer or a clear error."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from ..exceptions import IneffectiveParameterWarning
from ._data import N_ITEMS, fresh, ratings, times_of
from ._verbs import verbs

__all__ = ["LAWS", "assert_raises"]


def check_nan_and_infinity_raise(estimator):
    """NaN or infinite ratings raise a ValueError, in fit and in predict."""
    X = ratings()
    model = fresh(estimator).fit(X)
    for value in (np.nan, np.inf, -np.inf):
        bad = X.copy()
        bad.data[7] = value
        for given in (bad, bad.toarray()):
            for verb in (fresh(estimator).fit, model.predict, model.recommend):
                assert_raises(verb, given, what=f"a rating of {value}")


def check_wrong_width_raises(estimator):
    """Histories with more or fewer items than in fit raise a ValueError that names both.

    In every method that takes histories: compiled code would read beyond the end of arrays.
    """
    model = fresh(estimator).fit(ratings())
    for width in (N_ITEMS - 1, N_ITEMS + 2):
        given = ratings(n_items=width)
        for name, verb in verbs(model).items():
            error = assert_raises(verb, given, what=f"{width} items instead of {N_ITEMS}", by=name)
            for number in (width, N_ITEMS):
                assert str(number) in error, (
                    f"the error about {width} items instead of {N_ITEMS} names not both: {error}"
                )


def check_indices_out_of_range_raise(estimator):
    """Sparse matrices with entries outside of their shape raise a ValueError in every method.

    SciPy builds them without complaint, and compiled code would write to memory of others.
    """
    model = fresh(estimator).fit(ratings())
    entries = {"fit": fresh(estimator).fit, **verbs(model)}
    for what, broken in _broken_matrices(ratings()).items():
        for name in entries.keys() - {"explain"}:
            assert_raises(entries[name], broken, what=what, by=name)
    for what, broken in _broken_matrices(ratings()[:1]).items():
        assert_raises(entries["explain"], broken, what=what, by="explain")


def _broken_matrices(X: sp.csr_array) -> dict[str, Any]:
    """Break a matrix in several ways."""
    found: dict[str, Any] = {}
    for column in (N_ITEMS, -1, 2**31 - 1):
        found[f"a column {column}"] = csr = X.copy()
        csr.indices[1] = column
        found[f"a column {column} in COO"] = coo = X.tocoo()
        coo.coords = coo.row, np.where(np.arange(X.nnz) == 1, column, coo.col)
    found["a row out of range in CSC"] = csc = X.tocsc()
    csc.indices[0] = X.shape[0]
    found["row pointers beyond the entries"] = beyond = X.copy()
    beyond.indptr[1] = X.nnz + 1
    return found


def check_wrong_dimensions_raise(estimator):
    """A flat list, or a matrix without rows or columns, raises a ValueError."""
    for given in (np.ones(4), np.ones((0, 3)), np.ones((3, 0)), sp.csr_array((0, 3))):
        assert_raises(fresh(estimator).fit, given, what=f"X of shape {given.shape}")


def check_negative_ratings(estimator):
    """Negative ratings raise a ValueError where the tags say so, and else give finite scores."""
    X = ratings()
    X.data[5] = -2.0
    if not get_tags(estimator).input_tags.positive_only:
        assert np.isfinite(fresh(estimator).fit(X).predict(X)).all(), "scores are not finite."
        return
    model = fresh(estimator).fit(ratings())
    for verb in (fresh(estimator).fit, model.predict, model.recommend):
        error = assert_raises(verb, X, what="a negative rating")
        assert "egative" in error, f"the error about a negative rating does not say so: {error}"


def check_mismatched_timestamps_raise(estimator):
    """Timestamps of another shape, with other entries, repeated, or not finite are refused."""
    X = ratings()
    times = times_of(X)
    fewer, infinite, nan = (times.copy() for _ in range(3))
    fewer.data[3] = 0
    fewer.eliminate_zeros()
    infinite.data[3] = np.inf
    nan.data[3] = np.nan
    moved = sp.csr_array(times[:, ::-1])
    wrong = {
        "of another height": times[:-1],
        "of another width": times[:, :-1],
        "without one of the entries": fewer,
        "with entries elsewhere": moved,
        "that are infinite": infinite,
        "that are NaN": nan,
    }
    C = times.tocoo()
    wrong["that are repeated"] = sp.coo_array(
        (np.r_[C.data, 1.0], (np.r_[C.row, C.row[0]], np.r_[C.col, C.col[0]])), shape=X.shape
    )
    model = fresh(estimator).fit(X, timestamps=times)
    for what, bad in wrong.items():
        for verb in (fresh(estimator).fit, model.predict, model.recommend):
            assert_raises(verb, X, what=f"timestamps {what}", timestamps=bad)


def check_unfitted_model_raises(estimator):
    """Every question to a model that was not fitted raises a NotFittedError."""
    X = ratings()
    model = fresh(estimator)
    questions = {
        "predict": lambda: model.predict(X),
        "recommend": lambda: model.recommend(X),
        "explain": lambda: model.explain(X[[0]]),
        "similar_items": lambda: model.similar_items(0),
    }
    for verb, ask in questions.items():
        try:
            ask()
        except NotFittedError:
            continue
        raise AssertionError(f"{verb} does not raise NotFittedError before fit.")


def check_smallest_data(estimator):
    """One user, one item, one rating, no rating: a finite answer or a ValueError that says why."""
    column = np.arange(1.0, 6.0)[:, None]
    smallest = {
        "one user": column.T,
        "one item": column,
        "one user and one item": np.array([[3.0]]),
        "one rating": np.diag([2.0, 0.0, 0.0]),
        "no rating": np.zeros((4, 3)),
        "no stored rating": sp.csr_array((4, 3)),
        "two equal users": np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]]),
        "equal ratings": np.ones((4, 3)),
        "an item without ratings": np.array([[5.0, 1.0, 0.0], [4.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
        "a user without ratings": np.array([[5.0, 1.0, 2.0], [0.0, 0.0, 0.0], [0.0, 2.0, 4.0]]),
    }
    for what, X in smallest.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", IneffectiveParameterWarning)
                model = fresh(estimator).fit(X)
        except ValueError as error:
            assert len(str(error)) > 20, f"the error about {what} says little: {error!r}"
            continue
        scores = model.predict(X)
        assert scores.shape == X.shape, f"with {what}: scores of shape {scores.shape}."
        assert np.isfinite(scores).all(), f"with {what}: scores are not finite."
        indices, _ = model.recommend(X, k=1)
        assert indices.shape == (X.shape[0], 1), f"with {what}: lists of shape {indices.shape}."


def check_stored_zeros_are_accepted(estimator):
    """A stored rating of 0 is known: it is accepted and counts as seen."""
    X = ratings()
    X.data[::9] = 0.0
    model = fresh(estimator).fit(X)
    only = sp.csr_array((np.zeros(2), ([0, 0], [2, 5])), shape=(1, N_ITEMS))
    for given in (X, only):
        assert np.isfinite(model.predict(given)).all(), "a stored 0 leads to scores not finite."
    indices, _ = model.recommend(only, k=N_ITEMS)
    assert not np.isin([2, 5], indices).any(), "an item with a stored 0 is recommended again."


def check_y_of_another_length_raises(estimator):
    """A y is ignored, but one with more or fewer rows than X raises a ValueError."""
    X = ratings()
    for y in (np.ones(X.shape[0] + 1), ratings()[:-1]):
        assert_raises(fresh(estimator).fit, X, y, what=f"a y of shape {y.shape}")


def assert_raises(verb, *args, what, by="", **kwargs) -> str:
    """Assert that a call raises a ValueError, and return its message."""
    try:
        verb(*args, **kwargs)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{by or verb.__name__} accepts {what}.")


LAWS = (
    check_nan_and_infinity_raise,
    check_wrong_width_raises,
    check_indices_out_of_range_raise,
    check_wrong_dimensions_raise,
    check_negative_ratings,
    check_mismatched_timestamps_raise,
    check_y_of_another_length_raises,
    check_unfitted_model_raises,
    check_smallest_data,
    check_stored_zeros_are_accepted,
)
