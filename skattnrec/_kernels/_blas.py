"""One BLAS thread where several would wait for each other more than they work.

OpenBLAS splits a factorization into many short parallel steps, after each of which its threads wait
for the slowest, spinning. On small systems that costs what it gains even on an idle machine, and
where other work wants the cores it costs far more. Measured on two cores, two threads against one,
for the inverse of a float64 matrix of n rows (times; below 1 is faster):

=====  ====  ====  ====  ====  ====
n       600  1000  1500  2000  3000
=====  ====  ====  ====  ====  ====
idle    1.5   0.7   0.6   0.6   0.6
busy     13   3.4    14   9.5   6.3
=====  ====  ====  ====  ====  ====

At 2000 the gain is a tenth of a second and the loss seven, so up to there one thread does it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

from ._parallel import Turn

__all__ = ["blas_threads_for", "one_blas_thread"]

SMALL_SYSTEM = 2000  # unknowns
_TURN = Turn()


@cache
def _libraries() -> ThreadpoolController:
    """Find the BLAS libraries, once: it takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread.

    The number of BLAS threads belongs to the process. Of several Python threads in here, the first
    one lowers and restores it: if everyone did both, overlapping ones could leave it lowered.
    """
    if not _TURN.take(wait=False):
        yield
        return
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        _TURN.give_up()


def blas_threads_for(n_unknowns: int) -> AbstractContextManager[None]:
    """Hold BLAS to one thread while a system of at most ``SMALL_SYSTEM`` unknowns is solved."""
    return one_blas_thread() if n_unknowns <= SMALL_SYSTEM else nullcontext()
