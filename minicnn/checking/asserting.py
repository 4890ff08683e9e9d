"""A gradient check as one line of a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.checking.gradcheck import gradcheck
from minicnn.checking.report import Report


def assert_gradients(
    target: Any,
    *inputs: Any,
    wrt: str | int | Sequence[str | int] | None = None,
    seed: int = 0,
) -> Report:
    """Fail with the whole report where a backward pass is wrong.

    Parameters
    ----------
    target, *inputs, wrt, seed
        As for `minicnn.gradcheck`.

    Returns
    -------
    Report
        With verdict PASS or PASS_AT_KINK.

    Raises
    ------
    AssertionError
        With what is wrong and what to do next, if the verdict is FAIL, or INCONCLUSIVE: what
        has not been shown to be right does not pass a test.
    CheckError
        If there is nothing that could be checked.

    Examples
    --------
    >>> def test_my_layer():
    ...     assert_gradients(MyLayer(4, 3), np.random.default_rng(0).normal(size=(5, 4)))
    """
    __tracebackhide__ = True  # pytest then points at the line of the test
    report = gradcheck(target, *inputs, wrt=wrt, seed=seed)
    if not report.ok:
        # A line break first, so that "AssertionError: " does not shift the first line.
        raise AssertionError(f"\n{report}")
    return report
