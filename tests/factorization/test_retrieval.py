import multiprocessing
import pickle
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec import ALSFactorizer
from skattnrec.factorization import _implicit

pytest.importorskip("faiss")


def make_ratings(n_users=150, n_items=1500, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n_users, 5)) @ rng.normal(size=(5, n_items))
    known = rng.random(scores.shape) < 1 / (1 + np.exp(4 - scores))
    return sp.csr_array(np.where(known, np.clip(np.round(3 + scores / 2), 1, 5), 0))


X = make_ratings()


@pytest.fixture(scope="module", params=["implicit", "explicit"])
def models(request):
    settings = {"n_components": 8, "feedback": request.param, "random_state": 0}
    exact = ALSFactorizer(**settings).fit(X)
    return exact, ALSFactorizer(retrieval="approximate", **settings).fit(X)


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_nearly_all_are_found_and_scores_are_exact(models, exclude_seen):
    exact, approximate = models
    expected, _ = exact.recommend(X, k=10, exclude_seen=exclude_seen)
    indices, scores = approximate.recommend(X, k=10, exclude_seen=exclude_seen)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(indices, expected)])
    assert recall > 0.9
    table = exact.predict(X)
    np.testing.assert_allclose(scores, np.take_along_axis(table, indices, axis=1), rtol=1e-6)
    assert np.all(np.diff(scores, axis=1) <= 0)
    if exclude_seen:
        seen = X.toarray() != 0
        assert not np.take_along_axis(seen, indices, axis=1).any()


def test_similar_items(models):
    exact, approximate = models
    items = [3, 500, 77]
    expected, similarities = exact.similar_items(items, k=5)
    indices, found = approximate.similar_items(items, k=5)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(indices, expected)]) > 0.8
    assert not (indices == np.array(items)[:, None]).any()
    np.testing.assert_allclose(found[:, 0], similarities[:, 0], rtol=1e-6)


def test_what_the_graph_cannot_answer_is_answered_exactly(models):
    exact, approximate = models
    empty = sp.csr_array((2, X.shape[1]))
    np.testing.assert_array_equal(approximate.recommend(empty)[0], exact.recommend(empty)[0])
    chosen = np.arange(0, 1500, 7)
    lists = [model.recommend(X[:5], items=chosen)[0] for model in models]
    np.testing.assert_array_equal(*lists)
    every = [model.recommend(X[:3], k=1500) for model in models]
    np.testing.assert_array_equal(every[0][0], every[1][0])


def test_pickle(models):
    _, approximate = models
    loaded = pickle.loads(pickle.dumps(approximate))
    np.testing.assert_array_equal(loaded.recommend(X[:9])[0], approximate.recommend(X[:9])[0])


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"skattnrec\[ann\]"):
        ALSFactorizer(4, retrieval="approximate").fit(X)
    ALSFactorizer(4, max_iter=1).fit(X)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_process_searches_on_its_own(monkeypatch):
    """The threads of OpenMP, which has searched here, are not there in a forked process."""
    monkeypatch.setattr(_implicit, "_SMALL", 0)
    model = ALSFactorizer(n_components=4, retrieval="approximate", random_state=0).fit(X)
    expected, _ = model.recommend(X, k=5)
    here, there = multiprocessing.Pipe(duplex=False)
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=lambda: there.send(model.recommend(X, k=5)[0]))
    child.start()
    try:
        assert here.poll(60), "the forked process does not answer"
        np.testing.assert_array_equal(here.recv(), expected)
    finally:
        child.kill()
        child.join()
