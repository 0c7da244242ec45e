"""A weighted sum of standardised scores: against numpy, and weights that held-out entries give."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skattnrec import (
    ALSFactorizer,
    AttentionRecommender,
    BayesianFactorizer,
    ItemItemCF,
    PopularityRecommender,
    SequentialAttentionRecommender,
    UserUserCF,
    VotingRecommender,
)
from skattnrec._context import Context
from skattnrec.base import BaseRecommender
from skattnrec.checks._data import default_times, ratings, stars, times_of
from skattnrec.ensemble._weights import choices_of_block, find_weights

X = ratings()


def standardised(scores):
    return (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)


class Constant(BaseRecommender):
    """The same score for everything."""

    def __init__(self, value=3.0):
        self.value = value

    def _fit(self, X, *context):
        self.prior_ = np.full(X.shape[1], self.value, X.dtype)

    def _score(self, X, *context):
        return np.full(X.shape, self.value, X.dtype)


class Noise(BaseRecommender):
    """Scores that have nothing to do with anything, but are those of the history."""

    def _fit(self, X, *context):
        self._mix = np.random.default_rng(0).normal(size=(X.shape[1], X.shape[1]))
        self.prior_ = self._mix[0].astype(X.dtype)

    def _score(self, X, *context):
        return (np.sin(1e4 * (X @ self._mix))).astype(X.dtype)


def test_sum_of_standardised_scores():
    members = [
        ("a", AttentionRecommender()),
        ("b", ItemItemCF()),
        ("c", BayesianFactorizer(random_state=0)),
    ]
    model = VotingRecommender(members, weights=[3, 2, 5]).fit(X)
    expected = sum(
        w * standardised(m.fit(X).predict(X)) for w, (_, m) in zip([0.3, 0.2, 0.5], members)
    )
    assert np.allclose(model.predict(X), expected)
    assert np.allclose(model.weights_, [0.3, 0.2, 0.5])
    assert list(model.named_estimators_) == ["a", "b", "c"]
    even = VotingRecommender(members).fit(X)
    assert np.allclose(even.weights_, 1 / 3)
    prior = sum(standardised(m.fit(X).predict(np.zeros((1, 16))))[0] for _, m in members) / 3
    assert np.allclose(even.prior_, prior)


def test_unit_of_scores_does_not_matter():
    class Scaled(ItemItemCF):
        def _score(self, X, *context):
            return super()._score(X, *context) * 1e6 + 1e7

        def _sparse_factors(self, X, *context):
            return None

    first = VotingRecommender([("a", PopularityRecommender()), ("b", ItemItemCF())]).fit(X)
    other = VotingRecommender([("a", PopularityRecommender()), ("b", Scaled())]).fit(X)
    assert np.allclose(first.predict(X), other.predict(X))


def test_equal_scores_add_nothing():
    alone = VotingRecommender([("a", ItemItemCF())]).fit(X).predict(X)
    for value in (3.0, 0.0, 1e300, -1e-300):
        both = VotingRecommender([("a", ItemItemCF()), ("b", Constant(value))]).fit(X)
        assert np.allclose(both.predict(X), alone / 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contributions_add_up(dtype):
    members = [("a", AttentionRecommender()), ("b", ItemItemCF()), ("c", PopularityRecommender())]
    model = VotingRecommender(members, weights=[1, 2, 3]).fit(X.astype(dtype))
    history = X[[4]].astype(dtype)
    parts = model.explain(history, [1, 5, 9])
    total = parts.baseline + parts.contributions.sum(axis=1)
    assert np.allclose(total, model.predict(history)[0, [1, 5, 9]], atol=1e-5)
    # by hand: the contribution of an item of the history is w / spread of that to each member
    expected = np.zeros((3, 16))
    for weight, (_, member) in zip([1 / 6, 2 / 6], members):
        member = clone(member).fit(X.astype(dtype))
        own = member.explain(history, [1, 5, 9])
        expected[:, own.sources] += weight * own.contributions / member.predict(history).std()
    assert np.allclose(parts.contributions, expected[:, parts.sources], atol=1e-5)
    assert np.array_equal(parts.sources, history.indices)


def test_sources_of_two_kinds_do_not_add_up():
    model = VotingRecommender([("a", ItemItemCF()), ("b", UserUserCF())]).fit(X)
    with pytest.raises(NotImplementedError, match="different kinds of sources"):
        model.explain(X[[0]])
    users = VotingRecommender([("a", UserUserCF(shrinkage=1)), ("b", UserUserCF())]).fit(X)
    assert users.explain(X[[0]]).source == "user"


def test_weights_by_hand():
    """One row, two members, one held-out item among two: the best weights are at the edge.

    Member 0 puts it first, member 1 last: weight 0 for member 1.
    """
    values = np.array([[1.0, -1.0], [-1.0, 1.0]])
    found = find_weights(values, np.array([2]), np.array([True, False]))
    assert np.allclose(found, [1, 0], atol=1e-6)
    # who says the same has the same weight; who says nothing has hardly any
    values = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1.0, 1.0, 0.0]])
    found = find_weights(values, np.array([2, 2]), np.array([True, False, False, True]))
    assert np.allclose(found[:2], found[0])
    assert found[2] < 1e-3
    nothing = find_weights(np.zeros((4, 2)), np.array([2, 2]), np.array([1, 0, 0, 1], bool))
    assert np.allclose(nothing, [0.5, 0.5])


def test_weights_are_where_the_likelihood_is_highest():
    """Against a grid, for two members: the ratio that makes held-out items most likely."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 2))
    likely = np.exp(values @ [2.0, 1.0]).reshape(40, 10)
    counts = np.full(40, 10)
    chosen = np.array([rng.choice(10, p=row / row.sum()) for row in likely])
    wanted = np.zeros((40, 10), bool)
    wanted[np.arange(40), chosen] = True
    found = find_weights(values, counts, wanted.ravel())

    def loss(w):
        logits = (values @ w).reshape(40, 10)
        return -(logits[wanted] - np.log(np.exp(logits).sum(axis=1))).mean() + 1e-4 * w @ w

    grid = [(loss(np.array([a, b])), a / (a + b)) for a in np.arange(0.1, 4, 0.05)
            for b in np.arange(0.1, 4, 0.05)]  # fmt: skip
    assert abs(min(grid)[1] - found[0]) < 0.02


