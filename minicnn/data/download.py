"""Fetch one file over HTTP so that it is either there and right, or not there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import minicnn
from minicnn.data.progress import Progress, reporting
from minicnn.errors import DownloadError
from minicnn.locks import exclusive

if TYPE_CHECKING:
    from http.client import HTTPResponse

CHUNK = 1 << 16  # bytes
# Errors of a disk, or of a user's share of it, that is full; not every system has both.
FULL = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT")} - {None}
# Answers that mean "not now" rather than "no".
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)

Report = Callable[[int], None]


class _Interrupted(Exception):
    """The transfer broke off in a way that another try may mend."""


def download(
    url: str,
    path: str | Path,
    *,
    size: int | None = None,
    md5: str | None = None,
    timeout: float = 20.0,
    retries: int = 3,
    pause: float = 1.0,
    progress: Progress = False,
) -> None:
    """Download ``url`` to ``path``; continue where an earlier try broke off.

    What has arrived waits in ``path.part`` and takes its name only when complete and
    checked. Two processes may ask for one file: the second waits and finds it done.

    Parameters
    ----------
    url
        An http or https address.
    path
        Where the file goes; its folder is created.
    size, md5
        What the file must have, in bytes and in hexadecimal; None where unknown.
    timeout
        Seconds of silence from the server that count as an interruption.
    retries
        Tries in a row, after the first, that bring nothing new before it gives up.
    pause
        Seconds before the first of them; each further pause is twice as long.
    progress
        True for a bar on stderr, or a callable ``progress(bytes done, bytes in all)``.

    Raises
    ------
    DownloadError
        If the server refuses, stays silent or sends another file, or the disk is full or
        read-only. A file with a wrong MD5 is removed.
    """
    path = Path(path)

    def say_waiting() -> None:
        if progress is True:
            print(f"Another process is downloading {path.name}: waiting.", file=sys.stderr)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(path.with_name(f".{path.name}.lock"), waiting=say_waiting) as held:
            if path.exists() and fault(path, size, md5) is None:
                return
            # Without a lock another process might write to the same part: take one's own.
            part = path.with_name(
                f"{path.name}.part" if held else f"{path.name}.{os.getpid()}.part"
            )
            _check_space(path, (size or 0) - _length(part))
            total, start = size, min(_length(part), size or sys.maxsize)
            with reporting(progress, total, path.name, "B", start) as report:
                _complete(url, part, size, md5, timeout, retries, pause, report)
            part.replace(path)
    except OSError as error:
        # Whatever the network raises has become a DownloadError: this is the disk.
        advice = "free some space, or set" if error.errno in FULL else "set"
        raise DownloadError(
            f"cannot write {path}: {error.strerror or error}; {advice} MINICNN_DATA_DIR to a "
            f"folder that can be written"
        ) from error


def fault(path: Path, size: int | None, md5: str | None) -> str | None:
    """Say what is wrong with a file's size or MD5; None if nothing is."""
    length = path.stat().st_size
    if size is not None and length != size:
        return f"it has {length:,} bytes instead of {size:,}"
    if md5 is not None:
        digest = md5_of(path)
        if digest != md5:
            return f"its MD5 is {digest} instead of {md5}"
    return None


def user_agent() -> str:
    """Return how requests introduce themselves; some archives turn a bare program name away."""
    return f"Mozilla/5.0 (compatible; minicnn/{minicnn.__version__})"


