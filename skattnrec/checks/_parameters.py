"""The law of parameters: each of them acts, or is refused."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from .._compat import Interval, StrOptions
from ..exceptions import IneffectiveParameterWarning
from ._data import WithTimes, fresh, ratings, times_of

__all__ = ["LAWS", "alternatives"]

_NEVER = ("random_state", "verbose")


def check_every_parameter_acts_or_is_refused(estimator):
    """Change any parameter, and an answer or what was learned changes, or it is refused.

    Values are taken from ``_parameter_constraints``; of several one has to act. Refused means a
    ValueError or TypeError of ``fit``; :class:`~skattnrec.exceptions.IneffectiveParameterWarning`
    counts as well. ``random_state`` and ``verbose`` are exempt, as is retrieval by an approximate
    search, which is to find what the exact one finds.
    """
    X = ratings()
    times = times_of(X)
    times.data = np.cumsum(np.random.default_rng(1).exponential(size=X.nnz))  # no regular steps
    expected = _traces(fresh(estimator), X, times)
    for name, values in alternatives(fresh(estimator), X).items():
        outcomes = [
            _act(fresh(estimator).set_params(**{name: value}), X, times, expected)
            for value in values
        ]
        assert any(outcomes) or not outcomes, (
            f"{name} has no effect: with {name} in {values!r} the model learns and answers as with "
            f"{_parameters(estimator)[name]!r}. Refuse what does not act."
        )


def alternatives(model: Any, X: sp.csr_array, *, modes_only: bool = False) -> dict[str, list[Any]]:
    """Other values of each parameter, from the constraints of the estimator.

    Parameters
    ----------
    model : estimator object
    X : csr_array of shape (n_users, n_items)
        What it will be fitted on.
    modes_only : bool
        Only parameters that choose among named options.

    Returns
    -------
    dict of str to list
        At least one value for each parameter that is not exempt.
    """
    current = _parameters(model)
    constraints = getattr(model, "_parameter_constraints", {})
    found = {}
    for name, allowed in constraints.items():
        if name in _NEVER or name not in current:
            continue
        values: list[Any] = []
        for constraint in allowed:
            values += _values(constraint, current[name], X, modes_only)
        values = [value for value in values if not _same(value, current[name])]
        if name == "retrieval":
            values = [value for value in values if modes_only and value != "approximate"]
        if values:
            found[name] = values
    return found


def _values(constraint: Any, current: Any, X: sp.csr_array, modes_only: bool) -> list[Any]:
    """Values that satisfy one of the constraints of a parameter."""
    if isinstance(constraint, StrOptions):
        return sorted(constraint.options)
    if isinstance(constraint, str) and constraint == "boolean":
        return [True, False]
    if modes_only:
        return []
    if constraint is None:
        return [None]
    if isinstance(constraint, Interval):
        if constraint.type is Integral:
            numbers: list[float] = [1, 2, 3, 5, 1 + (current or 1)]
        else:
            base = float(current) if isinstance(current, (int, float)) and current else 1.0
            base = base if np.isfinite(base) else 1.0
            numbers = [base * f for f in (0.3, 3.0, 1e-3)] + [0.5, 0.0, 1.0, -0.5, 10.0]
        return [number for number in numbers if number in constraint]
    if isinstance(constraint, str) and constraint == "array-like":
        features = np.random.default_rng(5).normal(size=(X.shape[1], 3))
        return [features]
    return []


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a is b
    return type(a) is type(b) and a == b


def _parameters(model: Any) -> dict[str, Any]:
    return model.get_params(deep=False)


def _act(model: Any, X: sp.csr_array, times: sp.csr_array, expected: dict[str, Any]) -> bool:
    """Tell whether a model learns or answers something else, or says that it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", IneffectiveParameterWarning)
        try:
            found = _traces(model, X, times)
        except (IneffectiveParameterWarning, ImportError, TypeError, ValueError):
            return True
    return found.keys() != expected.keys() or any(
        np.shape(found[name]) != np.shape(expected[name])
        or not np.array_equal(found[name], expected[name], equal_nan=True)
        for name in found
    )


def _traces(model: Any, X: sp.csr_array, times: sp.csr_array) -> dict[str, Any]:
    """Answers to ordinary and to extreme histories, and numbers that were learned."""
    model = clone(model)
    metadata = {"timestamps": times} if isinstance(model, WithTimes) else {}
    model.fit(X, **metadata)
    extreme = sp.csr_array(np.vstack([np.eye(X.shape[1])[:4], np.tri(3, X.shape[1], 4)]) * 100)
    found = {
        "predict": model.predict(X, **metadata),
        "extreme": model.predict(extreme),
        "similar": model.similar_items([0, 1], 5)[1],
        "first": model.recommend(X[:5], 3, **{n: t[:5] for n, t in metadata.items()})[1],
    }
    inner = model.model if isinstance(model, WithTimes) else model
    for name, value in vars(inner).items():
        if not name.endswith("_") or name.startswith("_"):
            continue
        if isinstance(value, (int, float, np.ndarray)) and np.asarray(value).dtype.kind in "iufb":
            found[name] = np.asarray(value)
    return found


LAWS = (check_every_parameter_acts_or_is_refused,)
