"""What runs in a process of its own, to be timed from its birth or weighed.

Each prints one JSON object as its last line. Times are seconds since the parent started the
child, which it finds in the environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

BORN = "MINICNN_BENCHMARK_BORN"


def run(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Run ``benchmarks.children.<module>`` and return what it reports.

    Raises
    ------
    RuntimeError
        If it fails; with what it wrote.
    """
    command = [sys.executable, "-m", f"benchmarks.children.{module}", *arguments]
    with tempfile.TemporaryFile() as complaints:
        variables = {**os.environ, **(environment or {}), BORN: repr(time.time())}
        done = subprocess.run(
            command, env=variables, stdout=subprocess.PIPE, stderr=complaints, check=False
        )
        lines = done.stdout.decode(errors="replace").splitlines()
        if done.returncode or not lines:
            complaints.seek(0)
            wrote = complaints.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}:\n{wrote}")
    return json.loads(lines[-1])


def age() -> float:
    """Return the seconds since the parent started this process."""
    return time.time() - float(os.environ[BORN])
