from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

import minicnn as m
from minicnn import zoo
from minicnn.errors import ModelFileError
from minicnn.layers import Layer
from minicnn.selfcheck.subjects import LAYERS
from minicnn.storage.architecture import describe, rebuild
from tests.test_contract import Scale


def trained(seed: int = 0) -> m.Sequential:
    rng = np.random.default_rng(seed)
    model = zoo.build("lungnet", input_shape=(1, 28, 28), classes=2, rng=rng)
    with m.use_backend("vectorized"):
        model.forward(rng.normal(size=(4, 1, 28, 28)).astype(np.float32))
    return model


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = trained()
    m.save(model, tmp_path / "model.npz", {"classes": ["normal", "pneumonia"]})
    again = m.load(tmp_path / "model.npz")
    assert repr(again) == repr(model)
    assert again.training
    state = model.state_dict()
    for name, array in again.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
        assert array.dtype == state[name].dtype
    assert m.read_metadata(tmp_path / "model.npz") == {"classes": ["normal", "pneumonia"]}


@pytest.mark.parametrize("case", LAYERS)
def test_every_layer_can_be_written_down(case: str) -> None:
    layer = LAYERS[case].make()
    again = rebuild(json.loads(json.dumps(describe(layer))))
    assert repr(again) == repr(layer)
    assert again.state_dict().keys() == layer.state_dict().keys()


def test_float64_stays_float64(tmp_path: Path) -> None:
    model = trained().astype(np.float64)
    m.save(model, tmp_path / "model.npz")
    assert m.load(tmp_path / "model.npz").params["0.weight"].dtype == np.float64


def test_a_layer_of_ones_own_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="Scale is not a layer of minicnn"):
        m.save(m.Sequential(Scale()), tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    m.save(trained(), path)
    whole = path.read_bytes()
    for length in (0, 1, 10, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            m.load(path)


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    m.save(trained(), path)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ModelFileError, match="damaged"):
        m.load(path)


def write(path: Path, header: object, **arrays: np.ndarray) -> Path:
    data = json.dumps(header).encode()
    np.savez(path, minicnn=np.frombuffer(data, np.uint8), **arrays)
    return path


GOOD = {"format": 1, "dtype": "float32", "architecture": {"type": "ReLU"}, "metadata": {}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format version 99"),
        ({"format": None}, "format version None"),
        ({"dtype": "int8"}, "int8"),
        ({"architecture": {"type": "Evil"}}, "'Evil'"),
        ({"architecture": {"type": "Layer"}}, "'Layer'"),
        ({"architecture": {"type": ["x"]}}, r"\['x'\]"),
        ({"architecture": None}, "malformed"),
        ({"architecture": {"type": "Conv2d", "in_channels": 0}}, "impossible Conv2d"),
        ({"architecture": {"type": "ReLU", "x": 1}}, "impossible ReLU"),
        ({"architecture": {"type": "Sequential"}}, "impossible Sequential"),
        ({"architecture": {"type": "Linear", "in_features": 2, "out_features": 2}}, "missing"),
    ],
)
def test_foreign_headers_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        m.load(write(tmp_path / "m.npz", GOOD | change))
    assert isinstance(m.load(write(tmp_path / "m.npz", GOOD)), Layer)


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    deep: dict = {"type": "ReLU"}
    for _ in range(100):
        deep = {"type": "Sequential", "layers": [deep]}
    with pytest.raises(ModelFileError, match="malformed"):
        m.load(write(tmp_path / "m.npz", GOOD | {"architecture": deep}))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model file"):
        m.load(tmp_path / "absent.npz")
    with pytest.raises(ModelFileError, match="suffix"):
        m.load(tmp_path / "model.exe")
    np.savez(tmp_path / "images.npz", images=np.zeros(3))
    with pytest.raises(ModelFileError, match="not a minicnn model"):
        m.load(tmp_path / "images.npz")
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    (tmp_path / "array.npz").write_bytes(array.getvalue())
    with pytest.raises(ModelFileError, match="not a minicnn model"):
        m.load(tmp_path / "array.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ModelFileError, match="cannot be read"):
        m.load(tmp_path / "folder.npz")


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", minicnn=np.array([{"format": 1}], object))
    with pytest.raises(ModelFileError):
        m.load(tmp_path / "m.npz")


def test_metadata_must_be_json(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="JSON"):
        m.save(trained(), tmp_path / "m.npz", {"x": object()})
    with pytest.raises(ModelFileError, match="JSON"):
        m.save(trained(), tmp_path / "m.npz", {"x": float("nan")})


def test_options_given_as_numpy_numbers_can_be_saved(tmp_path: Path) -> None:
    model = m.Sequential(
        m.Conv2d(np.int64(1), 2, np.int32(3), bias=np.bool_(False)),
        m.BatchNorm2d(2, np.float32(1e-4), np.float32(0.2)),
        m.LeakyReLU(np.float32(0.1)),
        m.Dropout(np.float32(0.25)),
        m.Flatten(np.int64(1)),
        m.Softmax(np.int64(1)),
    )
    m.save(model, tmp_path / "model.npz")
    assert repr(m.load(tmp_path / "model.npz")) == repr(model)
