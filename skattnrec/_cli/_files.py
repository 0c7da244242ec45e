"""Writing files so that none is ever half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_folder", "check_not_input", "replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; what is there at the end takes the place of ``path``.

    The folder is made if need be. After an error or an interruption ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Check, before any work is done, that files can be written to a folder or one to be made.

    Raises
    ------
    OSError
        If they cannot.
    """
    ancestor = folder.absolute()
    while not ancestor.exists():
        ancestor = ancestor.parent
    if not ancestor.is_dir():
        raise NotADirectoryError(f"cannot write to {folder}: {ancestor} is not a folder.")
    if not os.access(ancestor, os.W_OK):
        raise PermissionError(f"cannot write to {folder}: no permission to write in {ancestor}.")


def check_not_input(path: Path, source: str) -> None:
    """Check that writing to a path does not replace the file that is read.

    Raises
    ------
    ValueError
        If it would.
    """
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise ValueError(f"{path} holds the ratings: write to another file with --out.")
