from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from minicnn.backends.vectorized import conv
from minicnn.checking.report import INCONCLUSIVE, Report
from minicnn.selfcheck.library import Check, LibraryReport, check_library
from minicnn.selfcheck.subjects import LAYERS, LOSSES, MODELS


def test_all_layers_losses_and_penalties_pass_on_every_backend() -> None:
    told: list[tuple[int, int, str]] = []
    report = check_library(lambda *what: told.append(what), models={})
    assert report.ok, report.to_text()
    assert {(c.kind, c.backend) for c in report.checks} == {
        *(("layer", b) for b in ("loops", "vectorized", "compiled")),
        *(("loss", b) for b in ("loops", "vectorized", "compiled")),
        ("penalty", "-"),
    }
    assert told[0] == (0, len(report.checks), "Conv2d on loops")
    assert told[-1] == (len(report.checks), len(report.checks), "")
    first_words = {line.partition(" ")[0] for line in report.to_text().splitlines()}
    assert set(LAYERS) | set(LOSSES) <= first_words


def test_a_model_passes() -> None:
    report = check_library(
        layers={}, losses={}, penalties={}, models={"lenet": MODELS["lenet"]}, backends=["compiled"]
    )
    assert report.ok, report.to_text()
    assert [(c.kind, c.name) for c in report.checks] == [("model", "lenet")]


def test_a_planted_mistake_fails_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def averaged(dy: NDArray) -> NDArray:
        return dy.mean(axis=(2, 3)).sum(axis=0)

    monkeypatch.setattr(conv, "conv2d_db", averaged)
    layers = {name: LAYERS[name] for name in ("Conv2d", "ReLU")}
    report = check_library(layers=layers, losses={}, penalties={}, models={})
    assert not report.ok
    assert [(c.name, c.backend) for c in report.failed] == [("Conv2d", "vectorized")]
    assert "Conv2d on vectorized: FAIL\n    scale: " in report.to_text()
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["ok"] is False and found["passed"] == found["checked"] - 1
    assert [c["trouble"] != [] for c in found["checks"]].count(True) == 1


def test_both_modes_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from minicnn.backends.loops import norm

    right = norm.batch_norm_inference_dx
    monkeypatch.setattr(
        norm, "batch_norm_inference_dx", lambda dy, *rest: right(np.zeros_like(dy), *rest)
    )
    layers = {"BatchNorm2d": LAYERS["BatchNorm2d"]}
    report = check_library(layers=layers, losses={}, penalties={}, models={}, backends=["loops"])
    assert [r.ok for r in report.checks[0].reports] == [True, False]
    assert not report.ok


def test_what_could_not_be_decided_is_no_success() -> None:
    undecided = Check("layer", "Foo", "loops", (Report("Foo()", INCONCLUSIVE),))
    assert not LibraryReport((undecided,)).ok
    assert "Foo on loops: INCONCLUSIVE" in LibraryReport((undecided,)).to_text()
    assert not LibraryReport(()).ok
