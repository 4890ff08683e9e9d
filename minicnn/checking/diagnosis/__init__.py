"""What is wrong with a gradient: hypotheses, tried from the most telling to the vaguest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minicnn.checking.diagnosis import (
    counterfactual,
    factors,
    norms,
    outputs,
    places,
    rearranged,
    terms,
)
from minicnn.checking.diagnosis.evidence import Evidence, Suspect
from minicnn.checking.diagnosis.misshapen import explain_shape
from minicnn.checking.report import Finding

Hypothesis = Callable[[Suspect], Finding | None]

# The first that explains the whole mistake is the diagnosis. A hypothesis with nothing to
# choose (zero, a factor) comes before one with many choices, which fits more by chance.
HYPOTHESES: tuple[Hypothesis, ...] = (
    factors.zero,
    factors.without_influence,
    factors.factor,
    rearranged.exchanged_gradients,
    rearranged.flipped,
    rearranged.transposed,
    rearranged.shifted,
    rearranged.permuted,
    terms.a_path,
    outputs.one_output_only,
    outputs.wrong_axis,
    outputs.overlap,
    outputs.some_outputs_only,
    outputs.places_of_the_output,
    factors.factor_per_index,
    outputs.overwritten,
    places.border,
    factors.wrong_slabs,
    places.mask,
    rearranged.rearranged_cotangent,
    counterfactual.other_numbers,
    counterfactual.square_weight_transposed,
    terms.a_target,
    terms.a_penalty,
    terms.all_but_the_diagonal,
    norms.another_normalization,
    norms.another_softmax,
    terms.a_factor_of_a_product,
    terms.a_sum_over_a_group,
    terms.a_sum_over_a_wrong_group,
    counterfactual.a_part_of_the_batch,
)
# Broken promises that explain wrong numbers, too.
EXPLAIN_NUMBERS = {"ignores-dy", "nonlinear-in-dy", "mask", "nondeterministic", "dtype", "shape"}


def diagnose(evidence: Evidence) -> list[Finding]:
    """Name the mistakes, best explanation first."""
    promises = _explain_shapes(evidence)
    numbers: list[Finding] = []
    for suspect in evidence.suspects:
        at_kinks = [f for f in promises if f.slug == "subgradient" and f.tensor == suspect.name]
        if at_kinks and not suspect.wrong_beside_kinks:
            continue
        known = any(f.tensor == suspect.name and f.slug in EXPLAIN_NUMBERS for f in promises)
        finding = explain(suspect)
        vague = finding.slug == "other" or not finding.evidence.get("certain", True)
        if vague and known:
            continue
        if at_kinks:
            promises = [f for f in promises if f not in at_kinks]
        numbers.append(finding)
    numbers.sort(key=_vagueness)
    return promises + numbers


def explain(suspect: Suspect) -> Finding:
    """Return the first hypothesis that explains a wrong gradient."""
    for hypothesis in HYPOTHESES:
        with np.errstate(all="ignore"):
            finding = hypothesis(suspect)
        if finding is not None:
            return finding
    return _unexplained(suspect)


def _unexplained(suspect: Suspect) -> Finding:
    """Say where it is wrong, and, where most of it is and it looks alike, what that may mean."""
    result = suspect.comparison.result()
    count, total = int(suspect.wrong.sum()), int(suspect.known.sum())
    place = ""
    if result.worst_index is not None and result.analytic is not None:
        index = ", ".join(map(str, result.worst_index))
        place = (
            f"; at [{index}] backward says {result.analytic:.6g}, differences say "
            f"{result.numeric:.6g}"
        )
    sentence = f"{suspect.gradient_name} is wrong in {count} of the {total} entries compared{place}"
    alike = _likeness(suspect)
    evidence = {"wrong_entries": count, "compared_entries": total, "likeness": alike}
    if count > 0.3 * total and count > 2 and alike > 0 and places.diagonal(suspect) is None:
        # Alike and yet wrong nearly everywhere, by no factor and in no order that has a name:
        # most often one of several paths from the input to the output was forgotten.
        return Finding(
            "missing-term",
            f"{sentence}; probably a path from {suspect.name} to the output is missing, or one "
            "that leads nowhere was added",
            suspect.name,
            evidence | {"certain": False},
        )
    return Finding("other", sentence, suspect.name, evidence)


def _likeness(suspect: Suspect) -> float:
    """The cosine of the angle between the analytic gradient and the true one."""
    both = np.isfinite(suspect.numeric)
    a, r = suspect.analytic[both], suspect.numeric[both]
    size = float(np.linalg.norm(a)) * float(np.linalg.norm(r))
    return float(a @ r) / size if size else 0.0


def _vagueness(finding: Finding) -> int:
    if finding.slug == "other":
        return 2
    return 0 if finding.evidence.get("certain", True) else 1


def _explain_shapes(evidence: Evidence) -> list[Finding]:
    """Put what a misshapen gradient holds before the fact that its shape is wrong."""
    findings: list[Finding] = []
    by_name = {v.name: v for v in evidence.subject.variables}
    for finding in evidence.behaviour.findings:
        if finding.slug == "shape" and finding.tensor in evidence.behaviour.misshapen:
            received = evidence.behaviour.misshapen[finding.tensor]
            better = explain_shape(evidence, by_name[finding.tensor], received)
            if better is not None and better.slug != "transposed":
                findings.append(better)
            findings.append(finding)
            if better is not None and better.slug == "transposed":
                findings.append(better)
            continue
        findings.append(finding)
    return findings
