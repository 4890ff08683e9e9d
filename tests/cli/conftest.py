"""A command line to call, a tiny trained model, and small data to call it on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.backends import use_backend
from minicnn.cli.main import main
from minicnn.data.preprocess import Preprocess
from minicnn.layers import Flatten, Linear
from minicnn.model import Sequential
from minicnn.storage import save


@dataclasses.dataclass(frozen=True)
class Result:
    """What one call of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))

    def assert_error(self, *words: str) -> None:
        """Exit 2, an empty stdout, one line, no traceback, and the words in it."""
        lines = [x for x in self.err.splitlines() if x.startswith("minicnn: error: ")]
        assert self.code == 2, self
        assert self.out == ""
        assert len(lines) == 1 and "Traceback" not in self.err, self.err
        assert "unexpected, so probably" not in self.err, self.err
        for word in words:
            assert word in lines[0], lines[0]


@pytest.fixture(autouse=True)
def _quick_backend() -> None:
    """Spare these tests the compilation; conftest puts the backend back."""
    use_backend("vectorized")


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Return a function that runs ``minicnn`` with some arguments."""
    monkeypatch.delenv("MINICNN_DEBUG", raising=False)

    def call(*words: str | Path) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


def write_data(
    path: Path, *, several: bool = False, size: int = 28, channels: int = 1, seed: int = 0
) -> Path:
    """Write an npz file whose class 1 is the brighter half of the images."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, np.ndarray] = {}
    for part, n in (("train", 30), ("val", 12), ("test", 20)):
        labels = np.arange(n) % 2
        shape = (n, size, size) if channels == 1 else (n, size, size, channels)
        bright = (60 + 100 * labels).reshape(n, *[1] * (len(shape) - 1))
        arrays[f"{part}_images"] = (bright + rng.integers(0, 40, shape)).astype(np.uint8)
        columns = np.stack([labels, 1 - labels, 0 * labels], axis=1)
        arrays[f"{part}_labels"] = columns if several else labels[:, None]
    names = ["edema", "mass", "hernia"] if several else ["normal", "pneumonia"]
    np.savez(path, classes=np.array(names), **arrays)
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Return a small file in MedMNIST format, two classes."""
    return write_data(tmp_path / "small.npz")


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Return a small file with three labels per image, one of them never there."""
    return write_data(tmp_path / "several.npz", several=True)


def write_run(folder: Path, data: Path, outputs: list[float], **metadata: Any) -> Path:
    """Write a run folder whose model scores label k by outputs[k] times the brightness."""
    model = Sequential(Flatten(), Linear(28 * 28, len(outputs)))
    model.params["1.weight"][...] = np.array(outputs)[:, None] / (28 * 28)
    model.params["1.bias"][...] = 0
    folder.mkdir()
    facts = {
        "task": "classification",
        "classes": ["normal", "pneumonia"],
        "input_shape": [1, 28, 28],
        "preprocess": Preprocess.from_config(
            {"steps": [{"step": "normalize", "mean": [0.5], "std": [0.2]}]}
        ).to_config(),
        "model": "tiny",
        **metadata,
    }
    save(model, folder / "model.npz", facts)
    config = {"format": 1, "options": {"data": str(data), "size": None, "id_pattern": None}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def run(tmp_path: Path, dataset: Path) -> Path:
    """Return a run folder with a model that calls bright images pneumonia."""
    return write_run(tmp_path / "run", dataset, [-3.0, 3.0])


@pytest.fixture
def several_run(tmp_path: Path, several: Path) -> Path:
    """Return a run folder with a model for three labels."""
    return write_run(
        tmp_path / "several_run",
        several,
        [5.0, -5.0, -9.0],
        task="multilabel",
        classes=["edema", "mass", "hernia"],
    )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder with a dark, a bright and a coloured image of three sizes."""
    folder = tmp_path / "images"
    (folder / "deeper").mkdir(parents=True)
    Image.new("L", (28, 28), 20).save(folder / "dark.png")
    Image.new("L", (300, 200), 230).save(folder / "bright.jpeg")
    Image.new("RGB", (64, 64), (250, 240, 230)).save(folder / "deeper" / "colour.png")
    return folder


@pytest.fixture
def make_data() -> Callable[..., Path]:
    """Return `write_data`."""
    return write_data


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """Return `write_run`."""
    return write_run
