"""What is chosen on validation images, and how it comes back from metrics.json."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.evaluation import chosen, operating
from minicnn.evaluation.temperature import fit_temperature


def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=80)
    return labels, rng.normal(size=(80, 2)) + 2 * np.eye(2)[labels]


def test_two_classes() -> None:
    labels, scores = sample()
    got = chosen.choose(labels, scores, ("no", "yes"), target=0.9, source="80 val images")
    margin = scores[:, 1] - scores[:, 0]
    assert got.thresholds == {
        "yes": {
            "youden": operating.youden_threshold(labels, margin),
            "sensitivity 0.9": operating.sensitivity_threshold(labels, margin, 0.9),
        }
    }
    assert got.temperature == fit_temperature(labels, scores)
    assert got.source == "80 val images"


def test_labels_each_have_their_own_and_those_without_positives_none() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((60, 3)) < [0.5, 0.2, 0.0]).astype(int)
    scores = rng.normal(size=(60, 3)) + labels
    got = chosen.choose(labels, scores, "abc", multilabel=True)
    assert set(got.thresholds["a"]) == {"youden", "sensitivity 0.95"}
    assert got.thresholds["a"] != got.thresholds["b"]
    assert got.thresholds["c"] == {}


def test_more_classes_have_no_threshold() -> None:
    got = chosen.choose([0, 1, 2, 0], np.eye(3)[[0, 1, 2, 1]], "abc")
    assert got.thresholds == {}


def test_there_and_back() -> None:
    labels, scores = sample()
    before = chosen.choose(labels, scores, ("no", "yes"), target=0.8)
    text = json.dumps({"chosen": chosen.to_metrics(before, 0.8)})
    assert chosen.from_metrics(json.loads(text), 0.8) == before
    assert chosen.from_metrics(json.loads(text), 0.95) is None


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"chosen": None},
        {"chosen": []},
        {"chosen": {"target": 0.95}},
        {"chosen": {"target": 0.95, "thresholds": 3, "temperature": 1, "at_limit": 0}},
        {
            "chosen": {
                "target": 0.95,
                "source": "",
                "thresholds": {"a": {"youden": None}},
                "temperature": 1,
                "at_limit": False,
            }
        },
        {
            "chosen": {
                "target": 0.95,
                "source": "",
                "thresholds": {},
                "temperature": -1,
                "at_limit": False,
            }
        },
    ],
)
def test_a_damaged_file_holds_no_choice(damaged: Any) -> None:
    assert chosen.from_metrics(damaged) is None


@pytest.mark.parametrize("target", [0.0, 1.2, float("nan")])
def test_refuses_a_target_that_is_no_share(target: float) -> None:
    with pytest.raises(ArgumentError, match="target sensitivity"):
        chosen.choose(*sample(), ("no", "yes"), target=target)
