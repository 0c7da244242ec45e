"""The laws of recommenders, over every recommender of the package."""

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
        yield Recommender()
        if "feedback" in Recommender().get_params():
            yield Recommender(feedback="explicit")
        if "objective" in Recommender().get_params():
            yield Recommender(objective="rating")


@parametrize_with_laws(
    variants(),
    expected_failed=lambda estimator: BROKEN_BY_DESIGN.get(type(estimator).__name__, {}),
)
def test_law(estimator, check):
    check(estimator)
