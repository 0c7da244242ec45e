"""Equal threads for everything that is measured."""

import os
import sys

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "IRSPACK_NUM_THREADS_DEFAULT",
)


def use_threads(n_threads: int) -> None:
    """Start this script over with its numerical libraries set to ``n_threads`` threads.

    The libraries read these variables while they load, so setting them later has no effect.
    """
    wanted = dict.fromkeys(_VARIABLES, str(n_threads))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **wanted})
