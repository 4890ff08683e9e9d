"""Several trials at once, each in a process of its own.

Processes are spawned, not forked, so that this works alike on Linux, macOS and Windows. Train
and val are written to files once and mapped into the memory of every worker, which the
operating system then shares. A worker whose parent dies, by whatever signal, ends itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backends import current_backend, use_backend
from minicnn.data.dataset import Dataset
from minicnn.data.development import Development
from minicnn.errors import StateError
from minicnn.tuning.trial import Assignment, run_trial

# trial, epoch, epochs
Tell = Callable[[int, int, int], None]
# Read by the libraries when they are loaded, which in a worker comes after its start.
THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


def run_here(
    assignments: Sequence[Assignment], data: Development, base: Mapping[str, Any], tell: Tell
) -> Iterator[dict[str, Any]]:
    """Do the trials one after the other in this process, with all its threads."""
    for one in assignments:
        tell(one.trial, 0, one.epochs or 0)
        yield run_trial(one, data, base, lambda e, n, trial=one.trial: tell(trial, e, n))  # type: ignore[misc]


def run_apart(
    assignments: Sequence[Assignment],
    folder: Path,
    base: Mapping[str, Any],
    jobs: int,
    tell: Tell,
) -> Iterator[dict[str, Any]]:
    """Do the trials in ``jobs`` processes; yield results as they finish.

    Parameters
    ----------
    assignments
        What to train, taken in this order.
    folder
        Where `share` put the data.
    base
        The options that all trials share.
    jobs
        How many processes; each computes with its share of the processor's threads.
    tell
        Called with trial, epoch and epochs.

    Raises
    ------
    StateError
        If a worker dies (killed for its memory, say).
    """
    jobs = min(jobs, len(assignments))
    context = multiprocessing.get_context("spawn")
    waiting = list(assignments)
    busy: dict[Any, tuple[Any, Assignment]] = {}
    workers = []
    try:
        with _threads_each(max(1, (os.cpu_count() or 1) // max(jobs, 1))):
            for _ in range(jobs):
                ours, theirs = context.Pipe()
                worker = context.Process(
                    target=_work, args=(theirs, folder, dict(base), current_backend()), daemon=True
                )
                worker.start()
                theirs.close()
                workers.append((worker, ours))
        for worker, pipe in workers:
            busy[pipe] = worker, waiting.pop(0)
            pipe.send(busy[pipe][1])
        while busy:
            ready: list[Any] = connection.wait(list(busy))
            for pipe in ready:
                worker, one = busy[pipe]
                try:
                    kind, content = pipe.recv()
                except (EOFError, OSError):
                    worker.join(5)
                    raise StateError(
                        f"the process of trial {one.trial} ended with code {worker.exitcode}; "
                        f"if it was killed for its memory, take fewer jobs or smaller batches, "
                        f"and resume"
                    ) from None
                if kind == "epoch":
                    tell(one.trial, *content)
                    continue
                if kind == "error":
                    raise StateError(f"trial {one.trial} broke off: {content}")
                yield content
                if waiting:
                    busy[pipe] = worker, waiting.pop(0)
                    pipe.send(busy[pipe][1])
                else:
                    del busy[pipe]
    finally:
        for worker, pipe in workers:
            pipe.close()
            worker.terminate()
        for worker, _ in workers:
            worker.join()


def share(data: Development, folder: Path) -> None:
    """Write train and val where workers find them."""
    folder.mkdir()
    for part in ("train", "val"):
        dataset = getattr(data, part)
        np.save(folder / f"{part}_images.npy", dataset.images, allow_pickle=False)
        np.save(folder / f"{part}_labels.npy", dataset.labels, allow_pickle=False)
    np.save(folder / "classes.npy", np.array(data.train.classes, np.str_), allow_pickle=False)


def shared(folder: Path) -> Development:
    """Read what `share` wrote; the images stay in the file until they are needed."""
    classes = tuple(np.load(folder / "classes.npy").tolist())
    train, val = (
        Dataset(
            np.load(folder / f"{part}_images.npy", mmap_mode="r"),
            np.load(folder / f"{part}_labels.npy"),
            classes,
        )
        for part in ("train", "val")
    )
    return Development(train, val, name="shared")


@contextlib.contextmanager
def _threads_each(count: int) -> Iterator[None]:
    """Let processes started in the block compute with so many threads."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(pipe: Any, folder: Path, base: dict[str, Any], backend: str) -> None:
    """Be a worker: do what comes through the pipe until nothing comes any more."""
    # Ctrl-C reaches the whole group; the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        try:
            use_backend(backend)
            data = shared(folder)
            while True:
                one = pipe.recv()
                result = run_trial(one, data, base, lambda e, n: pipe.send(("epoch", (e, n))))
                pipe.send(("result", result))
        except (EOFError, OSError):
            raise
        except Exception as error:  # a mistake in minicnn: let the parent say so
            pipe.send(("error", f"{type(error).__name__}: {error}"))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
