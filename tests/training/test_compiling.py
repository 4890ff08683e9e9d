"""A word to whoever waits for kernels, and none where there is nothing to wait for."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numba
import pytest

from minicnn.backends import use_backend
from minicnn.training.compiling import WHAT, compiling_notice, live_stderr, noticing_on_stderr


@pytest.fixture(autouse=True)
def _compiled():
    use_backend("compiled")


def fresh():
    """Return a function that Numba has not compiled yet, and one that calls it."""

    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x) * 2

    return inner, outer


def test_beginning_and_end_are_said_once():
    said = []
    outer = fresh()[1]
    with compiling_notice(said.append):
        assert said == []
        outer(1)
        assert said == [f"{WHAT}; later ones start at once"]
        fresh()[0](1.0)
        outer(1)
    assert len(said) == 2
    assert re.fullmatch(r"compiled 3 kernels in \d+\.\d s", said[1])


def test_one_kernel_is_one_kernel():
    said = []
    with compiling_notice(said.append):
        fresh()[0](1)
    assert said[1].startswith("compiled 1 kernel in")


def test_nothing_is_said_where_nothing_is_compiled():
    said = []
    inner, _ = fresh()
    inner(1)
    with compiling_notice(said.append):
        inner(2)
    assert said == []


def test_nobody_listens_afterwards():
    said = []
    with pytest.raises(RuntimeError), compiling_notice(said.append):
        fresh()[0](1)
        raise RuntimeError
    assert len(said) == 2
    fresh()[0](1)
    assert len(said) == 2


def test_without_the_compiled_backend_nobody_listens():
    said = []
    with use_backend("vectorized"), compiling_notice(said.append):
        fresh()[0](1)
    assert said == []


def test_the_time_of_a_kernel_inside_another_counts_once(monkeypatch):
    from minicnn.training import compiling

    clock = iter(range(100))
    monkeypatch.setattr(compiling.time, "perf_counter", lambda: float(next(clock)))
    notice = compiling._Notice(lambda line: None)
    for call in ("begin", "begin", "end", "end", "end", "begin", "end"):
        getattr(notice, f"{call}_kernel")()
    # The clock is read at 0, 1 and 2 for two kernels, one in the other; at 3 and 4 for a third.
    assert (notice.kernels, notice.seconds) == (3, 3.0)


def test_on_a_terminal_one_line_counts():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen, said = Terminal(), []
    with compiling_notice(said.append, screen):
        fresh()[1](1)
    assert said == []
    shown = [line.strip() for line in screen.getvalue().split("\r") if line.strip()]
    assert shown[0] == f"{WHAT} ..."
    assert re.fullmatch(rf"{WHAT}: 2 kernels, done in \d+\.\d s", shown[-1])
    assert screen.getvalue().endswith("\n") and screen.getvalue().count("\n") == 1


def test_kernels_compiled_in_threads_are_counted():
    said = []
    with compiling_notice(said.append):
        threads = [threading.Thread(target=fresh()[1], args=(1,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said[1].startswith("compiled 6 kernels")


def test_stderr_that_is_no_terminal_gets_lines(capsys):
    assert live_stderr() is None
    with noticing_on_stderr():
        fresh()[0](1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(WHAT) and captured.err.count("\n") == 2


SCRIPT = """
import numpy as np
from minicnn.data.dataset import Dataset
from minicnn.layers import Flatten, Linear
from minicnn.losses import CrossEntropyLoss
from minicnn.model import Sequential
from minicnn.optimizers import SGD
from minicnn.training import Trainer

model = Sequential(Flatten(), Linear(16, 2))
data = Dataset(np.zeros((8, 1, 4, 4), np.uint8), np.arange(8) % 2, ("a", "b"))
Trainer(model, CrossEntropyLoss(), SGD(model, 0.1), batch_size=4).fit(data, epochs=1)
"""


def test_a_first_training_says_it_and_a_second_one_does_not(tmp_path: Path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    )
    assert first.stdout == second.stdout == ""
    assert WHAT in first.stderr and re.search(r"compiled \d+ kernels? in", first.stderr)
    assert "compil" not in second.stderr and "epoch 1/1" in second.stderr
