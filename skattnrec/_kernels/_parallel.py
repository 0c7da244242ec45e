"""``parallel``: compile a kernel for all threads, safely callable from several Python threads.

Numba's ``workqueue`` threading layer ends the process when two Python threads launch kernels at
once; its ``tbb`` and ``omp`` layers do not. Where only ``workqueue`` is to be had, launches take
turns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import numba

__all__ = ["parallel"]

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
