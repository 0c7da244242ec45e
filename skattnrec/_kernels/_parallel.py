"""Kernels on several Python threads.

A kernel releases the interpreter's lock, so plain threads run it side by side. They live as long as
the call. Nothing is left that a forked process could find half alive, nothing spins while it waits,
calls from several threads do not know of each other, and an interrupt waits for one share of the
work, not for all of it.
"""

from __future__ import annotations

import _thread
import math
import os
import pathlib
import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
from numba.core.compiler_lock import global_compiler_lock

__all__ = ["Turn", "run_workers", "usable_threads"]


# Multiply-adds that take about a millisecond. A thread takes a tenth of that to start on an idle
# machine, and has to wait for its turn on a busy one.
SERIAL_WORK = 2**21
_LOOK_UP = 0.1  # seconds after which a thread that waits looks whether it has to
_SHARES = 4  # for each thread, as some take longer than others

if hasattr(os, "register_at_fork"):
    # A process forked while another thread compiles would wait for that thread, which it lacks.
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )


class Turn:
    """A lock for those who take turns.

    A process forked while another thread had its turn finds it open: that thread is not there.
    """

    def __init__(self) -> None:
        self._lock, self._owner = threading.Lock(), 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._open_after_fork)

    def _open_after_fork(self) -> None:
        if self._owner != threading.get_ident():
            self._lock = threading.Lock()

    def take(self, *, wait: bool = True) -> bool:
        """Take the turn; False if it is another's and ``wait`` is False."""
        taken = self._lock.acquire(blocking=wait)
        if taken:
            self._owner = threading.get_ident()
        return taken

    def give_up(self) -> None:
        """Let another one take its turn."""
        self._owner = 0
        self._lock.release()

    def is_open(self) -> bool:
        """Tell whether nobody has the turn."""
        return not self._lock.locked()

    def __enter__(self) -> None:
        self.take()

    def __exit__(self, *exception: object) -> None:
        self.give_up()


@cache
def _quota() -> float:
    """Processors' worth of time that the container grants the process."""
    folder = pathlib.Path("/sys/fs/cgroup")
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / file).read_text() for file in files).split()
            if quota not in ("max", "-1"):
                return int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue
    return math.inf


def usable_threads() -> int:
    """Count the threads that kernels may use.

    As many as ``NUMBA_NUM_THREADS`` says, else as many as there are processors that the process
    may run on.
    """
    asked: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    if "NUMBA_NUM_THREADS" in os.environ:
        return asked
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        processors = os.cpu_count() or 1
    return max(1, min(asked, processors, math.ceil(min(_quota(), asked))))


def run_workers(
    kernel: Callable[..., None], n_rows: int, *args: Any, work: float | None = None
) -> None:
    """Run ``kernel(share, n_shares, *args)`` for every share of the rows, on all threads.

    Parameters
    ----------
    kernel : callable
        Compiled with :func:`~skattnrec._kernels._compile.compiled`. Does every ``n_shares``-th of
        ``n_rows`` rows, from row number ``share`` on: neighbouring rows, often of like cost, are
        dealt out.
    n_rows : int
    *args
        Of the kernel.
    work : float, optional
        About how many multiply-adds all rows take. A single thread does few of them. By default
        they are many.
    """
    is_little = n_rows <= 1 or (work is not None and work < SERIAL_WORK)
    if is_little or (n_threads := min(usable_threads(), n_rows)) <= 1:
        kernel(0, 1, *args)
        return
    n_shares = min(n_rows, _SHARES * n_threads)
    shares = deque(range(n_shares))
    failures: list[BaseException] = []

    def take_shares() -> None:
        try:
            while (share := _next(shares)) is not None:
                kernel(share, n_shares, *args)
        except BaseException as failure:
            shares.clear()
            failures.append(failure)

    helpers: list[_Helper] = []
    try:
        _start(helpers, take_shares, n_threads - 1)
        take_shares()
    except BaseException as interrupt:
        shares.clear()
        failures.append(interrupt)
    _join(helpers, shares, failures)
    if failures:
        raise failures[0]


def _next(shares: deque[int]) -> int | None:
    """Take a share, if there is one left."""
    try:
        return shares.popleft()
    except IndexError:
        return None


class _Helper:
    """A thread that does a task once.

    An interrupt may come between any two steps of the main thread. Python's ``Thread`` then leaves
    locks behind that nobody opens, and the process hangs when it ends. Here nothing but the flags
    tells whether there is something to wait for.
    """

    def __init__(self, task: Callable[[], None]):
        self._task = task
        self._gate = _thread.allocate_lock()
        self._gate.acquire()
        self._is_running = False

    def start(self) -> None:
        self._is_running = True
        try:
            _thread.start_new_thread(self._run, ())
        except BaseException:  # too many of them, or the interpreter is about to end
            self._is_running = False
            raise

    def _run(self) -> None:
        try:
            self._task()
        finally:
            self._is_running = False
            self._gate.release()

    def wait(self) -> None:
        while self._is_running:
            self._gate.acquire(timeout=_LOOK_UP)  # an interrupt may have closed it again


def _start(helpers: list[_Helper], task: Callable[[], None], n_helpers: int) -> None:
    """Add running helpers to a list, as many as the system allows."""
    for _ in range(n_helpers):
        helper = _Helper(task)
        try:
            helper.start()
        except RuntimeError:
            return
        helpers.append(helper)  # one that an interrupt keeps off the list ends by itself


def _join(helpers: list[_Helper], shares: deque[int], failures: list[BaseException]) -> None:
    """Wait for helpers, also when interrupted: they write to the arrays of the caller."""
    for helper in helpers:
        while True:
            try:
                helper.wait()
                break
            except BaseException as interrupt:
                shares.clear()
                failures.append(interrupt)
