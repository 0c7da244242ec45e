"""The laws of recommenders, over every recommender of the package."""

import pytest

from skattnrec.checks import all_recommenders, parametrize_with_laws

BROKEN_BY_DESIGN = {
    "BaselinePredictor": {
        "check_checkerboard_is_recovered": "the same order of items for everybody",
    },
    "PopularityRecommender": {
        "check_checkerboard_is_recovered": "the same scores for everybody, whatever their taste",
    },
}


def variants():
    """Every recommender with its default settings, and for explicit feedback where it can."""
    for _, Recommender in all_recommenders():
        if Recommender()._needs_times():
            continue
        yield Recommender()
        if "feedback" in Recommender().get_params():
            yield Recommender(feedback="explicit")


# heads that are the same where all ratings are equal, as in some of the data of the laws
@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
@parametrize_with_laws(
    variants(),
    expected_failed=lambda estimator: BROKEN_BY_DESIGN.get(type(estimator).__name__, {}),
)
def test_law(estimator, check):
    check(estimator)
