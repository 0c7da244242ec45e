import _thread
import math
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from skattnrec._kernels import _parallel
from skattnrec._kernels.topk import top_k


def test_concurrent_launches_agree():
    scores = np.random.default_rng(0).normal(size=(64, 200))
    expected, _ = top_k(scores, np.arange(200), 10)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: top_k(scores, np.arange(200), 10)[0], range(40)))
    for answer in answers:
        np.testing.assert_array_equal(answer, expected)


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
    def refuse(task, arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
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
