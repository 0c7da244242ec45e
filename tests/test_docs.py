"""The documentation names everything that is public, and its own recommender obeys the laws."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skattnrec.checks import expected_failed_checks, parametrize_with_laws

DOCS = Path(__file__).parents[1] / "docs"
MODULES = [
    "skattnrec",
    "skattnrec.attention",
    "skattnrec.base",
    "skattnrec.baseline",
    "skattnrec.checks",
    "skattnrec.content",
    "skattnrec.datasets",
    "skattnrec.ensemble",
    "skattnrec.factorization",
    "skattnrec.inspection",
    "skattnrec.metrics",
    "skattnrec.model_selection",
    "skattnrec.neighbors",
    "skattnrec.preprocessing",
    "skattnrec.rating",
    "skattnrec.reranking",
]


def _load_random_walk():
    path = DOCS / "guide" / "random_walk.py"
    spec = importlib.util.spec_from_file_location("random_walk", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["random_walk"] = module  # where pickle looks for the class
    spec.loader.exec_module(module)
    return module.RandomWalkRecommender


RandomWalkRecommender = _load_random_walk()
MODELS = [RandomWalkRecommender(), RandomWalkRecommender(discount=0.0)]


@pytest.mark.parametrize("module", MODULES)
def test_reference_lists_public_names(module):
    listed = {line.strip() for line in (DOCS / "api.rst").read_text("utf-8").splitlines()}
    public = set(importlib.import_module(module).__all__) - {"__version__", "LAWS"}
    assert public <= listed


@parametrize_with_laws(MODELS)
def test_laws(estimator, check):
    check(estimator)


@parametrize_with_checks(MODELS[:1], expected_failed_checks=expected_failed_checks)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_negative_discount_is_refused():
    with pytest.raises(ValueError, match="discount"):
        RandomWalkRecommender(discount=-1).fit([[1, 2]])
