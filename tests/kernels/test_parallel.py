import subprocess
import sys
import textwrap
import threading
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


@pytest.mark.parametrize(("n_rows", "n_workers"), [(0, 1), (1, 1), (2, 2), (100, 3)])
def test_workers_share_the_rows(monkeypatch, n_rows, n_workers):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 3)
    times_done, calls = np.zeros(n_rows, int), []

    def kernel(worker, n, done):
        calls.append((worker, n))
        done[worker::n] += 1

    _parallel.run_workers(kernel, n_rows, times_done)
    assert (times_done == 1).all()
    assert sorted(call[0] for call in calls) == list(range(n_workers))
    assert {call[1] for call in calls} == {n_workers}


def test_error_of_a_worker_is_raised(monkeypatch):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)

    def kernel(worker, n_workers):
        if worker == 1:
            raise MemoryError

    with pytest.raises(MemoryError):
        _parallel.run_workers(kernel, 10)


def test_kernel_keeps_name_and_docstring():
    assert top_k.__name__ == "top_k"
    assert top_k.__doc__.startswith("Rank the candidate columns")
