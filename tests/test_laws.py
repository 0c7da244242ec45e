"""The laws of recommenders, over every mode of every recommender of the package."""

import pytest

from skattnrec._compat import StrOptions
from skattnrec.checks import all_modes, all_recommenders, parametrize_with_laws
from skattnrec.reranking import Promote

NO_TASTE = "the same order of items for everybody, whatever their taste"
RATINGS_ALONE = "ratings alone are too few to tell two tastes: who rates what is not read"
PRESENCE = "sequences say what came after what: what was disliked counts as what was liked"
NOT_ROBUST = "means and least squares of ratings, as they are defined, are moved by an outlier"
RANDOM_VISITS = "ratings are visited in a random order of their places"
NO_CENTRE = "without a centre the zero of ratings means something"
DRAWN = "what is drawn at random is drawn by the numbers of columns"
MAY_MISS = "an approximate search may miss an item"


def broken_by_design(estimator):
    """Laws that a mode breaks, and why."""
    name, params = type(estimator).__name__, estimator.get_params()
    broken = {}
    if name == "RerankedRecommender":
        broken |= broken_by_design(estimator.estimator)
        if any(isinstance(rule, Promote) for _, rule in estimator.rules or []):
            broken["check_permuting_items_permutes_answers"] = DRAWN
    if name in ("SwitchingRecommender", "VotingRecommender"):
        explicit = [m for _, m in estimator.estimators if "explicit" in repr(m)]
        broken |= {"check_one_outlier_changes_little": NOT_ROBUST} if explicit else {}
        if isinstance(params.get("weights"), str):
            broken["check_permuting_items_permutes_answers"] = DRAWN
    if name in ("BaselinePredictor", "PopularityRecommender"):
        broken["check_checkerboard_is_recovered"] = NO_TASTE
    if name == "SequentialAttentionRecommender":
        broken["check_checkerboard_is_recovered"] = PRESENCE
    explicit, similarity = params.get("feedback") == "explicit", params.get("similarity")
    if name in ("BaselinePredictor", "BayesianFactorizer") or (
        explicit and name in ("ALSFactorizer", "ItemItemCF") and similarity != "adjusted_cosine"
    ):
        broken["check_one_outlier_changes_little"] = NOT_ROBUST
    by_ratings = name == "ItemItemCF" and similarity == "pearson"
    if params.get("presence_regularization", "") is None or by_ratings:
        broken["check_checkerboard_is_recovered"] = RATINGS_ALONE
    if params.get("solver") == "sgd":
        broken["check_checkerboard_is_recovered"] = RATINGS_ALONE
        broken["check_order_of_training_rows_does_not_matter"] = RANDOM_VISITS
        broken["check_permuting_items_permutes_answers"] = RANDOM_VISITS
    if params.get("center") == "zero":
        broken["check_zero_of_ratings_does_not_matter"] = NO_CENTRE
        broken["check_one_outlier_changes_little"] = NOT_ROBUST
    if params.get("retrieval") == "approximate":
        broken["check_long_histories"] = MAY_MISS
        broken["check_one_outlier_changes_little"] = MAY_MISS
    return broken


# heads that are the same where all ratings are equal, as in some of the data of the laws
@pytest.mark.filterwarnings("ignore::skattnrec.exceptions.IneffectiveParameterWarning")
@parametrize_with_laws(all_modes(), expected_failed=broken_by_design)
def test_law(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("name", "Recommender"), all_recommenders())
def test_every_named_option_is_in_a_mode(name, Recommender):
    modes = [mode.get_params() for mode in all_modes() if type(mode) is Recommender]
    for parameter, allowed in Recommender._parameter_constraints.items():
        options = {o for c in allowed if isinstance(c, StrOptions) for o in c.options}
        options -= {"auto", "approximate"}  # not a mode; not without a library
        if not options:
            continue
        tried = {mode[parameter] for mode in modes}
        # None and "auto" stand for one of the others
        assert len(options - tried) <= bool(tried & {None, "auto"}), (parameter, options - tried)


def test_modes_are_listed_once():
    names = [" ".join(repr(mode).split()) for mode in all_modes()]
    assert len(set(names)) == len(names)
