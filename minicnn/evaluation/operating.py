"""Operating points: what a threshold on the score costs and brings.

A threshold turns a score into a decision: above it the image is called positive.

    sensitivity = TP / (TP + FN)    of the ill, how many are found
    specificity = TN / (TN + FP)    of the healthy, how many are left in peace
    PPV         = TP / (TP + FP)    of those called ill, how many are
    NPV         = TN / (TN + FN)    of those called healthy, how many are

The first two belong to the model; the last two change with the share of the ill, which in
a test set is somebody's choice and in a hospital is not. Bayes' rule gives them for any
prevalence.

A threshold is chosen on validation images, never on those it is then measured on. It lies
half-way between two scores that occurred, in log-odds, so that no image sits on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.arguments import check_number
from minicnn.errors import ArgumentError
from minicnn.evaluation.checks import check_binary

Floats = NDArray[np.float64]
RATES = ("sensitivity", "specificity", "ppv", "npv")
PREVALENCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def rates_of(confusion: NDArray) -> dict[str, Floats]:
    """Sensitivity, specificity, PPV and NPV of confusion matrices (..., 2, 2) -> (...)."""
    m = np.asarray(confusion, dtype=np.float64)
    tn, fp, fn, tp = m[..., 0, 0], m[..., 0, 1], m[..., 1, 0], m[..., 1, 1]
    return {
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "ppv": _ratio(tp, tp + fp),
        "npv": _ratio(tn, tn + fn),
    }


def predictive_values(
    sensitivity: ArrayLike, specificity: ArrayLike, prevalence: ArrayLike
) -> tuple[Floats, Floats]:
    """PPV and NPV where a share ``prevalence`` of the people is ill (Bayes' rule).

        PPV = se pi / (se pi + (1 - sp) (1 - pi))
        NPV = sp (1 - pi) / (sp (1 - pi) + (1 - se) pi)

    Parameters
    ----------
    sensitivity, specificity, prevalence
        Shares in [0, 1] of shapes that broadcast; NaN gives NaN.

    Returns
    -------
    ppv, npv
        NaN where nobody would be called ill, or nobody healthy.

    Raises
    ------
    ArgumentError
        If one lies outside [0, 1].
    """
    given = {"sensitivity": sensitivity, "specificity": specificity, "prevalence": prevalence}
    arrays = {name: np.asarray(v, dtype=np.float64) for name, v in given.items()}
    for name, v in arrays.items():
        if ((v < 0) | (v > 1)).any():
            raise ArgumentError(
                f"{name} reaches from {np.nanmin(v):g} to {np.nanmax(v):g}; expected shares "
                f"between 0 and 1"
            )
    se, sp, ill = np.broadcast_arrays(*arrays.values())
    found, alarms = se * ill, (1 - sp) * (1 - ill)
    cleared, missed = sp * (1 - ill), (1 - se) * ill
    return _ratio(found, found + alarms), _ratio(cleared, cleared + missed)


def margin_of(threshold: float) -> float:
    """Return the log-odds of a threshold on the probability: 0.5 -> 0.

    Raises
    ------
    ArgumentError
        If the threshold lies outside [0, 1].
    """
    p = check_number("threshold", threshold, minimum=0, maximum=1)
    with np.errstate(divide="ignore"):
        return float(np.log(p) - np.log1p(-p))


def youden_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the threshold with the largest sensitivity + specificity - 1.

    (Youden 1950, doi 10.1002/1097-0142(1950)3:1<32::aid-cncr2820030106>3.0.co;2-3.) Of
    several, the highest. NaN where a class is absent.

    Parameters
    ----------
    labels, scores
        (N,) of 0 and 1, and (N,) finite numbers, larger for positives.
    """
    found, alarms, values = _steps(labels, scores)
    if not found[-1] or not alarms[-1]:
        return float("nan")
    # Times both class sizes: whole numbers, so that ties are ties.
    gain = found * alarms[-1] - alarms * found[-1]
    return _between(values, int(gain.argmax()))


def sensitivity_threshold(labels: ArrayLike, scores: ArrayLike, target: float) -> float:
    """Return the highest threshold that finds at least ``target`` of the positives.

    Parameters
    ----------
    labels, scores
        (N,) of 0 and 1, and (N,) finite numbers, larger for positives.
    target
        A share above 0, at most 1.

    Returns
    -------
    float
        NaN where there are no positives.

    Raises
    ------
    ArgumentError
        If ``target`` is out of range.
    """
    check_number("target sensitivity", target, above=0, maximum=1)
    found, _, values = _steps(labels, scores)
    if not found[-1]:
        return float("nan")
    # A tolerance for targets such as 0.7 of 10, which as a float is a little above 7.
    enough = found >= target * found[-1] - 1e-9 * found[-1]
    return _between(values, int(enough.argmax()))


def trade_off(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Sensitivity and specificity at every threshold that makes a difference.

    Returns
    -------
    thresholds, sensitivity, specificity
        (T,) each, thresholds descending, each valid from there down to the next one.
    """
    found, alarms, values = _steps(labels, scores)
    with np.errstate(invalid="ignore"):
        return values, found / found[-1], 1 - alarms / alarms[-1]


def _steps(
    labels: ArrayLike, scores: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Count positives and negatives at or above each distinct score, from the top."""
    truth, values = check_binary(labels, scores)
    order = np.argsort(-values, kind="stable")
    truth, values = truth[order], values[order]
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    return truth.cumsum()[ends], (~truth).cumsum()[ends], values[ends]


def _between(values: Floats, k: int) -> float:
    """Return a threshold that lets ``values[k]`` pass and not the next lower one."""
    if k == len(values) - 1:
        return float(np.nextafter(values[k], -np.inf))
    middle = values[k + 1] / 2 + values[k] / 2
    return float(middle if middle < values[k] else values[k + 1])


def _ratio(part: Floats, whole: Floats) -> Floats:
    part, whole = np.asarray(part), np.asarray(whole)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
