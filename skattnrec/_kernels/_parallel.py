"""Kernels on all threads, safely callable from several Python threads.

``parallel`` compiles a kernel with numba's parallel loops. ``run_workers`` runs one compiled
without them in several Python threads, each of which takes a part of the rows. That is for kernels
of many functions: a parallel loop around them makes LLVM optimise all of them twice more, which
takes nearly as long again as compiling them.

Numba's ``workqueue`` threading layer ends the process when two Python threads launch kernels at
once; its ``tbb`` and ``omp`` layers do not. Where only ``workqueue`` is to be had, launches take
turns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

import numba

__all__ = ["parallel", "run_workers"]

_TURN = threading.Lock()


def _launches_are_thread_safe() -> bool:
    """Tell whether the threading layer is known and allows concurrent launches."""
    try:
        return numba.threading_layer() != "workqueue"
    except ValueError:  # no kernel has run yet, so no layer has been chosen
        return False


def parallel(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``kernel`` with ``numba.njit(parallel=True)`` and an on-disk cache."""
    compiled = numba.njit(parallel=True, cache=True, nogil=True)(kernel)

    @wraps(kernel)
    def launch(*args: Any) -> Any:
        if _launches_are_thread_safe():
            return compiled(*args)
        with _TURN:
            return compiled(*args)

    return launch


def run_workers(kernel: Callable[..., None], n_rows: int, *args: Any) -> None:
    """Run ``kernel(worker, n_workers, *args)`` for every worker, as many as numba may use threads.

    ``kernel`` is compiled with ``nogil=True`` and does every ``n_workers``-th of ``n_rows`` rows,
    from row number ``worker`` on: neighbouring rows, often of like cost, are dealt out.
    """
    n_workers = min(numba.get_num_threads(), n_rows)
    if n_workers <= 1:
        kernel(0, 1, *args)
        return
    with ThreadPoolExecutor(n_workers) as pool:
        for done in [pool.submit(kernel, w, n_workers, *args) for w in range(n_workers)]:
            done.result()
