"""Saving and loading models; the suffix of the path chooses the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minicnn.errors import ModelFileError
from minicnn.layers import Layer
from minicnn.storage.npz import load_npz, read_npz_metadata, save_npz

__all__ = ["load", "read_metadata", "save"]


def save(model: Layer, path: str | Path, metadata: dict[str, Any] | None = None) -> None:
    """Write a model's architecture, parameters and buffers, all or nothing.

    Parameters
    ----------
    model
        Any model made of the library's layers.
    path
        Where to; ``.npz``.
    metadata
        Facts to keep beside it, as JSON: classes, preprocessing, ...

    Raises
    ------
    ModelFileError
        If the suffix is unknown, or the model or metadata cannot be written.
    """
    _check_suffix(Path(path))
    # A fused model shares all it has with the plain one.
    model = getattr(model, "model", model) if hasattr(model, "plan") else model
    save_npz(model, Path(path), metadata)


def load(path: str | Path) -> Layer:
    """Read a model back, in training mode as any new model.

    Raises
    ------
    ModelFileError
        If there is no such file, or it is damaged, foreign, or of a newer format.
    """
    _check_suffix(Path(path))
    return load_npz(Path(path))


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Read only the facts that `save` was given.

    Raises
    ------
    ModelFileError
        As `load`.
    """
    _check_suffix(Path(path))
    return read_npz_metadata(Path(path))


def _check_suffix(path: Path) -> None:
    if path.suffix != ".npz":
        raise ModelFileError(
            f"{path}: a model's format is chosen by its suffix; known: .npz, not {path.suffix!r}"
        )