def test_choices_are_what_could_be_listed():
    scores = [np.array([[3.0, 2.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 2.0, 3.0]])]
    history, held_out = sp.csr_array([[1.0, 0, 0, 0]]), sp.csr_array([[0, 0, 1.0, 0]])
    values, counts, wanted = choices_of_block(scores, history, held_out)
    assert values.tolist() == [[2.0, 1.0], [1.0, 2.0], [0.0, 3.0]]
    assert counts.tolist() == [3]
    assert wanted.tolist() == [False, True, False]


def test_found_weights_tell_signal_from_noise():
    many = stars(200, 80)
    members = [("noise", Noise()), ("items", ItemItemCF()), ("popular", PopularityRecommender())]
    model = VotingRecommender(members, weights="auto").fit(many)
    assert model.weights_[0] < 0.1
    assert model.weights_.sum() == pytest.approx(1)
    assert (model.weights_ >= 0).all()
    again = VotingRecommender(members, weights="auto").fit(many)
    assert np.array_equal(again.weights_, model.weights_)
    other = VotingRecommender(members, weights="auto", random_state=1).fit(many)
    assert not np.array_equal(other.weights_, model.weights_)
    fewer = VotingRecommender(members, weights="auto", holdout=0.5).fit(many)
    assert not np.array_equal(fewer.weights_, model.weights_)
    # learned from everything in the end
    assert np.array_equal(model.named_estimators_["popular"].prior_, np.bincount(many.indices))


