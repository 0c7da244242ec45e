"""Compilation of kernels, and a cache of what was compiled that notices every change.

Numba's own cache looks at the file of the function alone. A kernel is made of functions of several
files, so after an edit of one of the others it would go on to run old code. Here a kernel is
compiled anew when its file, or one that this imports from, has changed.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from functools import cache, partial
from hashlib import blake2b
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache

__all__ = ["compiled", "csr_arrays", "read_only"]


@cache
def _source_stamp(file: str) -> str:
    """Hash a file of this folder, and all others of it that it is made from."""
    digest, found, pending = blake2b(), set(), [pathlib.Path(file)]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            source = path.read_bytes()
            digest.update(source)
            names = re.findall(rb"^from \.(\w+) import", source, re.MULTILINE)
            pending.extend(path.with_name(f"{name.decode()}.py") for name in names)
    return digest.hexdigest()


class _Cache(FunctionCache):
    """A cache of one function, valid as long as its source files do not change.

    A folder that cannot be read or written any more makes calls slower, not fail.
    """

    def __init__(self, function: Callable[..., Any]):
        super().__init__(function)
        self._cache_file._source_stamp = _source_stamp(function.__code__.co_filename)

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


def read_only(array: np.ndarray) -> np.ndarray:
    """View an array as one that cannot be written to, contiguous.

    Numba compiles anew for every type of array, and whether it can be written to is part of its
    type. Through this all that a kernel reads is of one type, memory-mapped or not.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def csr_arrays(
    indptr: np.ndarray, indices: np.ndarray, *data: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Bring CSR arrays to the types that kernels are compiled for: int32, uint32, any data.

    With unsigned indices numba omits the test for negative ones. From 2^31 entries on ``indptr``
    is int64.
    """
    fits = len(indices) <= np.iinfo(np.int32).max
    starts = indptr.astype(np.int32 if fits else np.int64, copy=False)
    columns = indices.view(np.uint32) if indices.itemsize == 4 else indices.astype(np.uint32)
    return read_only(starts), read_only(columns), *(read_only(values) for values in data)
