"""What is learned takes effect at once, or not at all."""

import pickle
import threading

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import clone

from skattnrec import AttentionRecommender, SequentialAttentionRecommender
from skattnrec.base import BaseRecommender
from skattnrec.exceptions import ChangedMeanwhileError

X = sp.csr_array(np.array([[5.0, 0, 3, 0], [0, 2, 0, 1], [1, 2, 0, 0]]))
OTHER = sp.csr_array(np.array([[1.0, 2.0, 0.0], [0.0, 3.0, 1.0]]))


class Learner(BaseRecommender):
    """Learns sums of columns, in two steps between which it may fail or look around."""

    between = None  # what happens between the steps

    def __init__(self, mode="plain"):
        self.mode = mode

    def _fit(self, X, context):
        self.sums_ = X.sum(axis=0)
        if Learner.between is not None:
            Learner.between(self)
        self._squares = self.sums_**2
        if self.mode == "extra":
            self.extra_ = 1

    def _score(self, X, context):
        return np.tile(self.sums_ + self._squares, (X.shape[0], 1))

    def partial_fit(self, X):
        draft = self._draft()
        draft.sums_ = draft.sums_ + X.sum(axis=0)
        if Learner.between is not None:
            Learner.between(self)
        draft._squares = draft.sums_**2
        self._commit(draft)
        return self


@pytest.fixture
def between(monkeypatch):
    return lambda act: monkeypatch.setattr(Learner, "between", staticmethod(act))


def fail(model):
    raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["fit", "partial_fit"])
def test_an_interrupt_in_the_middle_changes_nothing(between, verb):
    model = Learner().fit(X)
    before = dict(model.__dict__)
    between(fail)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, verb)(X if verb == "partial_fit" else OTHER)
    assert model.__dict__ == before
    assert model.n_features_in_ == 4


def test_a_first_fit_that_fails_leaves_the_model_unfitted(between):
    between(fail)
    model = Learner()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert vars(model) == {"mode": "plain"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"X": -OTHER},
        {"X": OTHER, "timestamps": OTHER[:, :-1]},
        {"X": OTHER, "y": [1, 2, 3]},
        {"X": [[1.0, np.nan]]},
    ],
)
def test_a_refused_fit_changes_nothing(wrong):
    model = Learner().fit(X)
    scores = model.predict(X)
    with pytest.raises(ValueError, match=r"\w"):
        model.fit(**wrong)
    np.testing.assert_array_equal(model.predict(X), scores)
    with pytest.raises(ValueError, match="X has 3 features"):
        model.predict(OTHER)


def test_nothing_of_an_earlier_fit_is_left():
    model = Learner("extra").fit(X)
    model.set_params(mode="plain").fit(X)
    assert vars(model).keys() == vars(Learner().fit(X)).keys()
    assert not hasattr(model, "extra_")


def test_what_was_set_from_outside_stays():
    with config_context(enable_metadata_routing=True):
        model = Learner().set_predict_request(timestamps=False)
    model.note = note = object()
    model.fit(X).fit(OTHER).partial_fit(OTHER)
    assert model.note is note
    assert model.get_metadata_routing().predict.requests == {
        "timestamps": False,
        "user_features": True,
    }


def test_a_question_is_answered_by_one_model(between):
    """Asked in the middle of a fit of another size, the model answers as before."""
    model = Learner().fit(X)
    before = model.predict(X)
    answers = []
    between(lambda _: answers.append(model.predict(X)))
    model.fit(OTHER)
    np.testing.assert_array_equal(answers, [before])
    assert model.predict(OTHER).shape == OTHER.shape


def test_a_snapshot_does_not_change():
    model = Learner().fit(X)
    snapshot = model._fitted()
    model.fit(OTHER)
    assert snapshot.n_features_in_ == 4
    assert snapshot.predict(X).shape == X.shape


def test_clone_and_pickle():
    model = Learner("extra").fit(X)
    assert vars(clone(model)) == {"mode": "extra"}
    loaded = pickle.loads(pickle.dumps(model))
    assert vars(loaded.set_params(mode="plain").fit(X)).keys() == vars(Learner().fit(X)).keys()


# -- several threads -------------------------------------------------------------------------


def test_who_comes_late_is_told_so(between):
    """Another thread learns in the middle of learning more: nothing of it is lost silently."""
    model = Learner().fit(X)
    sums = model.sums_

    def interfere(_):
        between(None)
        model.partial_fit(X)

    between(interfere)
    with pytest.raises(ChangedMeanwhileError, match="Another thread changed this Learner"):
        model.partial_fit(X)
    np.testing.assert_array_equal(model.sums_, 2 * sums)
    np.testing.assert_array_equal(model.partial_fit(X).sums_, 3 * sums)


def test_a_fit_in_the_middle_of_learning_more_stays(between):
    model = Learner().fit(X)

    def interfere(_):
        between(None)
        model.fit(OTHER)

    between(interfere)
    with pytest.raises(ChangedMeanwhileError):
        model.partial_fit(X)
    np.testing.assert_array_equal(model.sums_, OTHER.sum(axis=0))


def at_once(monkeypatch, Model, *calls):
    """Make calls in a thread each, all of which have learned before the first one is done."""
    together = threading.Barrier(len(calls), timeout=60)
    solve, waited = Model._solve, set()

    def wait_first(model):
        solve(model)
        if threading.get_ident() not in waited:
            waited.add(threading.get_ident())
            together.wait()

    monkeypatch.setattr(Model, "_solve", wait_first)
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("Model", [AttentionRecommender, SequentialAttentionRecommender])
def test_threads_that_learn_at_once_lose_nothing(monkeypatch, Model, known):
    rng = np.random.default_rng(0)
    A = sp.csr_array(rng.integers(1, 6, (40, 8)) * (rng.random((40, 8)) < 0.5))
    T = A.copy()
    T.data = rng.permutation(A.nnz) + 1.0

    def rows(*numbers):
        taken = np.isin(np.arange(40) // 10, numbers)
        return {"X": A[taken], "timestamps": T[taken]}

    model = Model(temperature=2.0, rating_center=3.0, rating_spread=1.0, regularization=5.0)
    if known:
        model.fit(**rows(0))
    first, second = (lambda: model.partial_fit(**rows(1))), (lambda: model.partial_fit(**rows(2)))
    at_once(monkeypatch, Model, first, second)
    expected = clone(model).fit(**(rows(0, 1, 2) if known else rows(1, 2)))
    np.testing.assert_array_equal(model.predict(**rows(3)), expected.predict(**rows(3)))
    at_once(monkeypatch, Model, lambda: model.forget(**rows(1)), lambda: model.forget(**rows(2)))
    assert model.statistics_.n_entries == (A[:10].nnz if known else 0)
    assert "_replaces" not in vars(model)