def test_nothing_that_is_hidden_is_known(monkeypatch):
    """The members that weights are found with have not seen what they are judged by."""
    from skattnrec.ensemble import _voting

    many, seen = stars(200, 80), []
    fit_members = VotingRecommender._fit_members

    def spy(self, members, X, *context):
        seen.append(X)
        return fit_members(self, members, X, *context)

    judged = []
    choices = _voting.choices_of_block

    def spy_choices(scores, history, held_out):
        judged.append((history, held_out))
        return choices(scores, history, held_out)

    monkeypatch.setattr(VotingRecommender, "_fit_members", spy)
    monkeypatch.setattr(_voting, "choices_of_block", spy_choices)
    VotingRecommender([("a", ItemItemCF())], weights="auto").fit(many)
    known, everything = seen
    history, held_out = judged[0]
    assert known.nnz + held_out.nnz == everything.nnz == many.nnz
    assert (history.multiply(held_out)).nnz == 0
    assert ((known + held_out) != many).nnz == 0
    assert 0.1 < held_out.nnz / many.nnz < 0.3


def test_with_times_the_latest_is_hidden():
    many = stars(200, 80)
    times = default_times(many)
    members = [("a", SequentialAttentionRecommender()), ("b", ItemItemCF())]
    model = VotingRecommender(members, weights="auto").fit(many, timestamps=times)
    assert model._needs_times()
    with pytest.raises(ValueError, match="needs timestamps"):
        model.predict(many)
    assert np.isfinite(model.predict(many, timestamps=times)).all()
    times = times_of(many)
    given = Context(times.data)
    known, context, users, held_out = VotingRecommender(members, weights="auto")._hide(many, given)
    assert (np.diff(held_out.indptr) == 1).all()
    latest = times.toarray().argmax(axis=1)
    assert np.array_equal(held_out.indices, latest[users])
    assert len(context.times) == known.nnz


def test_members_of_any_kind():
    members = [
        ("piped", make_pipeline(MaxAbsScaler(), ItemItemCF())),
        ("searched", GridSearchCV(ItemItemCF(), {"shrinkage": [0.0, 2.0]}, cv=2)),
        ("frozen", FrozenEstimator(PopularityRecommender().fit(X))),
        ("out", "drop"),
    ]
    model = VotingRecommender(members, weights=[1, 1, 1, 7]).fit(X)
    assert np.allclose(model.weights_, 1 / 3)
    assert len(model.estimators_) == 3
    expected = sum(standardised(m.predict(X)) for m in model.estimators_) / 3
    assert np.allclose(model.predict(X), expected)
    assert model.explain(X[[0]]).sources.size


def test_parameters_of_members_are_reached():
    members = [("a", AttentionRecommender()), ("b", ItemItemCF())]
    model = VotingRecommender(members)
    model.set_params(a__temperature=1.5, b=ALSFactorizer(n_components=3, random_state=0))
    assert model.get_params()["a__temperature"] == 1.5
    assert model.get_params()["b__n_components"] == 3
    grid = {"weights": [[1, 1], [1, 0]], "a__temperature": [1.0, 3.0], "b": ["drop", ItemItemCF()]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(stars())
    assert set(search.best_params_) == set(grid)


def test_a_name_may_be_that_of_a_method_of_dicts():
    model = VotingRecommender([("items", ItemItemCF()), ("keys", PopularityRecommender())]).fit(X)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimators": []}, "at least one"),
        ({"estimators": [ItemItemCF()]}, "pairs"),
        ({"estimators": [("a", "drop")]}, "All estimators are dropped"),
        ({"estimators": [("a", 3)]}, r"estimators\['a'\] must be a recommender"),
        ({"estimators": [("a", ItemItemCF()), ("a", ItemItemCF())]}, "not unique"),
        ({"estimators": [("weights", ItemItemCF())]}, "conflict"),
        ({"weights": [1]}, "for each of the 2"),
        ({"weights": [1, -1]}, "not negative"),
        ({"weights": [0, 0]}, "not all of them 0"),
        ({"weights": [1, np.nan]}, "finite"),
        ({"weights": "best"}, "weights"),
        ({"holdout": 0.5}, "no effect"),
        ({"weights": "auto", "holdout": "last"}, "timestamps"),
    ],
)
def test_errors(change, words):
    members = [("a", ItemItemCF()), ("b", PopularityRecommender())]
    model = VotingRecommender(members).set_params(**change)
    with pytest.raises(ValueError, match=words):
        model.fit(X)


def test_nothing_to_hide():
    with pytest.raises(ValueError, match="at least two"):
        VotingRecommender([("a", ItemItemCF())], weights="auto").fit(np.eye(4))
