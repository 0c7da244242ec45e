"""Find the recommenders of this package, and what scikit-learn's checks ask of them in vain."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import skattnrec

from ..base import BaseRecommender

__all__ = ["all_recommenders", "expected_failed_checks"]

_ONE_SCORE_PER_ROW = (
    "the check expects predict to return one value per row of X; "
    "a recommender returns a row of scores"
)


def all_recommenders() -> list[tuple[str, type[BaseRecommender]]]:
    """List all recommenders of this package.

    Returns
    -------
    list of (str, type)
        Names and classes, sorted by name: every concrete subclass of
        :class:`~skattnrec.base.BaseRecommender` in the ``__all__`` of a public module.

    Examples
    --------
    >>> from skattnrec.checks import all_recommenders
    >>> "PopularityRecommender" in dict(all_recommenders())
    True
    """
    found: dict[str, type[BaseRecommender]] = {}
    for info in pkgutil.walk_packages(skattnrec.__path__, "skattnrec."):
        if any(part.startswith("_") for part in info.name.split(".")):
            continue
        module = importlib.import_module(info.name)
        for name in getattr(module, "__all__", ()):
            member = getattr(module, name)
            if not inspect.isclass(member) or inspect.isabstract(member):
                continue
            if issubclass(member, BaseRecommender):
                found[name] = member
    return sorted(found.items())


def expected_failed_checks(estimator: Any) -> dict[str, str]:
    """Name the checks of ``check_estimator`` that no recommender passes, with the reason.

    Pass it to ``sklearn.utils.estimator_checks.parametrize_with_checks``; nothing else may fail.

    Parameters
    ----------
    estimator : estimator object
        A recommender.

    Returns
    -------
    dict of str to str
        Names of checks and the reason.
    """
    return {
        "check_estimator_sparse_array": _ONE_SCORE_PER_ROW,
        "check_estimator_sparse_matrix": _ONE_SCORE_PER_ROW,
    }
