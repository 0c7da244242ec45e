"""scikit-learn's own checks, over every recommender of the package."""

import inspect

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import skattnrec
from skattnrec.checks import all_recommenders, expected_failed_checks


@parametrize_with_checks(
    [Recommender() for _, Recommender in all_recommenders() if not Recommender()._needs_times()],
    expected_failed_checks=expected_failed_checks,
)
def test_sklearn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("name", "Recommender"), all_recommenders())
def test_recommender_is_exported(name, Recommender):
    assert name in skattnrec.__all__
    assert getattr(skattnrec, name) is Recommender


@pytest.mark.parametrize(("name", "Recommender"), all_recommenders())
def test_every_parameter_is_constrained(name, Recommender):
    parameters = set(inspect.signature(Recommender).parameters)
    assert parameters == set(Recommender._parameter_constraints)


def test_only_the_two_sparse_checks_may_fail():
    allowed = expected_failed_checks(None)
    assert set(allowed) == {"check_estimator_sparse_array", "check_estimator_sparse_matrix"}
    assert all(allowed.values())
