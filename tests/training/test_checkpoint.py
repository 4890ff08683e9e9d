from __future__ import annotations

import errno
import io
import json
import math

import numpy as np
import pytest

from minicnn.errors import ModelFileError
from minicnn.layers import Dropout, Linear
from minicnn.model import Sequential
from minicnn.training.checkpoint import (
    HEADER,
    Checkpoint,
    generator_states,
    model_generators,
    set_generator_states,
)


def example():
    rng = np.random.default_rng(0)
    return Checkpoint(
        epoch=3,
        model={"0.weight": rng.normal(size=(2, 3)).astype(np.float32)},
        optimizer={"lr": 0.1, "steps": np.int64(7), "mean/0.weight": rng.normal(size=(2, 3))},
        generators=[dict(rng.bit_generator.state)],
        callbacks=[("BestWeights", {"best_value": None, "weights/0.weight": np.ones(2)})],
        history=[{"epoch": 1, "loss": 0.1 + 0.2, "auc": math.nan, "worst": math.inf}],
        extra={"stop_reason": None},
    )


def test_everything_comes_back_to_the_last_bit(tmp_path):
    saved = example()
    saved.save(tmp_path / "c.npz")
    back = Checkpoint.load(tmp_path / "c.npz")
    assert back.epoch == 3
    for kind in ("model", "optimizer"):
        assert list(getattr(back, kind)) == list(getattr(saved, kind))
    np.testing.assert_array_equal(back.model["0.weight"], saved.model["0.weight"])
    assert back.model["0.weight"].dtype == np.float32
    assert back.optimizer["lr"] == 0.1
    assert back.optimizer["steps"] == 7
    np.testing.assert_array_equal(back.optimizer["mean/0.weight"], saved.optimizer["mean/0.weight"])
    assert back.generators == saved.generators
    assert back.callbacks[0][0] == "BestWeights"
    assert back.callbacks[0][1]["best_value"] is None
    assert back.history[0]["loss"] == 0.1 + 0.2
    assert math.isnan(back.history[0]["auc"])
    assert back.history[0]["worst"] == math.inf
    assert back.extra == {"stop_reason": None}


@pytest.mark.parametrize("name", ["PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_every_kind_of_generator_goes_on_where_it_was(tmp_path, name):
    model = Sequential(Dropout(rng=np.random.Generator(getattr(np.random, name)(5))))
    rng = model.layers[0].rng
    rng.random(1001, dtype=np.float32)  # an odd number leaves half a draw in the buffer
    saved = example()
    saved.generators = generator_states(model)
    saved.save(tmp_path / "c.npz")
    expected = rng.random(7, dtype=np.float32)
    rng.random(100)
    set_generator_states(model, Checkpoint.load(tmp_path / "c.npz").generators)
    np.testing.assert_array_equal(rng.random(7, dtype=np.float32), expected)


def test_a_shared_generator_is_saved_once_and_stays_shared():
    shared, own = np.random.default_rng(1), np.random.default_rng(2)
    model = Sequential(Dropout(rng=shared), Sequential(Dropout(rng=own)), Dropout(rng=shared))
    assert list(model_generators(model)) == [shared, own]
    states = generator_states(model)
    expected = [shared.random(), own.random()]
    set_generator_states(model, states)
    assert model.layers[0].rng is model.layers[2].rng is shared
    assert [shared.random(), own.random()] == expected


def test_generators_of_another_model_are_refused():
    one = Sequential(Dropout(rng=np.random.default_rng(1)))
    with pytest.raises(ModelFileError, match="1 random generators, the model 0"):
        set_generator_states(Sequential(Linear(2, 2)), generator_states(one))
    twister = Sequential(Dropout(rng=np.random.Generator(np.random.MT19937(0))))
    with pytest.raises(ModelFileError, match="PCG64.*MT19937"):
        set_generator_states(twister, generator_states(one))


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused(tmp_path, share):
    path = tmp_path / "c.npz"
    example().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match="truncated"):
        Checkpoint.load(path)


def test_a_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "c.npz"
    saved = example()
    saved.save(path)
    content = bytearray(path.read_bytes())
    place = content.find(saved.model["0.weight"].tobytes())
    content[place + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="CRC"):
        Checkpoint.load(path)


def foreign_files():
    text = io.BytesIO(b"epoch,loss\n")
    array, archive, objects, newer = (io.BytesIO() for _ in range(4))
    np.save(array, np.ones(3))
    np.savez(archive, weights=np.ones(3))
    np.savez(objects, **{HEADER: np.array([{"a": 1}], dtype=object)})
    np.savez(newer, **{HEADER: np.frombuffer(json.dumps({"format": 99}).encode(), np.uint8)})
    return {
        "text": (text, "no checkpoint"),
        "array": (array, "no checkpoint"),
        "archive": (archive, "no checkpoint"),
        "objects": (objects, "no checkpoint"),
        "newer": (newer, "format 99"),
    }


@pytest.mark.parametrize("kind", list(foreign_files()))
def test_a_foreign_file_is_refused(tmp_path, kind):
    content, words = foreign_files()[kind]
    (tmp_path / "c.npz").write_bytes(content.getvalue())
    with pytest.raises(ModelFileError, match=words):
        Checkpoint.load(tmp_path / "c.npz")


def test_a_missing_file_and_a_missing_part(tmp_path):
    with pytest.raises(ModelFileError, match="no checkpoint"):
        Checkpoint.load(tmp_path / "c.npz")
    header = np.frombuffer(json.dumps({"format": 1, "epoch": 2}).encode(), np.uint8)
    np.savez(tmp_path / "c.npz", **{HEADER: header})
    with pytest.raises(ModelFileError, match="lacks a part"):
        Checkpoint.load(tmp_path / "c.npz")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    example().save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        example().save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]
