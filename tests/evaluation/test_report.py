"""The report: complete, self-contained, and deaf to what names in the data try."""

from __future__ import annotations

import html.parser
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.data.dataset import Dataset, Splits
from minicnn.evaluation.assessment import assess
from minicnn.evaluation.card import describe_data
from minicnn.evaluation.chosen import choose
from minicnn.evaluation.comparison import compare
from minicnn.evaluation.report import Example, write_report
from minicnn.evaluation.report_comparison import write_comparison
from minicnn.evaluation.results import write_results
from minicnn.evaluation.robustness import measure_robustness
from minicnn.evaluation.summary import summarize

EVIL = "<script>alert('1')</script>\"&"
VOID = {"meta", "img", "br", "link", "input"}


class Outline(html.parser.HTMLParser):
    """Collect tags and check that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parse(path: Path) -> Outline:
    outline = Outline()
    outline.feed(path.read_text(encoding="utf-8"))
    outline.close()
    assert outline.open == []
    return outline


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (30, 20)).save(file, "PNG")
    return file.getvalue()


def splits(multilabel: bool = False, n: int = 24) -> Splits:
    rng = np.random.default_rng(0)

    def part() -> Dataset:
        images = rng.integers(0, 256, (n, 1, 28, 28)).astype(np.uint8)
        labels = rng.integers(2, size=(n, 2) if multilabel else n)
        names = [f"{EVIL}{i}" for i in range(n)]
        return Dataset(images, labels, ("normal", EVIL), [f"p{i // 2}" for i in range(n)], names)

    return Splits(
        part(), part(), part(), f"set {EVIL}", f"credit {EVIL}", (f"note {EVIL}",), {"rule": EVIL}
    )


def full_report(path: Path, multilabel: bool = False) -> dict[str, Any]:
    data = splits(multilabel)
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(24, 2))
    metrics = summarize(
        data.test.labels,
        scores,
        data.classes,
        multilabel=multilabel,
        ids=data.test.ids,
        resamples=50,
    )
    chosen = choose(
        data.val.labels,
        rng.normal(size=(24, 2)),
        data.classes,
        multilabel=multilabel,
        source=f"val {EVIL}",
    )
    metrics |= assess(
        data.test.labels,
        scores,
        data.classes,
        multilabel=multilabel,
        chosen=chosen,
        thresholds=[0.25],
        resamples=50,
    )
    spoiled = [(EVIL, severity, lambda: -scores) for severity in (1, 2)]
    metrics["robustness"] = measure_robustness(
        data.test.labels, scores, data.classes, spoiled, multilabel=multilabel, chosen=chosen
    )
    metrics |= {"data": EVIL, "split": "test", "val": dict(metrics), "parameters": 1234}
    write_results(
        data.test,
        scores,
        metrics,
        confusion=path.parent / "confusion.png",
        roc=path.parent / "roc.png",
        curves=path.parent / "curves.png",
        mistakes=path.parent / "mistakes.png",
        folder=path.parent,
        figures={"corrupted": png()},
        report=path,
        title=f"lenet on {EVIL}",
        history=[{"epoch": 1, "loss": 0.7, "val_auc": float("nan")}],
        best_epoch=1,
        data=describe_data(data),
        config={
            "data": EVIL,
            "nested": {"a": [1, 2], "b": True, "c": None},
            "steps": [{"d": EVIL}],
        },
        notes=[f"skipped {EVIL}"],
        command=f"minicnn train --data '{EVIL}'",
    )
    return metrics


@pytest.mark.parametrize("multilabel", [False, True])
def test_names_from_the_data_stay_text(tmp_path: Path, multilabel: bool) -> None:
    path = tmp_path / "report.html"
    full_report(path, multilabel)
    outline = parse(path)
    assert "script" not in [tag for tag, _ in outline.tags]
    shown = "".join(outline.text)
    for place in ("lenet on ", "set ", "credit ", "note ", "skipped ", "train --data '"):
        assert f"{place}{EVIL}" in shown
    for _, attributes in outline.tags:
        assert not any(name.startswith("on") for name in attributes)


def test_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    full_report(path)
    outline = parse(path)
    images = [attributes for tag, attributes in outline.tags if tag == "img"]
    assert len(images) >= 4
    for attributes in images:
        assert (attributes["src"] or "").startswith("data:image/png;base64,")
        assert attributes["alt"]
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    for tag, attributes in outline.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form", "a")
        assert "href" not in attributes and "style" not in attributes
        assert "src" not in attributes or tag == "img"
    assert "url(" not in text and "@import" not in text


def test_says_what_matters(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    metrics = full_report(path)
    shown = " ".join("".join(parse(path).text).split())
    assert "Not for clinical use" in shown
    assert f"{metrics['auc']:.3f}" in shown
    low, high = metrics["intervals"]["auc"]
    assert f"[{low:.3f}, {high:.3f}]" in shown
    assert "24 test images" in shown and "patients" in shown and "1,234 parameters" in shown
    assert "nested: a1, 2" in shown and "steps 1: d" in shown
    text = path.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    for name in ("confusion.png", "roc.png", "curves.png", "mistakes.png"):
        assert (tmp_path / name).stat().st_size > 1000


def test_label_table_and_labels_without_positives(tmp_path: Path) -> None:
    labels = np.zeros((10, 2), int)
    labels[:5, 0] = 1
    scores = np.random.default_rng(0).normal(size=(10, 2))
    metrics = summarize(labels, scores, ("edema", "hernia"), multilabel=True, resamples=20)
    write_report(tmp_path / "r.html", title="t", metrics=metrics)
    shown = " ".join("".join(parse(tmp_path / "r.html").text).split())
    assert "Label by label" in shown
    assert "left out of the means: hernia" in shown


def test_the_least_that_is_possible(tmp_path: Path) -> None:
    metrics = summarize([0], [[0.0, 1.0]], ("a", "b"), resamples=0)
    write_report(tmp_path / "r.html", title="t", metrics=metrics)
    outline = parse(tmp_path / "r.html")
    assert [tag for tag, _ in outline.tags].count("section") == 3  # figures, notes, card


def test_pictures_by_path_or_bytes_and_mistakes_of_any_kind(tmp_path: Path) -> None:
    metrics = summarize([0, 1], [[1.0, 0.0], [0.0, 1.0]], ("a", "b"), resamples=0)
    (tmp_path / "x.png").write_bytes(png())
    write_report(
        tmp_path / "r.html",
        title="t",
        metrics=metrics,
        figures={"roc": png(), "reliability_diagram": tmp_path / "x.png"},
        mistakes=[
            Example(np.zeros((3, 8, 8), np.uint8), ["colour"]),
            Example(np.linspace(-1, 1, 64).reshape(1, 8, 8), ["floats"]),
        ],
    )
    outline = parse(tmp_path / "r.html")
    assert [a["alt"] for tag, a in outline.tags if tag == "img"] == [
        "ROC curve",
        "reliability diagram",
        "colour",
        "floats",
    ]
    assert "Reliability diagram" in "".join(outline.text)


@pytest.mark.parametrize("multilabel", [False, True])
def test_thresholds_calibration_and_robustness_are_told(tmp_path: Path, multilabel: bool) -> None:
    path = tmp_path / "report.html"
    metrics = full_report(path, multilabel)
    outline = parse(path)
    shown = " ".join("".join(outline.text).split())
    for title in (
        "Operating points",
        "Predictive values over prevalence",
        "Calibration",
        "Robustness",
        "Model card",
    ):
        assert title in shown
    points = metrics["operating_points"][EVIL]
    assert [p["name"] for p in points] == ["0.5", "given 0.25", "youden", "sensitivity 0.95"]
    for point in points:
        assert f"{point['sensitivity']:.3f}" in shown
    low, high = points[2]["intervals"]["specificity"]
    assert f"[{low:.3f}, {high:.3f}]" in shown
    found = metrics["calibration"]
    for part in (found, found["scaled"]):
        assert f"{part['brier']:.3f}" in shown and f"{part['ece']:.3f}" in shown
    assert f"{metrics['robustness']['relative']:+.3f}" in shown
    pictures = {a["alt"] for tag, a in outline.tags if tag == "img"}
    expected = {
        "Precision-recall curve",
        "Predictive values against the prevalence",
        "Reliability diagram",
        "Balanced error under each corruption, in five severities",
        "One image under each corruption",
    }
    css = {a["alt"]: a.get("class") for tag, a in outline.tags if tag == "img"}
    # A dark page inverts charts; an inverted X-ray would be another image.
    assert css["One image under each corruption"] == "sheet"
    assert css["Reliability diagram"] == "chart"
    threshold = "Sensitivity and specificity against the threshold"
    assert expected <= pictures and (threshold in pictures) == (not multilabel)
    for name in ("precision_recall", "prevalence", "reliability", "robustness"):
        assert (tmp_path / f"{name}.png").stat().st_size > 1000


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_report_of_two_models(tmp_path: Path, multilabel: bool) -> None:
    data = splits(multilabel)
    rng = np.random.default_rng(1)
    scores = list(rng.normal(size=(2, 24, 2)))
    facts: dict[str, Any] = {"multilabel": multilabel, "ids": data.test.ids, "resamples": 50}
    labels, classes = data.test.labels, data.classes
    found = compare(labels, scores[0], scores[1], classes, **facts)
    metrics = {
        "names": [f"one {EVIL}", f"two {EVIL}"],
        "data": f"set {EVIL}",
        "split": "test",
        "n": 24,
        "a": summarize(labels, scores[0], classes, **facts),
        "b": summarize(labels, scores[1], classes, **facts),
        "comparison": found,
        "notes": found["notes"],
    }
    write_comparison(
        tmp_path, data.test, scores, metrics, data=describe_data(data), command=f"do {EVIL}"
    )
    outline = parse(tmp_path / "report.html")
    shown = "".join(outline.text)
    assert "script" not in [tag for tag, _ in outline.tags]
    for text in (f"one {EVIL}", f"do {EVIL}", f"note {EVIL}", f"only two {EVIL} right"):
        assert text in shown
    assert "Not for clinical use" in shown and "Model card" in shown
    d = found["differences"]["auc"]
    assert f"{d['difference']:+.3f}" in shown and f"{d['interval'][0]:.3f}" in shown
    pictures = [a for tag, a in outline.tags if tag == "img"]
    assert len(pictures) >= 4  # two charts, and images only one of the two decides right
    assert all((a["src"] or "").startswith("data:image/png;base64,") for a in pictures)


def test_the_card_of_a_model_measured_elsewhere(tmp_path: Path) -> None:
    metrics = summarize([0, 1], [[1.0, 0.0], [0.0, 1.0]], ("a", "b"), resamples=0)
    card = describe_data(splits())
    write_report(tmp_path / "r.html", title="t", metrics=metrics, data=card)
    shown = " ".join("".join(parse(tmp_path / "r.html").text).split())
    assert "Trained on 24 images of 12 patients of set" in shown
    write_report(
        tmp_path / "r.html", title="t", metrics=metrics, data={**card, "trained_on": "another set"}
    )
    shown = " ".join("".join(parse(tmp_path / "r.html").text).split())
    assert "Trained on another set" in shown and "Measured on set" in shown
    assert "Trained on 24 images" not in shown


def test_describe_data_counts() -> None:
    data = splits()
    card = describe_data(data)
    assert card["parts"]["test"]["images"] == 24
    assert card["parts"]["test"]["patients"] == 12
    assert sum(card["parts"]["train"]["classes"].values()) == 24
    assert card["image_shape"] == [1, 28, 28]
