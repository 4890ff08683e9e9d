"""The folder of downloaded files, and of images prepared once and read often."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.data import download as downloads
from minicnn.data.progress import Progress
from minicnn.data.registry import ZENODO, RemoteFile
from minicnn.errors import DataError, DownloadError
from minicnn.files import write_atomically, write_text

FOLDER_VARIABLE = "MINICNN_DATA_DIR"
MIRROR_VARIABLE = "MINICNN_MIRROR"


def data_dir() -> Path:
    """Return the folder of downloads: MINICNN_DATA_DIR, or the usual cache of this system.

    The folder may not exist yet.

    Raises
    ------
    DataError
        If it is a file.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    folder = Path(named).expanduser() if named else _usual_dir()
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{FOLDER_VARIABLE} is {str(folder)!r}, which is a file; name a folder")
    return folder


def url_of(file: RemoteFile) -> str:
    """Return the address of a registered file, at Zenodo or at MINICNN_MIRROR.

    The mirror is the address of a folder that holds the files under their own names.

    Raises
    ------
    DownloadError
        If MINICNN_MIRROR is no web address.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return f"{ZENODO}{file.name}?download=1"
    if not mirror.lower().startswith(("http://", "https://")):
        raise DownloadError(
            f"{MIRROR_VARIABLE} is {mirror!r}; expected the http:// or https:// address of a "
            f"folder. For files on this computer set {FOLDER_VARIABLE} instead"
        )
    return f"{mirror.rstrip('/')}/{file.name}"


def find_file(file: RemoteFile) -> Path | None:
    """Return where a registered file lies, once its MD5 has been checked; None if it is absent.

    A small file beside it remembers the check, so it costs nothing the next time.

    Raises
    ------
    DataError
        If a file of that name is there but is not the registered one. It is left alone:
        it may be somebody's own.
    """
    path = data_dir() / file.name
    try:
        if not path.is_file():
            return None
        if _is_remembered(path, file):
            return path
        problem = downloads.fault(path, file.bytes, file.md5)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if problem is not None:
        raise DataError(
            f"{path} is not the registered {file.name}: {problem}. It may be cut short or be "
            f"another version; delete it to download it again, or load it by its path"
        )
    _remember(path, file)
    return path


def fetch_file(
    file: RemoteFile, *, progress: Progress = False, timeout: float = 20.0, retries: int = 3
) -> Path:
    """Return where a registered file lies, downloading it if need be.

    Raises
    ------
    DownloadError, DataError
        If it cannot be downloaded, or another file of its name is in the way.
    """
    path = find_file(file)
    if path is not None:
        return path
    path = data_dir() / file.name
    downloads.download(
        url_of(file),
        path,
        size=file.bytes,
        md5=file.md5,
        timeout=timeout,
        retries=retries,
        progress=progress,
    )
    _remember(path, file)
    return path


def load_arrays(name: str) -> dict[str, NDArray] | None:
    """Return what `store_arrays` kept under ``name``; None if it is absent or damaged."""
    for folder in _prepared_dirs():
        path = folder / f"{name}.npz"
        try:
            if path.is_file():
                # Opened here, because np.load leaves a damaged file open.
                with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                    return dict(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            continue  # damaged: the caller prepares it again
    return None


def store_arrays(name: str, arrays: dict[str, NDArray]) -> bool:
    """Keep arrays under ``name``; return False where no folder can be written.

    MINICNN_DATA_DIR may be read-only, a teacher's shared folder for one: then the usual
    cache of this system takes them.
    """
    for folder in _prepared_dirs():
        if _is_read_only(folder):
            continue
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with write_atomically(folder / f"{name}.npz") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            return True
    return False


def _prepared_dirs() -> list[Path]:
    folders = [data_dir() / "prepared"]
    if os.environ.get(FOLDER_VARIABLE):
        folders.append(_usual_dir() / "prepared")
    return folders


def _is_read_only(folder: Path) -> bool:
    """Say whether a folder, or the nearest one above it that exists, is marked read-only.

    An administrator could write there all the same, and should not.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return not folder.stat().st_mode & 0o222


def _usual_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("minicnn", appauthor=False))


def _stamp(path: Path, file: RemoteFile) -> dict[str, object]:
    status = path.stat()
    return {"md5": file.md5, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def _sidecar(path: Path) -> Path:
    return path.with_name(f".{path.name}.checked.json")


def _is_remembered(path: Path, file: RemoteFile) -> bool:
    try:
        stamp = json.loads(_sidecar(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp == _stamp(path, file))


def _remember(path: Path, file: RemoteFile) -> None:
    # In a read-only folder the check is made each time.
    if _is_read_only(path.parent):
        return
    with contextlib.suppress(OSError):
        write_text(_sidecar(path), json.dumps(_stamp(path, file)))
