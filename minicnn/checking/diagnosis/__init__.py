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
    terms.a_path,
    rearranged.flipped,
    rearranged.transposed,
    rearranged.shifted,
    rearranged.permuted,
    outputs.one_output_only,
    outputs.overlap,
    outputs.some_outputs_only,
    outputs.wrong_axis,
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
        if finding.slug == "other" and known:
            continue
        if at_kinks:
            promises = [f for f in promises if f not in at_kinks]
        numbers.append(finding)
    numbers.sort(key=lambda finding: finding.slug == "other")
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
    result = suspect.comparison.result()
    count, total = int(suspect.wrong.sum()), int(suspect.known.sum())
    place = ""
    if result.worst_index is not None and result.analytic is not None:
        index = ", ".join(map(str, result.worst_index))
        place = (
            f"; at [{index}] backward says {result.analytic:.6g}, differences say "
            f"{result.numeric:.6g}"
        )
    return Finding(
        "other",
        f"{suspect.gradient_name} is wrong in {count} of the {total} entries compared{place}",
        suspect.name,
        {"wrong_entries": count, "compared_entries": total},
    )


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
