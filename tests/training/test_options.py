from __future__ import annotations

import json
import math

import pytest

from minicnn.errors import ArgumentError, RunFolderError
from minicnn.training.options import Options, settled_spec


def test_a_round_trip_through_json():
    options = Options(data="phantom", lr=0.1, augment=False, seed=2**40, step=["crop:size=9"])
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"batch_size": -3}, "batch_size is -3"),
        ({"size": 0}, "size is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"lr": 0.0}, "lr is 0.0"),
        ({"lr": math.nan}, "lr is nan"),
        ({"lr": math.inf}, "lr is inf"),
        ({"l1": -1e-9}, "l1 is"),
        ({"l2": math.nan}, "l2 is nan"),
        ({"step": "clahe"}, "step is 'clahe'; give a list"),
        ({"step": [3]}, "give a list of texts"),
        ({"step": ["clahee"]}, "did you mean 'clahe'"),
        ({"step": ["normalize", "clahe"]}, "impossible order"),
        ({"augment_with": "nose=1"}, "did you mean 'noise'"),
        ({"augment_with": "noise=1", "augment": False}, "augmentation is off"),
        ({"model": "lenett"}, "no model 'lenett'; did you mean 'lenet'.*lungnet"),
        ({"optimizer": "adamm"}, "no optimizer 'adamm'; did you mean 'adam.*sgd"),
    ],
)
def test_impossible_values_are_refused(bad, words):
    with pytest.raises(ArgumentError, match=words):
        Options(data="phantom", **bad)


def test_zero_penalties_are_possible():
    assert Options(data="phantom", l1=0, l2=0.0).l2 == 0


@pytest.mark.parametrize("values", [None, [], {}, {"seed": 1}, {"data": "x", "colour": "red"}])
def test_damaged_options_are_refused(values):
    with pytest.raises(RunFolderError, match="damaged"):
        Options.from_json(values)


def test_a_path_becomes_absolute_and_a_name_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phantom").mkdir()
    (tmp_path / "mine.npz").write_bytes(b"")
    assert settled_spec("mine.npz") == str((tmp_path / "mine.npz").resolve())
    assert settled_spec("./phantom") == str((tmp_path / "phantom").resolve())
    assert settled_spec("phantom") == "phantom"
    assert settled_spec("nowhere.npz") == "nowhere.npz"
