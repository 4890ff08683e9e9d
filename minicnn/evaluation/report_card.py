"""The model card: what the model is for, what it saw, and what it must not be trusted with.

(Mitchell et al. 2019, doi 10.1145/3287560.3287596.) What can be derived from the data is:
how many patients, whether the parts share them, what share is positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minicnn.evaluation.html import escape, section

INTENDED = (
    "Teaching and research: to show how a convolutional network is trained on downsampled "
    "chest X-rays and how its figures are to be read."
)
NOT_INTENDED = (
    "Diagnosis, triage or treatment of anybody. It is no medical device, nobody has approved "
    "it, and no reader study was made. Not for clinical use."
)
# Below this height or width what a radiologist would look for is not in the image.
FINE = 512


def card_section(metrics: Mapping[str, Any], data: Mapping[str, Any] | None) -> str:
    """Return the card as a list of questions and answers."""
    rows = [
        ("Intended use", [INTENDED]),
        ("Not intended for", [NOT_INTENDED]),
        ("Data", _data(data)),
        ("Limits", _limits(metrics, data)),
    ]
    body = "".join(
        f"<dt>{escape(name)}</dt>" + "".join(f"<dd>{escape(text)}</dd>" for text in texts)
        for name, texts in rows
        if texts
    )
    return section("Model card", f'<dl class="card">{body}</dl>')


def _data(data: Mapping[str, Any] | None) -> list[str]:
    if not data:
        return []
    if data.get("trained_on"):
        counts = ", ".join(f"{n} {p['images']:,}" for n, p in data["parts"].items())
        return [
            f"Trained on {data['trained_on']}.",
            f"Measured on {data['name']} (images: {counts}).",
        ]
    train = data["parts"]["train"]
    who = f" of {train['patients']:,} patients" if train["patients"] is not None else ""
    shares = ", ".join(
        f"{name} {count / max(train['images'], 1):.1%}" for name, count in train["classes"].items()
    )
    texts = [f"Trained on {train['images']:,} images{who} of {data['name']} ({shares})."]
    if data.get("credit"):
        texts.append(str(data["credit"]))
    return texts


def _limits(metrics: Mapping[str, Any], data: Mapping[str, Any] | None) -> list[str]:
    limits = []
    if data:
        _, height, width = data["image_shape"]
        if min(height, width) < FINE:
            limits.append(
                f"Images of {height} × {width} pixels hold little of what a radiologist looks "
                f"at; what the model goes by may be no sign of illness at all."
            )
        if data["parts"]["train"]["patients"] is None:
            limits.append(
                "It is not known which images are of one patient. If a patient's images lie in "
                "several parts, the figures are too good."
            )
    limits.append(
        "Measured on one source of images. Other hospitals, devices, ages and prevalences give "
        "other figures; the share of positives here is nobody's prevalence."
    )
    if "labels" in metrics:
        limits.append(
            "Labels of large collections are often mined from written reports and partly wrong; "
            "the figures measure agreement with them."
        )
        empty = metrics.get("labels_without_positives")
        if empty:
            limits.append(f"Nothing is known about {', '.join(empty)}: no positive was measured.")
    return limits