def md5_of(path: Path) -> str:
    """Return the MD5 of a file in hexadecimal: a check against damage, not against malice."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _complete(
    url: str,
    part: Path,
    size: int | None,
    md5: str | None,
    timeout: float,
    retries: int,
    pause: float,
    report: Report,
) -> None:
    """Fill ``part`` and check it; a continued one that turns out wrong is fetched afresh once."""
    for fresh in (False, True):
        continued = _persist(url, part, size, timeout, retries, pause, report)
        problem = fault(part, size, md5)
        if problem is None:
            return
        report(-_length(part))
        part.unlink()
        if not continued or fresh:
            raise DownloadError(
                f"what {url} sent is not the file that was asked for: {problem}; it was removed. "
                f"Try again later, or set MINICNN_MIRROR to another server"
            )


def _persist(
    url: str,
    part: Path,
    size: int | None,
    timeout: float,
    retries: int,
    pause: float,
    report: Report,
) -> bool:
    """Transfer, after an interruption the rest; say whether any piece was continued."""
    continued, failures, most = False, 0, _length(part)
    while True:
        try:
            return _transfer(url, part, size, timeout, report) or continued
        except _Interrupted as error:
            have = _length(part)
            continued = continued or have > 0
            # A long file over a bad line is no failure as long as it grows.
            failures = 0 if have > most else failures + 1
            most = max(most, have)
            if failures > retries:
                kept = f"; {have:,} bytes are kept and the next try goes on there" if have else ""
                raise DownloadError(
                    f"cannot download {url}: {error}, after {failures} tries{kept}. Check the "
                    f"network, set MINICNN_MIRROR to another server, or put {part.stem} into "
                    f"{part.parent} by hand"
                ) from error
            time.sleep(pause * 2 ** max(failures - 1, 0))


def _transfer(url: str, part: Path, size: int | None, timeout: float, report: Report) -> bool:
    """Ask once for what is missing; return whether it continued an earlier piece."""
    have = _length(part)
    if size is not None and have > size:
        part.unlink()
        report(-size)  # it was counted as complete
        have = 0
    if have and have == size:
        return True
    response = _open(url, part, have, timeout)
    if response is None:  # the server says that nothing is missing
        return True
    with response:
        continues = response.status == 206
        if continues and _first_byte(response) != have:
            part.unlink()
            report(-have)
            raise _Interrupted("the server sent another piece than it was asked for")
        kept = have if continues else 0  # a server that knows no ranges starts again
        announced = response.headers.get("Content-Length", "")
        whole = kept + int(announced) if announced.isdecimal() else None
        if size is not None and whole is not None and whole != size:
            raise DownloadError(
                f"{url} offers {whole:,} bytes instead of {size:,}: it is another file, perhaps "
                f"a log-in page. Check the network, or set MINICNN_MIRROR to another server"
            )
        # Looked at before anything is written: a piece kept earlier outlives a log-in page.
        start = _read(response)
        if start and not continues and _is_page(response, start):
            raise DownloadError(
                f"{url} sent a web page instead of the file, perhaps the log-in page of this "
                f"network; open it in a browser, or set MINICNN_MIRROR to another server"
            )
        if kept < have:
            report(kept - have)
            have = kept
        with part.open("ab" if continues else "wb") as file:
            have += _copy(start, response, file, report)
    expected = size if size is not None else whole
    if expected is not None and have < expected:
        raise _Interrupted(f"the connection closed after {have:,} of {expected:,} bytes")
    return continues


def _open(url: str, part: Path, have: int, timeout: float) -> HTTPResponse | None:
    """Send the request; None if the server holds no byte beyond those already here."""
    import http.client
    import ssl
    import urllib.error
    import urllib.request

    headers = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if not url.lower().startswith(("http://", "https://")):
        raise DownloadError(f"{url!r} is no web address; expected http:// or https://")
    try:
        request = urllib.request.Request(url, headers=headers)
        response: HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
        return response
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            if (error.headers.get("Content-Range") or "").endswith(f"/{have}"):
                return None
            part.unlink()
            raise _Interrupted("the server's file is shorter than the piece kept here") from error
        if error.code in TRY_AGAIN:
            raise _Interrupted(f"the server answered {error.code} {error.reason}") from error
        raise DownloadError(
            f"cannot download {url}: the server answered {error.code} {error.reason}; check the "
            f"address, and MINICNN_MIRROR if it is set"
        ) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(
                f"cannot download {url}: its certificate is not trusted ({error.reason}); check "
                f"the clock and the certificates of this computer"
            ) from error
        raise _Interrupted(_words(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_words(error)) from error
    except ValueError as error:
        raise DownloadError(f"{url!r} is no web address: {error}") from error


def _copy(chunk: bytes, response: HTTPResponse, file: BinaryIO, report: Report) -> int:
    """Write a first piece and whatever follows it; return how many bytes that was."""
    copied = 0
    try:
        while chunk:
            file.write(chunk)
            report(len(chunk))
            copied += len(chunk)
            chunk = _read(response)
        return copied
    finally:
        file.flush()
        os.fsync(file.fileno())


def _read(response: HTTPResponse) -> bytes:
    import http.client

    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_words(error)) from error


def _is_page(response: HTTPResponse, start: bytes) -> bool:
    """Say whether an answer is a web page, and not a zip (as every npz is) sent as one."""
    if start.startswith(b"PK"):
        return False
    looks_so = start[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    return looks_so or response.headers.get_content_type() == "text/html"


def _first_byte(response: HTTPResponse) -> int:
    # Content-Range: bytes 100-199/200
    span = (response.headers.get("Content-Range") or "").removeprefix("bytes").strip()
    first = span.partition("-")[0]
    return int(first) if first.isdecimal() else -1


def _words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    return str(error) or type(error).__name__


def _length(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _check_space(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DownloadError(
            f"no space for {path}: {needed / 1e6:,.0f} MB needed, {free / 1e6:,.0f} MB free; "
            f"free some, or set MINICNN_DATA_DIR to a folder on another disk"
        )
