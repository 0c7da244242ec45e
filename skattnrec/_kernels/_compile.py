"""Compilation of kernels, and a cache of what was compiled that notices every change.

Numba's own cache looks at the file of the function alone. A kernel is made of functions of several
files, so after an edit of one of the others it would go on to run old code. Here every kernel is
compiled anew when any file of this folder has changed.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from functools import cache, partial
from hashlib import blake2b
from typing import Any

import numba
from numba.core.caching import FunctionCache

__all__ = ["compiled"]


@cache
def _fingerprint_of_sources() -> str:
    """Hash all source files of this folder."""
    digest = blake2b()
    for file in sorted(pathlib.Path(__file__).parent.rglob("*.py")):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


class _Cache(FunctionCache):
    """A cache of one function, valid as long as no source file changes.

    A folder that cannot be read or written any more makes calls slower, not fail.
    """

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function)
        self._cache_file._source_stamp = _fingerprint_of_sources()

    def load_overload(self, *args: Any) -> Any:
        try:
            return super().load_overload(*args)
        except OSError:
            return None

    def save_overload(self, *args: Any) -> None:
        try:
            super().save_overload(*args)
        except OSError:
            self.disable()


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function when it is first called, to run without the interpreter's lock.

    The result is kept on disk, next to the source or in the user's cache folder. Where neither can
    be written, it is compiled once in every process.

    Parameters
    ----------
    function : callable
    **options
        Of ``numba.njit``.
    """
    if function is None:
        return partial(compiled, **options)
    kernel = numba.njit(nogil=True, **options)(function)
    try:
        kernel._cache = _Cache(function)
    except (RuntimeError, OSError):  # numba found no folder, or there are no source files
        return kernel
    return kernel
