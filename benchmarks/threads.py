"""Equal threads for everything that is measured, and what it is measured on."""

import os
import platform
import sys
from pathlib import Path

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "IRSPACK_NUM_THREADS_DEFAULT",
)


def use_threads(n_threads: int) -> None:
    """Start this script over with its numerical libraries set to ``n_threads`` threads.

    The libraries read these variables while they load, so setting them later has no effect. Tells
    the processor, as the same code is faster on one than on another.
    """
    wanted = dict.fromkeys(_VARIABLES, str(n_threads))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **wanted})
    print(f"{processor()}, {n_threads} thread(s)", file=sys.stderr)


def processor() -> str:
    """Name the processor, and the one that kernels are compiled for."""
    from llvmlite.binding import get_host_cpu_name

    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    return f"{name}, kernels for {os.environ.get('NUMBA_CPU_NAME') or get_host_cpu_name()}"
