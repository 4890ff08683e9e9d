"""What data a number was measured on, as JSON for the run folder and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minicnn.data.dataset import Splits


def describe_data(splits: Splits) -> dict[str, Any]:
    """Count images, classes and patients in each part, and say where they come from.

    Returns
    -------
    dict
        Fit for JSON: ``name``, ``credit``, ``image_shape``, ``several_labels``, ``parts``
        (for each the number of ``images``, of each class in ``classes``, and of
        ``patients`` or None), ``split`` and ``notes``. Whoever measures a model on other
        data than it was trained on adds ``trained_on``, their name.
    """
    parts = {}
    for name in ("train", "val", "test"):
        part = splits.part(name)
        counts = part.class_counts().tolist()
        parts[name] = {
            "images": len(part),
            "patients": None if part.ids is None else len(set(part.ids.tolist())),
            "classes": dict(zip(part.classes, counts, strict=True)),
        }
    return {
        "name": splits.name,
        "credit": splits.credit,
        "image_shape": list(splits.image_shape),
        "several_labels": splits.multilabel,
        "parts": parts,
        "split": dict(splits.split),
        "notes": list(splits.notes),
    }
