from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.phantom.dice import Dice


def dice(rows: int = 4000, columns: int = 12) -> Dice:
    return Dice(np.random.default_rng(0).random((rows, columns)))


def test_answers() -> None:
    d = dice()
    uniform = d.uniform(3.0, 5.0)
    assert uniform.shape == (4000, 1, 1)
    assert uniform.dtype == np.float32
    assert 3 <= uniform.min() < 3.01 and 4.99 < uniform.max() <= 5
    bell = d.bell(1.0, 0.5)
    assert bell.mean() == pytest.approx(1, abs=0.03)
    assert bell.std() == pytest.approx(0.5, abs=0.02)
    assert np.abs(bell - 1).max() <= 1.5
    assert d.chance(0.2).mean() == pytest.approx(0.2, abs=0.03)
    assert set(d.sign().ravel()) == {-1.0, 1.0}
    assert np.bincount(d.pick(3).ravel()) == pytest.approx(4000 / 3, rel=0.08)


def test_rows_start_afresh_and_agree() -> None:
    d = dice(6)
    first, second = d.uniform(0, 1), d.uniform(0, 1)
    part = d.rows(np.array([1, 4]))
    assert np.array_equal(part.uniform(0, 1), first[[1, 4]])
    assert np.array_equal(part.uniform(0, 1), second[[1, 4]])


def test_running_out_is_an_error() -> None:
    d = dice(2, 3)
    d.bell(0.0, 1.0)
    with pytest.raises(IndexError):
        d.chance(0.5)
