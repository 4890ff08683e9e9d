"""McNemar's exact test: against scipy's binomial test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.mcnemar import Disagreement, binomial_p, mcnemar_test


@pytest.mark.parametrize("n", [0, 1, 2, 9, 10, 77, 999, 1000, 5000])
def test_p_equals_scipy(n: int) -> None:
    for k in {0, n // 3, n // 2, (n + 1) // 2, n}:
        expected = stats.binomtest(k, n).pvalue if n else 1.0
        assert binomial_p(k, n) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_counts_who_alone_is_right() -> None:
    a = np.array([1, 1, 1, 1, 0, 0, 1], bool)
    b = np.array([1, 0, 0, 0, 1, 0, 1], bool)
    assert mcnemar_test(a, b) == Disagreement(3, 1, pytest.approx(0.625))
    assert mcnemar_test(b, a).only_a == 1


def test_models_that_never_disagree() -> None:
    assert mcnemar_test([True, False], [True, False]) == Disagreement(0, 0, 1.0)


def test_refuses() -> None:
    with pytest.raises(ShapeError, match=r"\(2,\) and right_b \(3,\).*same images"):
        mcnemar_test([1, 0], [1, 0, 1])
    with pytest.raises(ArgumentError, match="successes is 4"):
        binomial_p(4, 3)
