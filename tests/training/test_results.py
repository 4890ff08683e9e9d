"""What a training leaves behind beyond its headline figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn import data
from minicnn.cli.trained import open_trained
from minicnn.evaluation.chosen import choose, from_metrics
from minicnn.training.job import TrainingJob
from minicnn.training.options import Options
from minicnn.training.predicting import predict_scores
from minicnn.training.rundir import RunDir


@pytest.fixture(scope="module")
def spec(tmp_path_factory: Any) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 48), ("val", 24), ("test", 24)):
        labels = np.arange(n) % 2
        images = rng.integers(40, 160, (n, 28, 28)) + 30 * labels[:, None, None]
        arrays[f"{part}_images"] = images.astype(np.uint8)
        arrays[f"{part}_labels"] = labels[:, None]
    path = tmp_path_factory.mktemp("data") / "levels.npz"
    np.savez(path, **arrays)
    return path


def test_thresholds_and_temperature_are_chosen_on_val_and_kept(spec: Path, tmp_path: Path) -> None:
    job = TrainingJob(Options(data=str(spec), model="lenet", epochs=2, batch_size=16))
    folder = RunDir.create(tmp_path / "run", job.config())
    metrics = job.run(folder)
    trained = open_trained(folder.path)
    val = data.load(str(spec)).val
    scores = predict_scores(trained.model, val.images, trained.preprocess)
    expected = choose(val.labels, scores, val.classes, source="24 val images of levels")
    kept = json.loads(folder.metrics.read_text())
    assert from_metrics(kept) == expected
    points = kept["operating_points"]["1"]
    assert [p["name"] for p in points] == ["0.5", "youden", "sensitivity 0.95"]
    assert np.sum(points[1]["confusion"]) == metrics["n"] == 24
    assert kept["calibration"]["scaled"]["temperature"] == expected.temperature.value
    report = folder.report.read_text()
    for title in ("Operating points", "Calibration", "Predictive values", "Model card"):
        assert f"<h2>{title}" in report
