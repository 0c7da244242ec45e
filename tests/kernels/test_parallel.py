import math
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from skattnrec._kernels import _parallel
from skattnrec._kernels.topk import top_k


class WatchedLock:
    """A lock that counts how often it was taken."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken = 0

    def __enter__(self):
        self.lock.acquire()
        self.taken += 1

    def __exit__(self, *exception):
        self.lock.release()


@pytest.fixture
def lock(monkeypatch):
    lock = WatchedLock()
    monkeypatch.setattr(_parallel, "_TURN", lock)
    return lock


def launch():
    return top_k(np.array([[1.0, 3.0, 2.0]]), np.arange(3), 1)[0].item()


def pretend_layer(monkeypatch, name):
    monkeypatch.setattr(numba, "threading_layer", lambda: name)


def test_launches_take_turns_under_workqueue(lock, monkeypatch):
    pretend_layer(monkeypatch, "workqueue")
    assert launch() == 1
    assert launch() == 1
    assert lock.taken == 2


@pytest.mark.parametrize("layer", ["omp", "tbb"])
def test_launches_are_free_under_other_layers(lock, monkeypatch, layer):
    launch()
    lock.taken = 0
    pretend_layer(monkeypatch, layer)
    assert launch() == 1
    assert lock.taken == 0


def test_first_launch_takes_its_turn(lock, monkeypatch):
    """Before the first launch numba has chosen no layer and says so by a ValueError."""

    def unknown():
        raise ValueError("Threading layer is not initialized.")

    monkeypatch.setattr(numba, "threading_layer", unknown)
    assert launch() == 1
    assert lock.taken == 1


def test_turn_is_given_up_after_an_error(lock, monkeypatch):
    pretend_layer(monkeypatch, "workqueue")
    with pytest.raises(numba.TypingError):
        top_k("no array", None, None)
    assert not lock.lock.locked()
    assert launch() == 1


def test_concurrent_launches_agree():
    scores = np.random.default_rng(0).normal(size=(64, 200))
    expected, _ = top_k(scores, np.arange(200), 10)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: top_k(scores, np.arange(200), 10)[0], range(40)))
    for answer in answers:
        np.testing.assert_array_equal(answer, expected)


def test_process_survives_concurrent_launches_under_workqueue():
    """Without the lock numba ends the process here: 'Concurrent access has been detected'."""
    program = """
        import numba
        numba.config.THREADING_LAYER = "workqueue"
        from concurrent.futures import ThreadPoolExecutor
        import numpy as np
        from skattnrec._kernels.topk import top_k
        scores = np.random.default_rng(0).normal(size=(2000, 100))
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: top_k(scores, np.arange(100), 5)[0], range(30)))
        assert numba.threading_layer() == "workqueue"
        assert all((answer == answers[0]).all() for answer in answers)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(_parallel, "usable_threads", lambda: 3)


@pytest.mark.parametrize(("n_rows", "n_shares"), [(0, 1), (1, 1), (2, 2), (100, 12)])
def test_shares_hold_every_row_once(three_threads, n_rows, n_shares):
    times_done, calls = np.zeros(n_rows, int), []

    def kernel(share, n, done):
        calls.append((share, n))
        done[share::n] += 1

    _parallel.run_workers(kernel, n_rows, times_done)
    assert (times_done == 1).all()
    assert sorted(call[0] for call in calls) == list(range(n_shares))
    assert {call[1] for call in calls} == {n_shares}


def test_threads_work_side_by_side(three_threads):
    together = threading.Barrier(3, timeout=10)
    _parallel.run_workers(lambda share, n_shares: together.wait(), 3)


@pytest.mark.parametrize(("work", "n_threads"), [(0, 1), (_parallel.SERIAL_WORK, 3), (None, 3)])
def test_little_work_starts_no_thread(three_threads, work, n_threads):
    together = threading.Barrier(n_threads, timeout=10)
    seen = set()

    def kernel(share, n_shares):
        if share < n_threads:
            together.wait()
        seen.add(threading.get_ident())

    _parallel.run_workers(kernel, 3, work=work)
    assert len(seen) == n_threads
    assert threading.get_ident() in seen


def test_caller_does_all_where_no_thread_can_start(three_threads, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = np.zeros(20, int)
    _parallel.run_workers(lambda share, n: done[share::n].__iadd__(1), 20)
    assert (done == 1).all()


def test_error_of_a_share_is_raised_and_ends_the_others(three_threads):
    started = []

    def kernel(share, n_shares):
        started.append(share)
        raise MemoryError

    with pytest.raises(MemoryError):
        _parallel.run_workers(kernel, 1000)
    assert len(started) <= 3


def test_interrupt_waits_for_shares_under_way(three_threads):
    """Threads that went on alone would write to arrays that their caller has back."""
    running, done = threading.Barrier(3, timeout=10), []

    def kernel(share, n_shares):
        running.wait()
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        time.sleep(0.2)
        done.append(share)

    with pytest.raises(KeyboardInterrupt):
        _parallel.run_workers(kernel, 1000)
    assert len(done) == 2


def test_threads_are_those_asked_for_or_the_processors_at_hand(monkeypatch):
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 7)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    assert _parallel.usable_threads() == 7
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(5), raising=False)
    monkeypatch.setattr(_parallel, "_quota", lambda: math.inf)
    assert _parallel.usable_threads() == 5
    monkeypatch.setattr(_parallel, "_quota", lambda: 1.5)
    assert _parallel.usable_threads() == 2


def test_kernel_keeps_name_and_docstring():
    assert top_k.__name__ == "top_k"
    assert top_k.__doc__.startswith("Rank the candidate columns")
