"""Run the laws: on one recommender, or as parametrized tests."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from unittest import SkipTest

from sklearn.base import BaseEstimator

from . import (
    _failing,
    _learning,
    _parameters,
    _recommending,
    _refusing,
    _scoring,
    _sizes,
    _symmetry,
    _units,
    _user_features,
)

__all__ = ["LAWS", "check_recommender", "parametrize_with_laws"]

LAWS: tuple[Callable[[BaseEstimator], None], ...] = (
    _scoring.LAWS
    + _recommending.LAWS
    + _symmetry.LAWS
    + _learning.LAWS
    + _refusing.LAWS
    + _failing.LAWS
    + _parameters.LAWS
    + _units.LAWS
    + _sizes.LAWS
    + _user_features.LAWS
)


def check_recommender(
    estimator: BaseEstimator,
    *,
    expected_failed: Mapping[str, str] | None = None,
    on_fail: str | None = "raise",
) -> list[dict[str, Any]]:
    """Check that a recommender obeys the laws that users of recommenders rely on.

    scikit-learn's ``check_estimator`` checks what all estimators share; this function checks what
    recommenders share beyond it: what is seen is not recommended, histories are not looked up by
    row number, the order of items does not matter, and so on. Each law is a function of
    ``skattnrec.checks.LAWS`` whose docstring states it.

    Parameters
    ----------
    estimator : estimator object
        A recommender; it is cloned and not changed. A parameter called ``random_state`` is set to
        0 in the clones.
    expected_failed : dict of str to str, default=None
        Names of laws that the recommender breaks by design, and the reasons. They have to be
        broken: an expected failure that does not happen is a failure.
    on_fail : {"raise", "warn"} or None, default="raise"
        What to do about a broken law: raise its error, warn, or only report it.

    Returns
    -------
    list of dict
        For every law ``estimator``, ``check_name``, ``status`` ("passed", "failed", "xfail" or
        "skipped"), ``exception``, ``expected_to_fail`` and ``expected_to_fail_reason``, as
        ``check_estimator`` returns them.

    Raises
    ------
    AssertionError
        With ``on_fail="raise"``, where a law is broken unexpectedly or expected to be and is not.
    ValueError
        If ``expected_failed`` names no law, or gives no reason.

    See Also
    --------
    parametrize_with_laws : The same as a pytest decorator.
    sklearn.utils.estimator_checks.check_estimator : What all estimators share.

    Examples
    --------
    >>> from skattnrec.baseline import PopularityRecommender
    >>> from skattnrec.checks import check_recommender
    >>> reason = "the same scores for everybody"
    >>> results = check_recommender(
    ...     PopularityRecommender(), expected_failed={"check_checkerboard_is_recovered": reason}
    ... )
    >>> sorted({result["status"] for result in results})
    ['passed', 'skipped', 'xfail']
    """
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail must be 'raise', 'warn' or None, got {on_fail!r}.")
    expected = _check_expected(expected_failed)
    results = []
    for law in LAWS:
        result = _run(estimator, law, expected.get(law.__name__))
        results.append(result)
        if result["status"] != "failed" or on_fail is None:
            continue
        if on_fail == "raise":
            raise result["exception"]
        warnings.warn(
            f"{type(estimator).__name__} breaks {law.__name__}: {result['exception']!r}",
            stacklevel=2,
        )
    return results


def parametrize_with_laws(
    estimators: Iterable[BaseEstimator],
    *,
    expected_failed: Callable[[BaseEstimator], Mapping[str, str]] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make one pytest test of every law and recommender.

    Parameters
    ----------
    estimators : iterable of estimator objects
        The recommenders.
    expected_failed : callable, default=None
        Takes an estimator and returns the laws that it breaks by design with their reasons, as
        :func:`check_recommender` takes them. They become strict expected failures.

    Returns
    -------
    decorator
        ``pytest.mark.parametrize`` with the arguments ``estimator`` and ``check``.

    Examples
    --------
    A test file for a recommender of your own:

    >>> from skattnrec.baseline import PopularityRecommender
    >>> from skattnrec.checks import parametrize_with_laws
    >>> @parametrize_with_laws([PopularityRecommender()])
    ... def test_laws(estimator, check):
    ...     check(estimator)
    """
    import pytest

    cases = []
    for estimator in estimators:
        if isinstance(estimator, type):
            raise TypeError(f"Pass an instance, {estimator.__name__}(), not the class.")
        expected = _check_expected(expected_failed(estimator) if expected_failed else None)
        for law in LAWS:
            reason = expected.get(law.__name__)
            marks = () if reason is None else (pytest.mark.xfail(reason=reason, strict=True),)
            label = f"{_short(estimator)}-{law.__name__}"
            cases.append(pytest.param(estimator, law, marks=marks, id=label))
    return pytest.mark.parametrize(("estimator", "check"), cases)


def _run(
    estimator: BaseEstimator, law: Callable[[BaseEstimator], None], reason: str | None
) -> dict[str, Any]:
    """Run one law and report as ``check_estimator`` does."""
    status = "passed"
    exception: Exception | None = None
    try:
        law(estimator)
    except SkipTest as skip:
        status, exception = "skipped", skip
    except Exception as error:
        status, exception = "failed" if reason is None else "xfail", error
    if reason is not None and status == "passed":
        status = "failed"
        exception = AssertionError(f"{law.__name__} was expected to fail ({reason}), but holds.")
    return {
        "estimator": estimator,
        "check_name": law.__name__,
        "exception": exception,
        "status": status,
        "expected_to_fail": reason is not None,
        "expected_to_fail_reason": reason,
    }


def _check_expected(expected_failed: Mapping[str, str] | None) -> dict[str, str]:
    expected = dict(expected_failed or {})
    names = {law.__name__ for law in LAWS}
    for name, reason in expected.items():
        if name not in names:
            raise ValueError(f"expected_failed names {name!r}, which is no law: {sorted(names)}.")
        if not isinstance(reason, str) or not reason:
            raise ValueError(f"expected_failed[{name!r}] must give a reason, got {reason!r}.")
    return expected


def _short(estimator: BaseEstimator) -> str:
    """Name an estimator on one line, with the parameters that are not default."""
    return " ".join(repr(estimator).split())
