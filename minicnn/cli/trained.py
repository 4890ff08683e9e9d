"""A trained model as the commands need it: network, preprocessing, classes, and its run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.errors import MinicnnError, ModelFileError

if TYPE_CHECKING:
    from minicnn.data.preprocess import Preprocess
    from minicnn.layers.base import Layer

MODEL = "model.npz"
CONFIG = "config.json"


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model file opened.

    Parameters
    ----------
    path
        The model file.
    model, preprocess
        The network, and what images go through before it.
    classes
        Names of its classes or findings.
    multilabel
        Whether an image may have several of them.
    input_shape
        Channels, height and width it was trained on.
    metadata
        All the file says about itself.
    run
        The run folder it lies in, or None.
    """

    path: Path
    model: Layer
    preprocess: Preprocess
    classes: tuple[str, ...]
    multilabel: bool
    input_shape: tuple[int, int, int]
    metadata: dict[str, Any]
    run: Path | None

    @property
    def parameters(self) -> int:
        """The number of trained numbers."""
        return sum(p.size for p in self.model.params.values())


def open_trained(place: str | Path) -> Trained:
    """Open a model file, or the model of a run folder.

    Raises
    ------
    ModelFileError
        If there is none, it is damaged, or it does not say what its inputs and classes are.
    """
    from minicnn.data.preprocess import Preprocess
    from minicnn.storage import load, read_metadata

    path = _find(Path(place).expanduser())
    model = load(path)
    metadata = read_metadata(path)
    try:
        channels, height, width = (int(n) for n in metadata["input_shape"])
        classes = tuple(str(name) for name in list(metadata["classes"]))
        task = metadata["task"]
        config = metadata["preprocess"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} does not say what it takes and what it tells apart "
            f"({_what_is_missing(error)}); train it with minicnn train, or save it with metadata: "
            f"task, classes, input_shape, preprocess"
        ) from None
    if task not in ("classification", "multilabel"):
        raise ModelFileError(
            f"{path} was made for the task {task!r}; expected classification or multilabel"
        )
    try:
        preprocess = Preprocess.from_config(config)
    except MinicnnError as error:
        raise ModelFileError(f"{path}: {error}") from None
    try:
        seen = preprocess.output_shape((channels, height, width))
    except MinicnnError as error:
        raise ModelFileError(f"{path} cannot take the images it names: {error}") from None
    _check_outputs(path, model, (1, *seen), len(classes))
    run = path.parent if (path.parent / CONFIG).is_file() else None
    return Trained(
        path,
        model,
        preprocess,
        classes,
        task == "multilabel",
        (channels, height, width),
        metadata,
        run,
    )


def _check_outputs(path: Path, model: Layer, inputs: tuple[int, ...], classes: int) -> None:
    try:
        outputs = model.output_shape(inputs)
    except MinicnnError as error:
        raise ModelFileError(f"{path} cannot take the images it names: {error}") from None
    if outputs != (1, classes):
        raise ModelFileError(
            f"{path} names {classes} classes, but its model gives scores of shape {outputs}, not "
            f"(1, {classes}); the file contradicts itself: train or save it again"
        )


def _what_is_missing(error: Exception) -> str:
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)


def _find(place: Path) -> Path:
    if not place.exists():
        raise ModelFileError(f"there is no model file and no run folder {place}; check the path")
    if not place.is_dir():
        return place
    model = place / MODEL
    if model.is_file():
        return model
    if (place / CONFIG).is_file():
        raise ModelFileError(
            f"the run in {place} has no {MODEL} yet: its training did not finish. "
            f"Go on with it: minicnn train --resume {place}"
        )
    raise ModelFileError(
        f"{place} holds no {MODEL}; give a model file, or the run folder of a finished training"
    )
