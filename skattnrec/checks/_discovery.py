"""Find the recommenders of this package, and what scikit-learn's checks ask of them in vain."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.util import find_spec
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import skattnrec

from ..attention import AttentionRecommender, SequentialAttentionRecommender
from ..base import BaseRecommender
from ..baseline import PopularityRecommender
from ..factorization import ALSFactorizer, BayesianFactorizer
from ..neighbors import ItemItemCF
from ..reranking import Diversify, Promote

__all__ = ["all_modes", "all_recommenders", "expected_failed_checks"]

# Settings that make a mode each: those of classes that are not named are their defaults.
_MODES: dict[str, list[dict[str, Any]]] = {
    "ALSFactorizer": [
        {},
        {"n_components": 4, "init": "svd"},
        {"feedback": "explicit"},
        {"feedback": "explicit", "solver": "sgd"},
        {"n_components": 4, "retrieval": "approximate"},
    ],
    "AttentionRecommender": [{}, {"solver": "sparse", "n_neighbors": 8}],
    "BaselinePredictor": [{}, {"clip": True}],
    "BayesianFactorizer": [{}, {"presence_regularization": None}],
    "ContentRecommender": [{}, {"weighting": "uniform"}, {"rating_weight": 0.0}],
    "ItemItemCF": [
        {},
        {"similarity": "jaccard", "weighting": "bm25"},
        {"similarity": "conditional_probability", "weighting": "uniform"},
        {"feedback": "explicit"},
        {"feedback": "explicit", "center": "zero", "damping": 0.2},
        {"feedback": "explicit", "similarity": "pearson", "center": "item"},
        {"feedback": "explicit", "similarity": "adjusted_cosine", "center": "user"},
    ],
    "MultiHeadAttentionRecommender": [{}, {"solver": "sparse", "n_neighbors": 8}],
    "PopularityRecommender": [{}, {"popularity": "sum"}],
    "RerankedRecommender": [
        {"estimator": AttentionRecommender()},
        {
            "estimator": ItemItemCF(feedback="explicit"),
            "rules": [("try", Promote(share=0.5, positions=[1])), ("unlike", Diversify(0.5))],
            "n_candidates": 8,
        },
        {"estimator": SequentialAttentionRecommender(), "rules": [("try", Promote())]},
    ],
    "SequentialAttentionRecommender": [
        {},
        {"solver": "sparse", "n_neighbors": 8},
        {"age": "time", "half_life": 4.0},
    ],
    "SwitchingRecommender": [
        {
            "estimators": [("few", PopularityRecommender()), ("many", AttentionRecommender())],
            "min_lengths": [0, 4],
        },
        {
            "estimators": [
                ("few", ItemItemCF(feedback="explicit")),
                ("many", BayesianFactorizer(n_components=4)),
            ],
            "min_lengths": [0, 6],
        },
    ],
    "UserUserCF": [
        {},
        {"similarity": "jaccard", "weighting": "bm25"},
        {"similarity": "conditional_probability", "weighting": "uniform"},
        {"feedback": "explicit"},
        {"feedback": "explicit", "center": "zero", "damping": 0.2},
        {"feedback": "explicit", "similarity": "pearson", "center": "item"},
        {"feedback": "explicit", "similarity": "adjusted_cosine", "center": "user"},
    ],
    "VotingRecommender": [
        {"estimators": [("attention", AttentionRecommender()), ("items", ItemItemCF())]},
        {
            "estimators": [
                ("attention", AttentionRecommender()),
                ("factors", ALSFactorizer(n_components=4, init="svd")),
            ],
            "weights": "auto",
        },
        {
            "estimators": [
                ("sequence", SequentialAttentionRecommender()),
                ("scaled", make_pipeline(MaxAbsScaler(), ItemItemCF())),
                ("ratings", ItemItemCF(feedback="explicit")),
            ],
            "weights": [2.0, 1.0, 1.0],
        },
    ],
}


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


def all_modes() -> list[BaseRecommender]:
    """List the recommenders of this package in all their modes.

    A mode is a way to learn or to answer that has code of its own: a solver, a kind of feedback, a
    similarity. Modes that need a library which is not installed are left out.

    Returns
    -------
    list of estimator objects
        Not fitted, each setting once.

    Examples
    --------
    >>> from skattnrec.checks import all_modes
    >>> [mode for mode in all_modes() if type(mode).__name__ == "PopularityRecommender"]
    [PopularityRecommender(), PopularityRecommender(popularity='sum')]
    """
    modes = []
    for name, Recommender in all_recommenders():
        for settings in _MODES.get(name, [{}]):
            if settings.get("retrieval") != "approximate" or find_spec("faiss") is not None:
                modes.append(clone(Recommender(**settings)))  # inner estimators are its own
    return modes


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
