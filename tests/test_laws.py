"""The laws of recommenders, over every recommender of the package."""

from skattnrec.checks import all_recommenders, parametrize_with_laws

BROKEN_BY_DESIGN = {
    "PopularityRecommender": {
        "check_checkerboard_is_recovered": "the same scores for everybody, whatever their taste",
    },
}


@parametrize_with_laws(
    [Recommender() for _, Recommender in all_recommenders()],
    expected_failed=lambda estimator: BROKEN_BY_DESIGN.get(type(estimator).__name__, {}),
)
def test_law(estimator, check):
    check(estimator)
