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
from skattnrec.ensemble._weights import choices_of_block, find_weights, simplex
from skattnrec.metrics import ndcg_at_k, rank_items

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


def test_grid_of_weights():
    assert simplex(1).tolist() == [[1.0]]
    assert np.allclose(sorted(simplex(2)[:, 0]), np.arange(21) / 20)
    for n in range(1, 8):
        points = simplex(n)
        assert 1 <= len(points) <= 300
        assert np.allclose(points.sum(axis=1), 1)
        assert points.min() >= 0
        assert len(np.unique(points, axis=0)) == len(points)
    assert len(simplex(400)) == 400, "one at a time where there are too many"


def test_weights_by_hand():
    """Two items, one of them held out: member 0 puts it first, member 1 last.

    It is first as long as member 0 has more than half of the weight: 11 of 20 to 20 of 20, whose
    mean is 0.775. At 10 of 20 both items are equal, and the first one comes first.
    """
    values = np.tile([[[1.0, -1.0], [-1.0, 1.0]]], (3, 1, 1))
    wanted = np.tile([[True, False]], (3, 1))
    found = find_weights(values, wanted, np.ones(3, int))
    assert np.allclose(found, [0.75, 0.25])
    turned = find_weights(values[:, ::-1], wanted[:, ::-1], np.ones(3, int))
    assert np.allclose(turned, [0.775, 0.225])
    # where all say the same, or nothing, weights are equal
    same = find_weights(np.repeat(values[:, :, :1], 2, axis=2), wanted, np.ones(3, int))
    assert np.allclose(same, [0.5, 0.5])


def test_weights_are_those_of_the_best_lists():
    """Against the metric itself, on scores of one good member and one that is noise."""
    rng = np.random.default_rng(0)
    wanted = rng.random((300, 30)) < 0.1
    wanted[:, 0] = True
    values = np.stack([wanted + rng.normal(0, 0.7, wanted.shape), rng.normal(size=wanted.shape)], 2)
    n_wanted = wanted.sum(axis=1)
    found = find_weights(values, wanted, n_wanted)
    target = sp.csr_array(wanted.astype(float))
    metric = [
        ndcg_at_k(rank_items(values @ [a, 1 - a], k=10), target, k=10) for a in (0.5, found[0], 1)
    ]
    assert metric[1] >= max(metric) - 0.01
    assert 0.7 < found[0] <= 1


def test_choices_are_what_could_be_listed():
    scores = [np.array([[3.0, 2.0, 1.0, 0.0]] * 2), np.array([[0.0, 1.0, 2.0, 3.0]] * 2)]
    history = sp.csr_array([[1.0, 0, 0, 0], [0, 1, 1, 0]])
    held_out = sp.csr_array([[0, 0, 1.0, 0], [1, 0, 0, 1]])
    values, wanted, n_wanted = choices_of_block(scores, history, held_out)
    assert values.shape == (2, 8, 2)
    assert values[0, :3].tolist() == [[2.0, 1.0], [1.0, 2.0], [0.0, 3.0]]
    assert values[1, :2].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert np.isinf(values[0, 3:]).all()
    assert wanted[:, :4].tolist() == [[False, True, False, False], [True, True, False, False]]
    assert n_wanted.tolist() == [1, 2]


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
    for option in ({"holdout": 0.5}, {"relevance_threshold": 4.0}):
        changed = VotingRecommender(members, weights="auto", **option).fit(many)
        assert not np.array_equal(changed.weights_, model.weights_)
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
    (others, everything), (history, held_out) = seen, judged[0]
    assert (everything != many).nnz == 0
    assert history.shape[0] == held_out.shape[0] == 40
    assert (history.multiply(held_out)).nnz == 0
    rows = {tuple(row) for row in many.toarray()}
    whole = {tuple(row) for row in (history + held_out).toarray()}
    assert whole <= rows
    assert {tuple(row) for row in others.toarray()} == rows - whole, "users are judged or learned"
    assert 0.1 < held_out.nnz / (history.nnz + held_out.nnz) < 0.3


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
    history, context, held_out, judged = VotingRecommender(members, weights="auto")._hide(
        many, given
    )
    assert len(judged) == 40
    assert (np.diff(held_out.indptr) == 1).all()
    assert np.array_equal(held_out.indices, times.toarray().argmax(axis=1))
    assert len(context.times) == history.nnz


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
        ({"relevance_threshold": 4}, "no effect"),
        ({"weights": "auto", "holdout": "last"}, "timestamps"),
    ],
)
def test_errors(change, words):
    members = [("a", ItemItemCF()), ("b", PopularityRecommender())]
    model = VotingRecommender(members).set_params(**change)
    with pytest.raises(ValueError, match=words):
        model.fit(X)


def test_nothing_to_hide():
    with pytest.raises(ValueError, match="at least two entries"):
        VotingRecommender([("a", ItemItemCF())], weights="auto").fit(np.eye(4))
