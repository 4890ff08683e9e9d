from __future__ import annotations

import errno
import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from minicnn import locks

pytest.importorskip("numba", reason="the compiled backend needs numba")
jit = importlib.import_module("minicnn.backends.compiled.jit")

PROGRAM = """
import numpy as np
from minicnn.backends.compiled import activation, jit
if {changed}:
    jit._source_stamp = lambda: "another file of the package has changed"
    import importlib
    importlib.reload(activation)
activation.relu(np.zeros(3, np.float32))
print(sum(activation._relu.stats.cache_hits.values()))
"""


def run(cache: Path, changed: bool = False) -> int:
    """Run a program of its own; return how many kernels it found on disk."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    code = PROGRAM.format(changed=changed)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_second_run_compiles_nothing_unless_the_package_has_changed(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    assert run(tmp_path) == 1
    assert run(tmp_path, changed=True) == 0


def test_processes_take_turns_with_the_files_of_the_cache(tmp_path: Path) -> None:
    called = threading.Event()
    turn = jit._in_turn(called.set, tmp_path / "lock")
    with locks.exclusive(tmp_path / "lock"):
        thread = threading.Thread(target=turn)
        thread.start()
        assert not called.wait(0.2)
    assert called.wait(10)
    thread.join()
    assert jit._in_turn(lambda n: n + 1, tmp_path / "no folder" / "lock")(1) == 2


def test_a_full_disk_only_costs_the_cache() -> None:
    def full(key: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    jit._if_there_is_room(full)("key", b"machine code")


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(jit.numba, "njit", refuse)
    assert jit.kernel(len) is len


def test_ready_copies_only_what_kernels_cannot_take() -> None:
    a = np.arange(12.0).reshape(3, 4)
    assert jit.ready(a) is a
    locked = a.copy()
    locked.flags.writeable = False
    for other in (a.T, a[:, ::2], locked):
        taken = jit.ready(other)
        assert taken.flags.carray and not np.shares_memory(taken, other)
        assert (taken == other).all()


def test_division_and_fast_math_keep_nan_and_infinity() -> None:
    assert not {"nnan", "ninf", "fast"} & jit.OPTIONS["fastmath"]
