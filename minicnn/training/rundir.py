"""The run folder: what is in it, said once.

config.json       what was asked for, the recipe, the data's fingerprint; written first
checkpoint.npz    everything needed to go on after a kill; one per finished epoch
history.csv       one row per epoch
model.npz         the trained model
curves.png  confusion.png  roc.png  report.html
metrics.json      the figures on the test images; written last, so it marks the end
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from minicnn.errors import RunFolderError
from minicnn.files import write_text

FORMAT = 1
# A run at the default settings writes less than this.
PROBE_BYTES = 1 << 20
# Left behind by a kill in the middle of a write (see `minicnn.files`).
LEFTOVER = ".*.part"


class RunDir:
    """One run folder.

    Make one with `create` (a new training) or `open` (an old one).

    Parameters
    ----------
    path : path
        The folder; it is not touched.
    """

    command = "train"  # whose --out and --resume mean such a folder

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.checkpoint = self.path / "checkpoint.npz"
        self.history = self.path / "history.csv"
        self.model = self.path / "model.npz"
        self.curves = self.path / "curves.png"
        self.confusion = self.path / "confusion.png"
        self.roc = self.path / "roc.png"
        self.report = self.path / "report.html"
        self.metrics = self.path / "metrics.json"
        self.lock = self.path / ".lock"  # there while a process is at work
        self._made: list[Path] = []  # folders that `create` made, deepest first

    # ---- making and finding ---------------------------------------------------------

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any]) -> Self:
        """Make a new run folder that holds ``config.json`` and can be written to.

        A new folder appears under its name only when the configuration is in it, so that
        whatever is there after a kill can be resumed.

        Raises
        ------
        RunFolderError
            The folder is not empty, cannot be made, or cannot be written to (read-only,
            full disk).
        """
        run = cls(path)
        run._refuse_if_taken()
        try:
            if run.path.is_dir():
                _probe(run.path)
                run.write_config(config)
                return run
            made = _make_parents(run.path)
        except OSError as error:
            raise _cannot_write(run.path, error) from error
        try:
            run._appear(config)
        except OSError as error:
            _remove_empty(made)
            run._refuse_if_taken()  # somebody else was quicker
            raise _cannot_write(run.path, error) from error
        run._made = [run.path, *made]
        return run

    @classmethod
    def create_next(cls, root: str | Path, name: str, config: Mapping[str, Any]) -> Self:
        """Make ``root/name-1``, or -2, -3, ...: the first number that is free."""
        for number in itertools.count(1):
            run = cls(Path(root) / f"{name}-{number}")
            if run.path.exists():
                continue
            try:
                return cls.create(run.path, config)
            except RunFolderError:
                if not run.path.exists():
                    raise
        raise AssertionError("unreachable")

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Find an old run folder, to resume or to read it.

        Raises
        ------
        RunFolderError
            There is no folder, or it holds no readable ``config.json``.
        """
        run = cls(path)
        if not run.path.is_dir():
            raise RunFolderError(f"there is no run folder {run.path}; check the path")
        if not run.config.is_file():
            raise RunFolderError(
                f"{run.path} holds no {run.config.name}, so it is no run folder; "
                f"start one with: minicnn {cls.command} --out DIR"
            )
        run.read_config()
        return run

    @property
    def finished(self) -> bool:
        """Whether training and evaluation are done: ``metrics.json`` is written last."""
        return self.metrics.is_file()

    # ---- reading and writing --------------------------------------------------------

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json``."""
        write_text(self.config, json.dumps({"format": FORMAT} | dict(config), indent=2) + "\n")

    def read_config(self) -> dict[str, Any]:
        """Read ``config.json``; damage or a newer format is an error."""
        try:
            config = json.loads(self.config.read_text(encoding="utf-8"))
            version = config["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(
                f"{self.config} cannot be read ({error}); start a new training in another folder"
            ) from error
        if version != FORMAT:
            raise RunFolderError(
                f"{self.config} has format {version!r}, this version reads {FORMAT}; "
                "use the minicnn that wrote it"
            )
        return dict(config)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write ``metrics.json``, and with it declare the run finished."""
        text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
        write_text(self.metrics, text + "\n")

    def read_metrics(self) -> dict[str, Any]:
        """Read ``metrics.json`` of a finished run."""
        try:
            return dict(json.loads(self.metrics.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise RunFolderError(
                f"{self.metrics} cannot be read ({error}); delete it and resume the run to "
                "write it again"
            ) from error

    def tidy(self) -> None:
        """Remove what a kill in the middle of a write left behind."""
        for leftover in self.path.glob(LEFTOVER):
            with contextlib.suppress(OSError):
                leftover.unlink()

    def discard(self) -> None:
        """Undo `create`, if nothing but the configuration was ever written."""
        if self._entries() <= {self.config.name}:
            self.config.unlink(missing_ok=True)
            self._remove_lock()
            _remove_empty(self._made)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process out of the folder while the block runs.

        The lock ends with its process, however that ends.

        Raises
        ------
        RunFolderError
            Another process is training in this folder.
        """
        from minicnn.locks import exclusive

        def refuse() -> None:
            raise RunFolderError(
                f"another process is at work in {self.path}; wait for it, or choose another folder"
            )

        with contextlib.ExitStack() as stack:
            # A folder that cannot hold a lock has its own, better error further on.
            with contextlib.suppress(OSError):
                stack.enter_context(exclusive(self.lock, waiting=refuse))
                # Removed while it is held; nobody ever waits for it.
                stack.callback(self._remove_lock)
            yield

    def _remove_lock(self) -> None:
        with contextlib.suppress(OSError):
            self.lock.unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing(self, safe: Callable[[], str]) -> Iterator[None]:
        """Turn a write that fails in the block into one clear line.

        Parameters
        ----------
        safe : callable
            Says what is safe by then, for the message.
        """
        try:
            yield
        except BrokenPipeError:
            raise  # the terminal went away, not the disk
        except OSError as error:
            reason = error.strerror or str(error)
            raise RunFolderError(
                f"cannot write to the run folder {self.path}: {reason}; {safe()}. Mend that and go "
                f"on with: minicnn {self.command} --resume {self.path}"
            ) from error

    # ---- inside ---------------------------------------------------------------------

    def _appear(self, config: Mapping[str, Any]) -> None:
        hidden = Path(
            tempfile.mkdtemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part")
        )
        try:
            # mkdtemp makes folders that only their owner may enter.
            mask = os.umask(0)
            os.umask(mask)
            hidden.chmod(0o777 & ~mask)
            _probe(hidden)
            type(self)(hidden).write_config(config)
            hidden.rename(self.path)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise

    def _entries(self) -> set[str]:
        return {p.name for p in self.path.iterdir() if not p.match(LEFTOVER) and p != self.lock}

    def _refuse_if_taken(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RunFolderError(f"{self.path} is a file; give --out the name of a new folder")
        if not self.path.is_dir():
            return
        try:
            entries = self._entries()
        except OSError as error:
            raise RunFolderError(
                f"the run folder {self.path} cannot be read: {error.strerror}; choose another"
            ) from error
        if self.config.name in entries:
            raise RunFolderError(
                f"{self.path} already holds a run; choose another folder, or go on with that "
                f"run: minicnn {self.command} --resume {self.path}"
            )
        if entries:
            raise RunFolderError(
                f"{self.path} is not empty (it holds {len(entries)} entries, such as "
                f"{min(entries)!r}); choose a new or an empty folder"
            )


def _make_parents(path: Path) -> list[Path]:
    """Make the folders above ``path``; return those that are new, deepest first."""
    new = [p for p in path.parents if not p.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return new


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _probe(folder: Path) -> None:
    """Really write something: permissions alone do not tell a full or read-only disk."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe.", suffix=".part") as file:
        file.write(bytes(PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _cannot_write(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"the run folder {path} cannot be written: {error.strerror or error}; "
        "choose another with --out, or make room"
    )
