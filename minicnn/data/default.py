"""The data to take where the user names none."""

from __future__ import annotations

import threading

from minicnn.data import registry
from minicnn.data.cache import fetch_file, find_file, url_of
from minicnn.data.progress import Progress
from minicnn.data.registry import RemoteFile
from minicnn.errors import DataError, DownloadError

DEFAULT, FALLBACK = "pneumoniamnist", "phantom"
# How long to wait for a sign that the default can be downloaded.
PROBE_SECONDS = 2.0
# Enough to know that it is the file that answers, and not a log-in page.
PROBE_BYTES = 4


def default_spec(progress: Progress = False) -> tuple[str, str | None]:
    """Choose the data where the user names none.

    Returns
    -------
    spec
        PneumoniaMNIST if it is cached or can be downloaded (it then is), else the phantoms.
    reason
        Why it is the phantoms, as a sentence; None for PneumoniaMNIST.

    Notes
    -----
    Without a network it takes about two seconds.
    """
    entry = registry.find(DEFAULT)
    assert entry is not None
    try:
        if find_file(entry.file) is None:
            problem = _probe(entry.file)
            if problem is not None:
                raise DownloadError(problem)
            fetch_file(entry.file, progress=progress, timeout=10.0, retries=1)
    except DataError as error:
        return FALLBACK, f"PneumoniaMNIST is not at hand: {error}"
    return DEFAULT, None


def _probe(file: RemoteFile) -> str | None:
    """Ask for the first bytes of a file; say in words why they do not come in time."""
    import urllib.request

    from minicnn.data.download import user_agent

    url = url_of(file)
    outcome: list[str | None] = []

    def ask() -> None:
        headers = {"User-Agent": user_agent(), "Range": f"bytes=0-{PROBE_BYTES - 1}"}
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as response:
                start = response.read(PROBE_BYTES)
            # Every npz is a zip, and every zip begins with these letters.
            outcome.append(None if start[:2] == b"PK" else f"{url} sends another file")
        except Exception as error:
            outcome.append(f"{url} cannot be reached ({getattr(error, 'reason', None) or error})")

    # In a thread, because looking up a name may hang for longer than any time-out says.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return outcome[0] if outcome else f"{url} did not answer within {PROBE_SECONDS:g} s"
