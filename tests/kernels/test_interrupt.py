"""An interrupt at any moment is a KeyboardInterrupt, and leaves no thread behind."""

import _thread
import signal
import time

import numpy as np
import pytest
import scipy.sparse as sp

from skattnrec._kernels import _parallel
from skattnrec._kernels.products import csr_times_dense, top_k_of_product
from skattnrec._kernels.topk import top_k

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers"),
    # what is raised while an object is destroyed or garbage is collected cannot be passed on
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def interrupting():
    """Raise as Ctrl-C does when the timer ends."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("serial_work", [0, 2**40])
def test_kernels_are_interrupted(interrupting, monkeypatch, serial_work):
    monkeypatch.setattr(_parallel, "SERIAL_WORK", serial_work)
    monkeypatch.setattr(_parallel, "usable_threads", lambda: 2)
    rng = np.random.default_rng(0)
    histories = sp.random_array((20, 300), density=0.2, format="csr", rng=rng)
    votes = sp.random_array((300, 300), density=0.2, format="csr", rng=rng)
    left, right = ((M.indptr, M.indices, M.data) for M in (histories, votes))
    dense = votes.toarray()

    def work():
        top_k(csr_times_dense(*left, dense), None, 5)
        top_k_of_product(left, right, 5, None, 300)

    work()
    n_before = _thread._count()
    start = time.perf_counter()
    for _ in range(10):
        work()
    seconds = (time.perf_counter() - start) / 10
    interrupted = 0
    for delay in np.linspace(1e-6, seconds, 300):
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            work()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
    assert interrupted > 0
    patience = time.monotonic() + 10
    while _thread._count() > n_before and time.monotonic() < patience:
        time.sleep(0.01)
    assert _thread._count() <= n_before
