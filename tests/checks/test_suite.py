import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from skattnrec.baseline import PopularityRecommender
from skattnrec.checks import LAWS, all_recommenders, check_recommender, parametrize_with_laws
from skattnrec.checks._agreement import assert_same_lists, assert_same_scores

NO_TASTE = {"check_checkerboard_is_recovered": "the same scores for everybody"}


def status_of(results, name):
    return next(result["status"] for result in results if result["check_name"] == name)


def test_results_are_those_of_check_estimator():
    results = check_recommender(PopularityRecommender(), expected_failed=NO_TASTE)
    (expected,) = [result for result in results if result["status"] == "xfail"]
    assert expected["check_name"] == "check_checkerboard_is_recovered"
    assert expected["expected_to_fail"]
    assert expected["expected_to_fail_reason"] == "the same scores for everybody"
    assert isinstance(expected["exception"], AssertionError)
    others = [result for result in results if result is not expected]
    assert len(others) == len(LAWS) - 1
    skipped = [r["check_name"] for r in others if r["status"] == "skipped"]
    assert skipped == ["check_zero_of_ratings_does_not_matter"]  # counts have a zero
    for result in others:
        assert result["check_name"] in skipped or result["status"] == "passed"
        assert (result["exception"] is None) == (result["status"] == "passed")
        assert not result["expected_to_fail"]


def test_broken_law_raises_its_error():
    with pytest.raises(AssertionError, match="taste that the user dislikes"):
        check_recommender(PopularityRecommender())


def test_broken_law_can_warn():
    with pytest.warns(UserWarning, match="PopularityRecommender breaks check_checkerboard") as seen:
        check_recommender(PopularityRecommender(), on_fail="warn")
    assert len(seen) == 1


def test_broken_law_can_be_reported_only():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = check_recommender(PopularityRecommender(), on_fail=None)
    assert status_of(results, "check_checkerboard_is_recovered") == "failed"


def test_expected_failure_that_does_not_happen_is_a_failure():
    expected = {**NO_TASTE, "check_scores_are_finite": "they are infinite"}
    with pytest.raises(AssertionError, match=r"expected to fail \(they are infinite\), but holds"):
        check_recommender(PopularityRecommender(), expected_failed=expected)


class Unexplained(PopularityRecommender):
    def _explain(self, X, context, items):
        raise NotImplementedError("Unexplained does not explain its scores.")


def test_skipped_law_is_reported():
    results = check_recommender(Unexplained(), expected_failed=NO_TASTE)
    assert status_of(results, "check_contributions_sum_to_score") == "skipped"


def test_estimator_is_not_changed():
    model = PopularityRecommender(popularity="sum")
    check_recommender(model, expected_failed=NO_TASTE)
    assert vars(model) == {"popularity": "sum"}


def test_unknown_law_is_refused():
    with pytest.raises(ValueError, match="'check_taste', which is no law"):
        check_recommender(PopularityRecommender(), expected_failed={"check_taste": "none"})


def test_reason_is_required():
    with pytest.raises(ValueError, match="must give a reason"):
        check_recommender(PopularityRecommender(), expected_failed={LAWS[0].__name__: ""})


def test_on_fail_is_checked():
    with pytest.raises(ValueError, match="on_fail must be"):
        check_recommender(PopularityRecommender(), on_fail="ignore")


def test_something_else_than_a_recommender_breaks_laws():
    results = check_recommender(Ridge(), on_fail=None)
    assert all(result["status"] == "failed" for result in results[:5])


def test_parametrize_marks_expected_failures_strict():
    decorator = parametrize_with_laws(
        [PopularityRecommender()], expected_failed=lambda estimator: NO_TASTE
    )
    names, cases = decorator.mark.args
    assert names == ("estimator", "check")
    assert [case.values[1] for case in cases] == list(LAWS)
    (marked,) = [case for case in cases if case.marks]
    (mark,) = marked.marks
    assert mark.name == "xfail"
    assert mark.kwargs == {"reason": "the same scores for everybody", "strict": True}
    assert cases[0].id == f"PopularityRecommender()-{LAWS[0].__name__}"


def test_parametrize_refuses_classes():
    with pytest.raises(TypeError, match=r"Pass an instance, PopularityRecommender\(\)"):
        parametrize_with_laws([PopularityRecommender])


def test_every_law_states_itself():
    for law in LAWS:
        assert law.__name__.startswith("check_")
        assert law.__doc__
        assert law.__doc__.splitlines()[0].endswith(".")
    assert len({law.__name__ for law in LAWS}) == len(LAWS)


def test_all_recommenders_are_found_once_and_concrete():
    names = [name for name, _ in all_recommenders()]
    assert names == sorted(set(names))
    assert {"ALSFactorizer", "PopularityRecommender"} <= set(names)
    assert "BaseRecommender" not in names


class TestAgreement:
    scores = np.array([[3.0, 2.0, 1.0, 1.0 + 1e-9]])

    def test_rounding_may_swap_equals(self):
        a = np.array([[0, 1, 3]]), np.array([[3.0, 2.0, 1.0 + 1e-9]])
        b = np.array([[0, 1, 2]]), np.array([[3.0, 2.0, 1.0]])
        assert_same_lists(a, b, self.scores, "swap")

    def test_other_items_do_not_agree(self):
        a = np.array([[0, 2]]), np.array([[3.0, 2.0]])
        b = np.array([[0, 1]]), np.array([[3.0, 2.0]])
        with pytest.raises(AssertionError, match="row 0 has item 2 at rank 1, expected item 1"):
            assert_same_lists(a, b, self.scores, "law")

    def test_missing_items_do_not_agree_with_items(self):
        a = np.array([[0, -1]]), np.array([[3.0, np.nan]])
        b = np.array([[0, 1]]), np.array([[3.0, 2.0]])
        with pytest.raises(AssertionError, match="scores differ"):
            assert_same_lists(a, b, self.scores, "law")
        with pytest.raises(AssertionError, match="row 0 has item -1"):
            assert_same_lists((a[0], b[1]), b, self.scores, "law")

    def test_repeated_item_is_found(self):
        a = np.array([[0, 2, 2]]), np.array([[3.0, 1.0, 1.0]])
        b = np.array([[0, 2, 3]]), np.array([[3.0, 1.0, 1.0]])
        with pytest.raises(AssertionError, match="repeats an item"):
            assert_same_lists(a, b, self.scores, "law")

    def test_error_says_where(self):
        with pytest.raises(AssertionError, match=r"law: 1 of 4 scores differ, first at \(0, 2\)"):
            assert_same_scores(self.scores + [[0, 0, 0.01, 0]], self.scores, "law")

    def test_shapes_are_compared(self):
        with pytest.raises(AssertionError, match=r"shape \(4, 1\), expected \(1, 4\)"):
            assert_same_scores(self.scores.T, self.scores, "law")
