"""The checkpoint: everything a training needs to go on after a kill, in one file.

    checkpoint.npz
        minicnn_checkpoint    JSON: version, epoch, generators, history, plain numbers
        model/0.weight        parameters and buffers
        optimizer/...         moments
        callback/0/...        best weights and the like

It is written under a temporary name and renamed, so that at any moment the file on the
disk is a complete one: that of the last finished epoch. It holds no pickled object, so
reading a stranger's checkpoint runs no code.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ModelFileError
from minicnn.files import write_atomically
from minicnn.layers.base import Layer

FORMAT = 1
HEADER = "minicnn_checkpoint"

State = dict[str, Any]


@dataclasses.dataclass
class Checkpoint:
    """What a checkpoint holds.

    ``epoch`` counts finished epochs; ``generators`` are the states of the model's random
    generators in the order of `model_generators`; ``callbacks`` has one state per callback
    under the name of its type; ``extra`` is for the trainer's own JSON values.
    """

    epoch: int
    model: State
    optimizer: State
    generators: list[State]
    callbacks: list[tuple[str, State]]
    history: list[dict[str, Any]]
    extra: State = dataclasses.field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the file, all or nothing."""
        arrays: dict[str, NDArray] = {}
        header = {
            "format": FORMAT,
            "epoch": self.epoch,
            "model": _pack(self.model, "model", arrays),
            "optimizer": _pack(self.optimizer, "optimizer", arrays),
            "generators": self.generators,
            "callbacks": [
                {"type": kind, "state": _pack(state, f"callback/{i}", arrays)}
                for i, (kind, state) in enumerate(self.callbacks)
            ],
            "history": self.history,
            "extra": self.extra,
        }
        text = json.dumps(header, default=_encode)
        with write_atomically(path) as file:
            buffer = io.BytesIO()
            header_bytes = np.frombuffer(text.encode(), np.uint8)
            np.savez(buffer, **{HEADER: header_bytes}, **arrays)  # type: ignore[arg-type]
            file.write(buffer.getbuffer())

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Read a file that `save` wrote.

        Raises
        ------
        ModelFileError
            The file is missing, truncated, no checkpoint, or of a newer format.
        """
        header, arrays = _read(Path(path))
        try:
            return cls(
                epoch=int(header["epoch"]),
                model=_unpack(header["model"], "model", arrays),
                optimizer=_unpack(header["optimizer"], "optimizer", arrays),
                generators=header["generators"],
                callbacks=[
                    (entry["type"], _unpack(entry["state"], f"callback/{i}", arrays))
                    for i, entry in enumerate(header["callbacks"])
                ],
                history=header["history"],
                extra=header["extra"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"the checkpoint {path} lacks a part ({error!r}); it is damaged, start anew"
            ) from error


# ---- random generators ------------------------------------------------------------------


def model_generators(model: Layer) -> Iterator[np.random.Generator]:
    """Yield each random generator in a model once, in the order of its layers.

    Layers often share one generator. Their states are later set in place, in these very
    objects, so that what was shared stays shared.
    """
    seen: set[int] = set()
    for module in model.modules():
        rng = getattr(module, "rng", None)
        if isinstance(rng, np.random.Generator) and id(rng) not in seen:
            seen.add(id(rng))
            yield rng


def generator_states(model: Layer) -> list[State]:
    """Return the states of all generators in a model."""
    return [dict(rng.bit_generator.state) for rng in model_generators(model)]


def set_generator_states(model: Layer, states: list[State]) -> None:
    """Put states from `generator_states` back into a model built the same way."""
    own = list(model_generators(model))
    if len(own) != len(states):
        raise ModelFileError(
            f"the checkpoint holds {len(states)} random generators, the model {len(own)}; "
            "resume with the model the checkpoint was written for"
        )
    for rng, state in zip(own, states, strict=True):
        name = type(rng.bit_generator).__name__
        if state.get("bit_generator") != name:
            raise ModelFileError(
                f"the checkpoint holds a {state.get('bit_generator')} generator where the model "
                f"has a {name}; resume with the model the checkpoint was written for"
            )
        rng.bit_generator.state = state


# ---- the file ---------------------------------------------------------------------------


def _pack(state: Mapping[str, Any], prefix: str, arrays: dict[str, NDArray]) -> State:
    """Move the arrays of a state into ``arrays`` and return the rest with their names."""
    values = {}
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}/{name}"] = value
        else:
            values[name] = value
    order = list(state)
    return {"order": order, "values": values}


def _unpack(packed: Mapping[str, Any], prefix: str, arrays: Mapping[str, NDArray]) -> State:
    values = packed["values"]
    return {n: values[n] if n in values else arrays[f"{prefix}/{n}"] for n in packed["order"]}


def _encode(value: Any) -> Any:
    """Let JSON write NumPy's numbers, and the arrays inside a generator's state."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"__array__": value.tolist(), "dtype": str(value.dtype)}
    raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")


def _decode(value: dict[str, Any]) -> Any:
    if "__array__" in value:
        return np.array(value["__array__"], dtype=value["dtype"])
    return value


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray]]:
    if not path.is_file():
        raise ModelFileError(f"there is no checkpoint {path}; nothing to go on from")
    try:
        # np.load on a path would leave a truncated file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            # Reading every array makes zip check every checksum.
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop(HEADER).tobytes(), object_hook=_decode)
        version = header["format"]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise ModelFileError(
            f"{path} is truncated or no checkpoint of minicnn ({error}); start the training anew"
        ) from error
    if version != FORMAT:
        raise ModelFileError(
            f"{path} has checkpoint format {version!r}, this version reads {FORMAT}; "
            "use the minicnn that wrote it"
        )
    return header, arrays
