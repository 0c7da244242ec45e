"""The number of BLAS threads inside and outside the limit."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from skattnrec._kernels import _blas
from skattnrec._kernels._blas import SMALL_SYSTEM, blas_threads_for, one_blas_thread
from skattnrec._kernels.ridge import constrained_ridge


def n_threads():
    libraries = ThreadpoolController().select(user_api="blas").info()
    return {library["num_threads"] for library in libraries}


@pytest.fixture(autouse=True)
def two_threads():
    """Also on a machine with one core, so that there is something to limit."""
    with threadpool_limits(2, "blas"):
        if n_threads() != {2}:
            pytest.skip("this BLAS does not take two threads")
        yield


def test_limited_inside_and_restored_outside():
    with one_blas_thread():
        assert n_threads() == {1}
        with one_blas_thread():
            assert n_threads() == {1}
        assert n_threads() == {1}
    assert n_threads() == {2}


def test_restored_after_an_error():
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert n_threads() == {2}


def test_overlapping_python_threads_leave_no_limit():
    """The one that came first leaves first."""
    inside, leave = threading.Event(), threading.Event()

    def second():
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=second)
    with one_blas_thread():
        thread.start()
        assert inside.wait(10)
        assert n_threads() == {1}
    assert n_threads() == {2}
    leave.set()
    thread.join(10)
    assert n_threads() == {2}


@pytest.mark.parametrize(("n_unknowns", "expected"), [(SMALL_SYSTEM, 1), (SMALL_SYSTEM + 1, 2)])
def test_small_systems_get_one_thread(n_unknowns, expected):
    with blas_threads_for(n_unknowns):
        assert n_threads() == {expected}
    assert n_threads() == {2}


@pytest.mark.parametrize(("limit", "expected"), [(6, {1}), (5, {2})])
def test_ridge_is_solved_under_the_rule(monkeypatch, limit, expected):
    """Two heads on three items are a system of six unknowns."""
    seen = []
    solve = np.linalg.solve

    def watched(*arguments):
        seen.append(n_threads())
        return solve(*arguments)

    monkeypatch.setattr(_blas, "SMALL_SYSTEM", limit)
    monkeypatch.setattr(np.linalg, "solve", watched)
    constrained_ridge(np.eye(6), np.ones((6, 3)), 1.0, 0.5)
    assert seen == [expected]
    assert n_threads() == {2}
