"""The live progress bar, in a terminal and in a notebook; plain lines elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from minicnn.training.callbacks import Callback

if TYPE_CHECKING:
    from minicnn.training.history import Row
    from minicnn.training.loop import Trainer

BAR_FORMAT = "{desc} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class ProgressBar(Callback):
    """Show loss, accuracy, images per second and the time that remains.

    One bar covers the whole training; each finished epoch leaves a line above it. Where
    the output is neither a terminal nor a notebook (a log file, a pipe), only the lines
    are written.

    Parameters
    ----------
    file : text stream, optional
        Where to write; by default standard error, so that standard output stays free.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file
        self._bar: Any = None
        self._images = 0  # of this epoch, already counted by the bar

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Open the bar, where there is somebody to see it."""
        self._images = 0
        if not is_live(self._file):
            return
        from tqdm.auto import tqdm

        done = len(trainer.history) * trainer.images_per_epoch
        self._bar = tqdm(
            total=trainer.epochs * trainer.images_per_epoch,
            initial=done,
            desc=self._describe(len(trainer.history) + 1, trainer),
            unit=" images",
            file=self._file,
            bar_format=BAR_FORMAT,
            dynamic_ncols=True,
            smoothing=0.05,
            leave=False,
        )

    def on_batch_end(self, trainer: Trainer, so_far: Mapping[str, float]) -> None:
        """Move the bar."""
        if self._bar is None:
            return
        self._bar.set_description(self._describe(trainer.epoch, trainer), refresh=False)
        self._bar.set_postfix_str(
            f"loss {so_far['loss']:.4f}, accuracy {so_far['accuracy']:.3f}", refresh=False
        )
        images = int(so_far["images"])
        self._bar.update(images - self._images)
        self._images = images

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """Write the line of the epoch."""
        self._images = 0
        line = describe_epoch(row, trainer.epochs)
        if self._bar is None:
            print(line, file=self._file, flush=True)
        else:
            self._bar.write(line, file=self._file)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    @property
    def _file(self) -> TextIO:
        return sys.stderr if self.file is None else self.file

    @staticmethod
    def _describe(epoch: int, trainer: Trainer) -> str:
        return f"epoch {min(epoch, trainer.epochs)}/{trainer.epochs}"


def describe_epoch(row: Row, epochs: int) -> str:
    """Put one row of the history into one line of text."""
    parts = [f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}"]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "val_auc"):
        value = row.get(name, math.nan)
        if not math.isnan(value):
            parts.append(f"{name.replace('_', ' ')} {value:.4f}")
    parts.append(f"{row['seconds']:.1f} s")
    parts.append(f"{row['images_per_second']:,.0f} images/s")
    return "  ".join(parts)


def is_live(file: TextIO) -> bool:
    """Whether ``file`` shows a bar that redraws itself: a terminal, or a notebook's stderr."""
    if file.isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return file is sys.stderr and "IPKernelApp" in getattr(shell, "config", {})
