"""scikit-learn's own checks, over every mode of every recommender of the package."""

import inspect

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import skattnrec
from skattnrec.checks import all_modes, all_recommenders, expected_failed_checks
from skattnrec.checks._data import default_times, needs_times

TIMED = [mode for mode in all_modes() if needs_times(mode)]


def with_own_times(Recommender):
    """Derive a class that makes up the times which scikit-learn's checks do not give."""

    class Timed(Recommender):
        def _validate(self, X, timestamps, user_features, *, reset):
            times = default_times_of(X) if timestamps is None else timestamps
            return super()._validate(X, times, user_features, reset=reset)

    Timed.__name__ = Timed.__qualname__ = f"Timed{Recommender.__name__}"
    return Timed


def default_times_of(X):
    try:
        return default_times(X)
    except Exception:  # what is wrong with X is for the model to say
        return None


for _Recommender in {type(mode) for mode in TIMED}:  # where pickle finds them
    _Timed = with_own_times(_Recommender)
    globals()[_Timed.__name__] = _Timed


def checked(mode):
    """The mode itself, or the same of a class that makes up times."""
    if not needs_times(mode):
        return mode
    return globals()[f"Timed{type(mode).__name__}"](**mode.get_params(deep=False))


@parametrize_with_checks(
    [checked(mode) for mode in all_modes()],
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
