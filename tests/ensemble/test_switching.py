"""One recommender or another, by the length of the history."""

import numpy as np
import pytest

from skattnrec import (
    AttentionRecommender,
    BayesianFactorizer,
    ItemItemCF,
    PopularityRecommender,
    SequentialAttentionRecommender,
    SwitchingRecommender,
)
from skattnrec.checks._data import default_times, ratings

X = ratings()
MEMBERS = [
    ("few", PopularityRecommender()),
    ("some", ItemItemCF()),
    ("many", AttentionRecommender()),
]


def test_each_row_is_answered_by_one():
    model = SwitchingRecommender(MEMBERS, [0, 5, 8]).fit(X)
    rows = X.toarray()
    rows[0] = 0
    lengths = (rows != 0).sum(axis=1)
    assert {n >= 8 for n in lengths} == {n < 5 for n in lengths} == {True, False}
    scores = model.predict(rows)
    for member, low, high in zip(model.estimators_, [0, 5, 8], [5, 8, 99]):
        here = (lengths >= low) & (lengths < high)
        assert np.array_equal(scores[here], member.predict(rows[here]))
    assert np.array_equal(model.prior_, model.named_estimators_["few"].prior_)


def test_explanation_is_that_of_who_answers():
    model = SwitchingRecommender(MEMBERS, [0, 5, 8]).fit(X)
    lengths = np.diff(X.indptr)
    row = int(np.flatnonzero(lengths >= 8)[0])
    parts, expected = (m.explain(X[[row]], [1, 2]) for m in (model, model.estimators_[2]))
    assert np.array_equal(parts.contributions, expected.contributions)
    assert np.array_equal(parts.weights, expected.weights)
    few = model.explain(np.eye(1, 16), [1, 2])
    assert few.contributions.shape == (2, 0)


def test_ratings_stay_ratings():
    members = [("a", ItemItemCF(feedback="explicit")), ("b", BayesianFactorizer())]
    assert SwitchingRecommender(members, [0, 5])._predicts_ratings()
    assert not SwitchingRecommender(MEMBERS, [0, 5, 8])._predicts_ratings()
    signed = X.copy()
    signed.data -= 3
    assert np.isfinite(SwitchingRecommender(members, [0, 5]).fit(signed).predict(signed)).all()


def test_who_is_dropped_is_stood_in_for():
    model = SwitchingRecommender(MEMBERS, [0, 5, 8]).set_params(some="drop").fit(X)
    assert model.min_lengths_.tolist() == [0, 8]
    one = np.zeros((1, 16))
    one[0, :6] = 3
    assert np.array_equal(model.predict(one)[0], model.prior_)


def test_times_reach_who_needs_them():
    times = default_times(X)
    members = [("few", PopularityRecommender()), ("many", SequentialAttentionRecommender())]
    model = SwitchingRecommender(members, [0, 6]).fit(X, timestamps=times)
    expected = SequentialAttentionRecommender().fit(X, timestamps=times)
    long = np.diff(X.indptr) >= 6
    scores = model.predict(X, timestamps=times)
    assert np.array_equal(scores[long], expected.predict(X, timestamps=times)[long])
    with pytest.raises(ValueError, match="needs timestamps"):
        model.predict(X)


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([0, 5], "for each of the 3"),
        ([1, 5, 8], "begin with 0"),
        ([0, 5, 5], "rise"),
        ([0.0, 5.0, 8.0], "integer"),
    ],
)
def test_errors(lengths, words):
    with pytest.raises(ValueError, match=words):
        SwitchingRecommender(MEMBERS, lengths).fit(X)


def test_the_first_cannot_be_dropped():
    with pytest.raises(ValueError, match="cannot be dropped"):
        SwitchingRecommender(MEMBERS, [0, 5, 8]).set_params(few="drop").fit(X)
