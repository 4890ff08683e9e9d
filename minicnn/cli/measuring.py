"""The steps that measuring one model and comparing two have in common."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli.output import counting
from minicnn.cli.trained import Trained
from minicnn.errors import RunFolderError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits
    from minicnn.evaluation.chosen import Chosen


def score(trained: Trained, images: NDArray, what: str) -> NDArray[np.float64]:
    """Compute the logits of images, with a bar."""
    from minicnn.training.compiling import noticing_on_stderr
    from minicnn.training.predicting import predict_scores

    with noticing_on_stderr(), counting(len(images), what) as done:
        return predict_scores(trained.model, images, trained.preprocess, progress=done)


def measure_corrupted(
    dataset: Dataset, clean: NDArray, trained: Trained, chosen: Chosen | None
) -> dict[str, Any]:
    """Measure a model on its images under every corruption and severity."""
    from minicnn.data.corruptions import NAMES, SEVERITIES, corrupt
    from minicnn.evaluation.robustness import measure_robustness
    from minicnn.training.predicting import predict_scores

    total = len(NAMES) * len(SEVERITIES) * len(dataset)
    with counting(total, "measuring corrupted images") as done:

        def spoiled() -> Iterator[Any]:
            before = 0
            for name in NAMES:
                for severity in SEVERITIES:

                    def scores(name: str = name, severity: int = severity) -> NDArray:
                        images = corrupt(
                            dataset.images, name, severity, multilabel=dataset.multilabel
                        )
                        return predict_scores(trained.model, images, trained.preprocess)

                    yield name, severity, scores
                    before += len(dataset)
                    done(before)

        return measure_robustness(
            dataset.labels,
            clean,
            dataset.classes,
            spoiled(),
            multilabel=dataset.multilabel,
            chosen=chosen,
        )


def warn_about(split: str, splits: Splits) -> list[str]:
    """Say that figures of images a model was trained on prove little."""
    if split not in ("train", "all"):
        return []
    what = "These are" if split == "train" else "Among these are"
    return [
        f"{what} the train images of {splits.name}; if the model was trained on them, the "
        f"figures say little about new images."
    ]


@contextlib.contextmanager
def new_folder(place: str | None) -> Iterator[Path | None]:
    """Make a folder and see that it can be written, before any work is done.

    Where that work fails the folder goes again, unless something was written.
    """
    if place is None:
        yield None
        return
    path = Path(place)
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunFolderError(
                f"{path} exists and is not an empty folder; give --out the name of a new one"
            )
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.write_bytes(bytes(1 << 20))
        probe.unlink()
    except OSError as error:
        raise RunFolderError(
            f"the folder {path} cannot be written: {error.strerror or error}; choose another "
            f"with --out"
        ) from None
    try:
        yield path
    except BaseException:
        with contextlib.suppress(OSError):
            path.rmdir()
        raise


def trained_on(models: Sequence[Trained], splits: Splits) -> dict[str, str]:
    """Return the entry ``trained_on`` of a data card, where the models had other data."""
    names = dict.fromkeys(str(m.metadata.get("data", "data nobody named")) for m in models)
    return {} if set(names) == {splits.name} else {"trained_on": " and ".join(names)}


def write_metrics(out: Path, metrics: dict[str, Any]) -> None:
    """Write ``metrics.json``."""
    from minicnn.files import write_text

    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(out / "metrics.json", text + "\n")


def command_line(args: argparse.Namespace) -> str:
    """Return the command that does it again."""
    words = ["minicnn", "evaluate", *(shlex.quote(model) for model in args.models)]
    for flag in ("data", "split", "size", "id-pattern", "target-sensitivity", "out"):
        value = getattr(args, flag.replace("-", "_"))
        if value is not None:
            words += [f"--{flag}", shlex.quote(str(value))]
    for threshold in args.threshold:
        words += ["--threshold", f"{threshold:g}"]
    if args.corruptions:
        words.append("--corruptions")
    return " ".join(words)
