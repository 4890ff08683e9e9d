"""What was chosen on validation images: thresholds and a temperature.

Choosing and measuring are kept apart, so that no figure of the test images is better for
having been looked for there. A training run keeps its choice in ``metrics.json``, from
where a later evaluation on other data takes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minicnn.arguments import check_number
from minicnn.evaluation.operating import sensitivity_threshold, youden_threshold
from minicnn.evaluation.scores import margins
from minicnn.evaluation.temperature import Temperature, fit_temperature

TARGET = 0.95
YOUDEN = "youden"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Thresholds and temperature, and on which images they were chosen.

    Parameters
    ----------
    source
        Whose images, for a reader: ``"524 val images of pneumoniamnist"``.
    thresholds
        For each two-way question (the positive class of two, or each label) the names of
        the rules and their thresholds on the log-odds. Empty with more than two classes. A
        rule that could not be applied, for want of positives or negatives, is missing.
    temperature
        Of the logits.
    """

    source: str
    thresholds: Mapping[str, Mapping[str, float]]
    temperature: Temperature


def target_name(target: float) -> str:
    """Name the rule "the highest threshold with at least this sensitivity"."""
    return f"sensitivity {target:g}"


def choose(
    labels: ArrayLike,
    scores: ArrayLike,
    classes: Sequence[str],
    *,
    multilabel: bool = False,
    target: float = TARGET,
    source: str = "val",
) -> Chosen:
    """Choose on validation images.

    Parameters
    ----------
    labels, scores, classes, multilabel
        As for `minicnn.evaluation.summary.summarize`.
    target
        The sensitivity that the second threshold must reach.
    source
        As in `Chosen`.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If labels and scores do not fit, or ``target`` is not in (0, 1].
    """
    check_number("target sensitivity", target, above=0, maximum=1)
    truth = np.asarray(labels)
    found: dict[str, dict[str, float]] = {}
    table = margins(scores, multilabel)
    for name, column in questions(classes, multilabel):
        t = truth[:, column] if multilabel else truth
        rules = {
            YOUDEN: youden_threshold(t, table[:, column]),
            target_name(target): sensitivity_threshold(t, table[:, column], target),
        }
        found[name] = {rule: v for rule, v in rules.items() if not np.isnan(v)}
    return Chosen(source, found, fit_temperature(truth, scores, multilabel))


def from_metrics(metrics: Mapping[str, Any], target: float = TARGET) -> Chosen | None:
    """Take the choice out of the ``metrics.json`` of a run.

    Returns
    -------
    Chosen or None
        None where there is none, or it was made for another target.
    """
    try:
        kept = metrics["chosen"]
        if kept["target"] != target:
            return None
        thresholds = {
            str(name): {str(rule): float(v) for rule, v in rules.items()}
            for name, rules in kept["thresholds"].items()
        }
        temperature = Temperature(float(kept["temperature"]), bool(kept["at_limit"]))
        values = [v for rules in thresholds.values() for v in rules.values()]
        if not np.isfinite(values).all() or not temperature.value > 0:
            return None
        return Chosen(str(kept["source"]), thresholds, temperature)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def to_metrics(chosen: Chosen, target: float = TARGET) -> dict[str, Any]:
    """Return the entry ``chosen`` of ``metrics.json``, that `from_metrics` reads."""
    return {
        "source": chosen.source,
        "target": target,
        "thresholds": {name: dict(rules) for name, rules in chosen.thresholds.items()},
        "temperature": chosen.temperature.value,
        "at_limit": chosen.temperature.at_limit,
    }


def questions(classes: Sequence[str], multilabel: bool) -> list[tuple[str, int]]:
    """Return the two-way questions a model answers: names and columns of its scores."""
    if multilabel:
        return [(name, j) for j, name in enumerate(classes)]
    return [(classes[1], 1)] if len(classes) == 2 else []
