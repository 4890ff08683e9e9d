"""Writing files so that a kill, a crash or a full disk never leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def write_atomically(path: str | Path) -> Iterator[BinaryIO]:
    """Open a binary file that appears under ``path`` only when it is complete.

    The bytes go to a temporary name in the same folder, are flushed to the disk, and
    take the final name in one step. If anything fails, the old file stays as it was.

    Examples
    --------
    >>> with write_atomically(folder / "notes.txt") as file:  # doctest: +SKIP
    ...     file.write(b"all or nothing")
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        # To rename a file over a device or a pipe would take it away from everybody.
        reason = "is a folder" if path.is_dir() else "is a device or a pipe, not a file"
        raise OSError(errno.EEXIST, reason, str(path))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _set_usual_permissions(temporary)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file, all or nothing."""
    with write_atomically(path) as file:
        file.write(text.encode("utf-8"))


def _set_usual_permissions(path: str) -> None:
    # mkstemp makes files that only their owner can read; a result is not a secret.
    mask = os.umask(0)
    os.umask(mask)
    with contextlib.suppress(OSError):
        Path(path).chmod(0o666 & ~mask)
