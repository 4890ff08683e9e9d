"""Models as NumPy archives.

An ``.npz`` file is a zip of arrays. One of them, ``minicnn``, holds JSON as bytes: the
format's version, the architecture and the caller's metadata; the others are the state
dict. Nothing is pickled, so reading a file cannot run code.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from minicnn.errors import MinicnnError, ModelFileError
from minicnn.files import write_atomically
from minicnn.layers import Layer
from minicnn.storage.architecture import describe, rebuild

FORMAT_VERSION = 1
HEADER = "minicnn"
# A header is a few kilobytes; a hostile one could claim to be enormous.
LARGEST_HEADER = 16 * 2**20


def save_npz(model: Layer, path: Path, metadata: dict[str, Any] | None = None) -> None:
    """Write a model; see `minicnn.storage.save`."""
    state = model.state_dict()
    dtypes = {str(array.dtype) for array in state.values()}
    header = {
        "format": FORMAT_VERSION,
        "architecture": describe(model),
        "dtype": dtypes.pop() if len(dtypes) == 1 else "float32",
        "metadata": metadata or {},
    }
    try:
        text = json.dumps(header, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"the metadata cannot be written as JSON: {error}") from None
    arrays = {HEADER: np.frombuffer(text.encode(), np.uint8), **state}
    with write_atomically(path) as file:
        # zipfile seeks back to patch its headers; memory spares a half-seekable disk that.
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        file.write(buffer.getbuffer())


def load_npz(path: Path) -> Layer:
    """Read a model; see `minicnn.storage.load`."""
    header, state = _read(path, everything=True)
    dtype = header.get("dtype", "float32")
    if dtype not in ("float32", "float64"):
        raise ModelFileError(f"{path}: the parameters are {dtype!r}; expected float32 or float64")
    try:
        model = rebuild(header.get("architecture"), dtype)
        model.load_state_dict(state)
    except MinicnnError as error:
        raise ModelFileError(f"{path}: {error}") from None
    return model


def read_npz_metadata(path: Path) -> dict[str, Any]:
    """Read what was stored beside the model; see `minicnn.storage.read_metadata`."""
    metadata = _read(path, everything=False)[0].get("metadata", {})
    if not isinstance(metadata, dict):
        raise ModelFileError(f"{path}: the metadata is malformed; train or export it again")
    return metadata


def _read(path: Path, *, everything: bool) -> tuple[dict[str, Any], dict[str, NDArray]]:
    try:
        # A file of our own making to close: np.load forgets the one it opens if it fails.
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ModelFileError(
                    f"{path} is damaged or not a minicnn model: it is not a complete .npz file; "
                    "copy it again or retrain"
                )
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile) or HEADER not in archive.files:
                raise ModelFileError(f"{path} is not a minicnn model: it has no {HEADER!r} entry")
            assert archive.zip is not None
            size = archive.zip.getinfo(f"{HEADER}.npy").file_size
            if size > LARGEST_HEADER:
                raise ModelFileError(f"{path}: its header claims {size:,} bytes; not a real model")
            header = json.loads(archive[HEADER].tobytes())
            names = [name for name in archive.files if name != HEADER] if everything else []
            state = {name: archive[name] for name in names}
    except ModelFileError:
        raise
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise ModelFileError(f"there is no model file {path}") from None
        raise ModelFileError(f"{path} cannot be read: {error}") from None
    except (
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        NotImplementedError,
        AttributeError,
    ) as error:
        raise ModelFileError(
            f"{path} is damaged or no minicnn model ({error}); copy it again or retrain"
        ) from None
    if not isinstance(header, dict):
        raise ModelFileError(f"{path}: the header is malformed")
    version = header.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise ModelFileError(
            f"{path} has format version {version!r}; this minicnn reads 1 to {FORMAT_VERSION}: "
            "upgrade minicnn to read it"
        )
    return header, state
