"""Processes forked from one that has used all kernels, or is using them, answer as it does."""

import os
import pickle
import select
import signal
import threading
import time
import traceback

import numpy as np
import pytest
from sklearn.base import clone

from skattnrec import ALSFactorizer
from skattnrec._kernels import _parallel
from skattnrec.checks import all_modes
from skattnrec.datasets import make_interactions
from skattnrec.factorization import _implicit

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

DATA = make_interactions(60, 30, n_interactions=900, random_state=0)
SECONDS = 60


def in_a_fork(function):
    """The answer of a function called in a forked process, which gets time enough."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = function()
        except BaseException:
            answer = traceback.format_exc()
        with os.fdopen(theirs, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        if not select.select([pipe], [], [], SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the forked process hangs")
        sent = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the forked process ended with status {status}"
    return pickle.loads(sent)


@pytest.fixture
def threads_for_everything(monkeypatch):
    """However little there is to do."""
    monkeypatch.setattr(_parallel, "SERIAL_WORK", 0)
    monkeypatch.setattr(_parallel, "usable_threads", lambda: 2)
    monkeypatch.setattr(_implicit, "usable_threads", lambda: 2)
    monkeypatch.setattr(_implicit, "openmp_threads", lambda: 2)
    monkeypatch.setattr(_implicit, "_SMALL", 0)


# the first mode of each class
FIRST = {type(mode).__name__: mode for mode in reversed(all_modes())}


@pytest.mark.parametrize("name", FIRST)
def test_child_of_a_process_that_has_fitted(threads_for_everything, name):
    def fit():
        return clone(FIRST[name]).set_params(**seeded).fit(DATA.X, timestamps=DATA.timestamps)

    def answers(fitted):
        lists = fitted.recommend(DATA.X, 5, timestamps=DATA.timestamps)
        return lists, fitted.similar_items(range(3), 4)

    names = [n for n in FIRST[name].get_params() if n.split("__")[-1] == "random_state"]
    seeded = dict.fromkeys(names, 0)
    model = fit()
    expected = answers(model)
    for actual in (in_a_fork(lambda: answers(model)), in_a_fork(lambda: answers(fit()))):
        assert not isinstance(actual, str), actual
        for left, right in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(left[0], right[0])
            np.testing.assert_allclose(left[1], right[1], rtol=1e-5)


def test_child_forked_while_another_thread_fits(threads_for_everything):
    """Of the locks that the thread holds, none is held in the child."""
    leave = threading.Event()

    def fit_on():
        while not leave.is_set():
            ALSFactorizer(32, max_iter=3, random_state=0).fit(DATA.X)

    thread = threading.Thread(target=fit_on)
    thread.start()
    try:
        for _ in range(5):
            time.sleep(0.05)
            fitted = in_a_fork(lambda: ALSFactorizer(8, random_state=0).fit(DATA.X))
            assert isinstance(fitted, ALSFactorizer), fitted
    finally:
        leave.set()
        thread.join()


def test_turn_of_another_thread_is_open_in_a_child():
    turn, inside, leave = _parallel.Turn(), threading.Event(), threading.Event()

    def hold():
        with turn:
            inside.set()
            leave.wait(SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert inside.wait(SECONDS)
        assert in_a_fork(turn.is_open) is True
        assert not turn.is_open()
    finally:
        leave.set()
        thread.join()
    assert turn.is_open()


def test_own_turn_is_kept_in_a_child():
    turn = _parallel.Turn()
    with turn:
        assert in_a_fork(turn.is_open) is False


def test_fork_waits_for_a_compilation():
    """A child would wait for ever for the thread that compiles, which it lacks."""
    from numba.core.compiler_lock import global_compiler_lock

    inside = threading.Event()

    def compile_for_a_while():
        with global_compiler_lock:
            inside.set()
            time.sleep(0.3)

    thread = threading.Thread(target=compile_for_a_while)
    thread.start()
    inside.wait()

    def compiles():
        with global_compiler_lock:
            return True

    assert in_a_fork(compiles) is True
    thread.join()
