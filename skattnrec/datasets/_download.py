"""Download a zip archive, check it and unpack it, so that half a data set never lies on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from urllib.request import urlopen

from tqdm.auto import tqdm

__all__ = ["download", "sha256", "unpack"]

_CHUNK = 2**20  # bytes
_TIMEOUT = 60  # seconds without an answer


def download(url: str, path: Path) -> None:
    """Save what a URL holds, with a progress bar where there is a terminal.

    Parameters
    ----------
    url : str
        Where to read.
    path : Path
        Where to write; its folder must exist. The file appears there once it is complete.

    Raises
    ------
    OSError
        If the URL cannot be reached or the connection breaks off.
    """
    part, part_name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(part, "wb") as file, urlopen(url, timeout=_TIMEOUT) as response:
            total = int(response.headers.get("Content-Length") or 0)
            bar = tqdm(total=total or None, unit="B", unit_scale=True, desc=path.name, disable=None)
            with bar:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
            if total and file.tell() != total:
                raise OSError(f"the connection broke off after {file.tell()} of {total} bytes")
        os.replace(part_name, path)
    except OSError as error:
        raise OSError(f"Could not download {url}: {error}.") from error
    finally:
        Path(part_name).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Compute the SHA-256 checksum of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip archive all of whose files lie in one folder.

    Parameters
    ----------
    archive : Path
        The zip file. Its files must lie in a folder named ``folder.name``.
    folder : Path
        The folder to make; it appears once it is complete.

    Raises
    ------
    OSError
        If the archive is damaged, or a file in it would land outside the folder.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name) as part:
        try:
            with zipfile.ZipFile(archive) as content:
                for name in content.namelist():
                    _check_inside(name, folder.name, archive)
                content.extractall(part)
        except zipfile.BadZipFile as error:
            raise OSError(f"{archive} is damaged: {error}. Download it again.") from error
        try:
            os.replace(Path(part) / folder.name, folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was faster
                raise


def _check_inside(name: str, folder: str, archive: Path) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or path.parts[:1] != (folder,):
        raise OSError(f"{archive} is not trusted: its file {name!r} is not inside {folder!r}.")
