"""Data for a trained model: which ones, in its size, with the classes in its order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.cli.output import shows_bars
from minicnn.cli.trained import CONFIG, Trained
from minicnn.errors import ArgumentError, DataError, RunFolderError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits


def choose_data(
    trained: Trained, spec: str | None, size: int | None, id_pattern: str | None
) -> tuple[str, dict[str, Any]]:
    """Return what was asked for, else what the model was trained with.

    Raises
    ------
    ArgumentError, RunFolderError
        If nothing was asked for and nobody knows what it was trained with.
    """
    if spec is not None:
        return spec, {"size": size, "id_pattern": id_pattern}
    if trained.run is None:
        raise ArgumentError(
            f"{trained.path} lies in no run folder, so its data are unknown; say which: --data SPEC"
        )
    try:
        options = json.loads((trained.run / CONFIG).read_text(encoding="utf-8"))["options"]
        own = options["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(
            f"{trained.run / CONFIG} does not say what the model was trained with ({error}); "
            f"say which data to take: --data SPEC"
        ) from None
    return own, {
        "size": options.get("size") if size is None else size,
        "id_pattern": options.get("id_pattern") if id_pattern is None else id_pattern,
        # Another split would call images test that the model has learned from.
        "split_by": options.get("split_by"),
    }


def load_for(trained: Trained, spec: str, options: dict[str, Any], *, own: bool) -> Splits:
    """Load data in the model's size, where they come in any.

    Raises
    ------
    DataError
        If they cannot be loaded; ``own`` data are said to be those of the training.
    """
    from minicnn import data

    if options["size"] is None:
        options = {**options, "size": _model_size(spec, trained)}
    try:
        return data.load(spec, progress=shows_bars(), **options)
    except DataError as error:
        if not own:
            raise
        raise DataError(
            f"the data {trained.path} was trained on cannot be loaded: {error}; if they were "
            f"moved, say where they are: --data SPEC"
        ) from error


def matched(dataset: Dataset, name: str, trained: Trained) -> Dataset:
    """Check that model and data fit, and bring the classes into the model's order.

    Raises
    ------
    DataError
        If kind, image shape or classes differ.
    """
    if dataset.multilabel != trained.multilabel:
        kinds = {False: "one class per image", True: "several labels per image"}
        raise DataError(
            f"{trained.path} tells {kinds[trained.multilabel]}, but {name} has "
            f"{kinds[dataset.multilabel]}; evaluate it on data of its own kind"
        )
    if dataset.image_shape != trained.input_shape:
        raise DataError(
            f"the images of {name} are {_describe_shape(dataset.image_shape)}, but {trained.path} "
            f"was trained on {_describe_shape(trained.input_shape)}; give data of that kind "
            f"(folders and named sets take --size)"
        )
    # In MedMNIST files without names the classes are called 0, 1, ...
    nameless = dataset.classes == tuple(map(str, range(len(trained.classes))))
    own = [c.casefold() for c in trained.classes]
    theirs = own if nameless else [c.casefold() for c in dataset.classes]
    if sorted(theirs) != sorted(own):
        raise DataError(
            f"{name} has the classes {', '.join(dataset.classes)}, but {trained.path} knows "
            f"{', '.join(trained.classes)}; both must be the same"
        )
    order = [theirs.index(c) for c in own]
    if dataset.multilabel:
        labels = dataset.labels[:, order]  # (N, L)
    else:
        labels = np.argsort(order)[dataset.labels]  # (N,) data's number -> model's number
    return type(dataset)(dataset.images, labels, trained.classes, dataset.ids, dataset.names)


def _model_size(spec: str, trained: Trained) -> int | None:
    """Return the model's own size where the data come in any, else None: as they are."""
    from minicnn.data import registry

    _, height, width = trained.input_shape
    if height != width:
        return None
    try:
        named = registry.find(spec, height) is not None
    except ArgumentError:  # the name says another size, and the comparison below will tell
        return None
    return height if named or Path(spec).expanduser().is_dir() else None


def _describe_shape(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}x{width} with {channels} channel{'s' * (channels > 1)}"
