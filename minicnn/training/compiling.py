"""A word to whoever waits: kernels are compiled once, and that takes a while.

Numba compiles a kernel when it is first called and keeps the machine code on disk. It
broadcasts an event for each one that it compiles, and none for those it finds on disk, so
that later runs say nothing.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from minicnn.backends import current_backend

WHAT = "compiling kernels for the first run"


@contextlib.contextmanager
def compiling_notice(say: Callable[[str], None], live: TextIO | None = None) -> Iterator[None]:
    """Say while kernels are compiled that they are, and at the end how long it took.

    Parameters
    ----------
    say
        Called with a line when compiling begins, and with one at the end.
    live
        A terminal or a notebook where one line that counts takes the place of both.
    """
    with contextlib.ExitStack() as stack:
        if current_backend() == "compiled":
            # Not part of Numba's documented interface; where it is missing, nothing is said.
            with contextlib.suppress(ImportError, AttributeError):
                from numba.core import event

                notice = _LiveNotice(live) if live is not None else _Notice(say)
                stack.callback(notice.end)
                stack.enter_context(event.install_listener("numba:compile", _listener(notice)))
        yield


class _Notice:
    """Counts kernels and the time they take; tells the beginning and the end."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.kernels = 0
        self.seconds = 0.0
        self._depth = 0  # kernels that call others compile those meanwhile
        self._start = 0.0
        self._lock = threading.Lock()

    def begin_kernel(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._start = time.perf_counter()
            if self._depth == 1 and not self.kernels:
                self.show_begin()

    def end_kernel(self) -> None:
        with self._lock:
            if not self._depth:  # begun before anybody listened
                return
            self._depth -= 1
            self.kernels += 1
            now = time.perf_counter()
            self.seconds += now - self._start
            self._start = now
            self.show_progress()

    def end(self) -> None:
        if self.kernels:
            self.show_end()

    def show_begin(self) -> None:
        self._say(f"{WHAT}; later ones start at once")

    def show_progress(self) -> None:
        pass

    def show_end(self) -> None:
        self._say(f"compiled {self._counted()} in {self.seconds:.1f} s")

    def _counted(self) -> str:
        return f"{self.kernels} kernel{'s' if self.kernels != 1 else ''}"


class _LiveNotice(_Notice):
    """One line that counts."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(lambda line: None)
        self._file = file
        self._line: Any = None

    def show_begin(self) -> None:
        from tqdm.auto import tqdm

        # As a bar without a bar: other bars may be on the screen, and they make room.
        self._line = tqdm(desc=f"{WHAT} ...", bar_format="{desc}", file=self._file, leave=True)

    def show_progress(self) -> None:
        self._line.set_description_str(f"{WHAT}: {self._counted()}, {self.seconds:.0f} s")

    def show_end(self) -> None:
        self._line.set_description_str(f"{WHAT}: {self._counted()}, done in {self.seconds:.1f} s")
        self._line.close()


def _listener(notice: _Notice) -> Any:
    from numba.core.event import Listener

    class Compiling(Listener):
        def on_start(self, event: Any) -> None:
            notice.begin_kernel()

        def on_end(self, event: Any) -> None:
            notice.end_kernel()

    return Compiling()


def live_stderr() -> TextIO | None:
    """Return stderr where it redraws a line: a terminal, or a notebook; else None."""
    from minicnn.training.progress import is_live

    return sys.stderr if is_live(sys.stderr) else None


def noticing_on_stderr() -> contextlib.AbstractContextManager[None]:
    """Return a `compiling_notice` on stderr, whatever that is."""

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return compiling_notice(say, live_stderr())
