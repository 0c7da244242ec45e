"""Laws of size: long histories, catalogues of hundreds of items, data on disk, forked processes."""

from __future__ import annotations

import multiprocessing
import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
import scipy.sparse as sp

from ._agreement import assert_same_lists, assert_same_scores
from ._data import default_times, fresh, long_histories, ratings, stars
from ._verbs import verbs

__all__ = ["LAWS"]

_PATIENCE = 60  # seconds that a forked process may take


def check_long_histories(estimator):
    """Histories of more than 200 entries are scored, ranked and explained as short ones are."""
    X = long_histories()
    model = fresh(estimator).fit(X)
    scores = np.array(model.predict(X))
    assert np.isfinite(scores).all(), "long histories lead to scores that are not finite."
    alone = model.predict(X[[3]])
    assert_same_scores(alone, scores[3:4], "a long history alone and in a batch")
    lists = model.recommend(X, k=10)
    masked = np.where(X.toarray() != 0, -np.inf, scores)
    best = np.argsort(-masked, axis=1, kind="stable")[:, :10]
    expected = best, np.take_along_axis(masked, best, axis=1)
    assert_same_lists(lists, expected, scores, "lists of long histories and predict")
    try:
        parts = model.explain(X[[3]], best[3, :4])
    except NotImplementedError:
        return
    total = parts.baseline + np.asarray(parts.contributions).sum(axis=1)
    assert_same_scores(total, scores[3, best[3, :4]], "contributions of a long history")


def check_lists_of_a_large_catalogue(estimator):
    """With hundreds of items and many ties, lists are those of ``predict``, ties in order."""
    X = stars()
    model = fresh(estimator).fit(X)
    histories = sp.csr_array(sp.vstack([X[:20], sp.csr_array((2, X.shape[1]))]))
    scores = np.array(model.predict(histories))
    seen = histories.toarray() != 0
    empty = np.diff(histories.indptr) == 0  # they get the prior, in which ties are exact
    for items in (None, np.arange(X.shape[1])[::-2]):
        candidates = np.arange(X.shape[1]) if items is None else np.sort(items)
        masked = np.where(seen, -np.inf, scores)[:, candidates]
        for k in (1, 2, 3, 5, 8, 30):
            best = np.argsort(-masked, axis=1, kind="stable")[:, :k]
            expected = candidates[best], np.take_along_axis(masked, best, axis=1)
            lists = model.recommend(histories, k=k, items=items)
            assert_same_lists(lists, expected, scores, "lists of a large catalogue and predict")
            assert np.array_equal(lists[0][empty], expected[0][empty]), (
                f"of equal scores, the {k} first are not those of lower item indices."
            )


def check_similar_items_of_a_large_catalogue(estimator):
    """The items most like one are the same asked for alone or with all others, 3 of them or 10."""
    X = stars()
    model = fresh(estimator).fit(X)
    everything = np.arange(X.shape[1])
    indices, scores = (np.asarray(part) for part in model.similar_items(everything, k=10))
    some = np.array([140, 3, 77])
    few = model.similar_items(some, k=3)
    assert_same_scores(few[1], scores[some, :3], "the 3 and the 10 most similar items")
    assert not (indices == everything[:, None]).any(), "an item is similar to itself."
    listed = indices >= 0
    falls = np.diff(scores, axis=1)[listed[:, 1:]]
    assert (falls <= 0).all(), "similar items are not best first."
    repeats = [len(np.unique(row[row >= 0])) < (row >= 0).sum() for row in indices]
    assert not any(repeats), "a list of similar items repeats an item."


def check_memory_mapped_input_is_accepted(estimator):
    """Matrices on disk, which cannot be written to, are taken by every method as others are."""
    X = ratings()
    times = default_times(X)
    model = fresh(estimator).fit(X)
    expected = model.predict(X)
    timed = fresh(estimator).fit(X, timestamps=times).predict(X, timestamps=times)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        given = _memory_mapped(X, Path(folder))
        times = _memory_mapped(times, Path(folder) / "times")
        actual = fresh(estimator).fit(given).predict(given)
        assert_same_scores(actual, expected, "memory-mapped X")
        actual = fresh(estimator).fit(given, timestamps=times).predict(given, timestamps=times)
        assert_same_scores(actual, timed, "memory-mapped X and timestamps")
        for name, verb in verbs(model).items():
            try:
                verb(given)
            except NotImplementedError:
                continue
            except Exception as error:
                raise AssertionError(f"{name} does not take memory-mapped data: {error}") from error
        del given, times, model


def check_forked_process_answers(estimator):
    """A process that is forked from one that has fitted and asked a model can ask it as well."""
    if "fork" not in multiprocessing.get_all_start_methods():
        raise SkipTest("processes cannot be forked here.")
    X = ratings()
    model = fresh(estimator).fit(X)
    expected = model.recommend(X, k=5)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, model, X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks where there are threads
        process.start()
    there.close()
    try:
        assert here.poll(_PATIENCE), f"a forked process does not answer within {_PATIENCE} s."
        try:
            actual = here.recv()
        except EOFError:
            process.join(_PATIENCE)
            raise AssertionError(f"a forked process dies: exit code {process.exitcode}.") from None
    finally:
        process.kill()
        process.join()
        here.close()
    assert not isinstance(actual, str), f"a forked process fails: {actual}"
    assert_same_lists(actual, expected, np.array(model.predict(X)), "lists of a forked process")


def _answer(connection: Any, model: Any, X: sp.csr_array) -> None:
    """Answer in the forked process, which must not go on afterwards."""
    try:
        connection.send(model.recommend(X, k=5))
    except Exception as error:
        connection.send(repr(error))


def _memory_mapped(X: sp.csr_array, folder: Path) -> sp.csr_array:
    folder.mkdir(exist_ok=True)
    parts = []
    for name in ("data", "indices", "indptr"):
        np.save(folder / f"{name}.npy", getattr(X, name))
        parts.append(np.load(folder / f"{name}.npy", mmap_mode="r"))
    return sp.csr_array(tuple(parts), shape=X.shape)


LAWS = (
    check_long_histories,
    check_lists_of_a_large_catalogue,
    check_similar_items_of_a_large_catalogue,
    check_memory_mapped_input_is_accepted,
    check_forked_process_answers,
)
