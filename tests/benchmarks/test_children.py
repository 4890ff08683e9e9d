"""Processes of their own: what they report."""

import numpy as np
import pytest

from benchmarks import children
from benchmarks.children import memory
from benchmarks.quiet import Disturbance
from benchmarks.work import Work


def test_a_training_in_a_process_of_its_own():
    work = Work("lenet", 28, 2)
    report = children.run("minicnn_training", work.spec(), "2")
    assert 0 < report["imported"] < report["first_step"]
    assert len(report["losses"]) == 2
    if report["peak"] is not None:
        assert 0 < report["baseline"] < report["peak"]


def test_a_child_that_fails_says_why():
    with pytest.raises(RuntimeError, match="there is no model 'nonsense'"):
        children.run("minicnn_training", "nonsense:28:2", "1")


def test_peak_memory_grows_with_what_is_held():
    before = memory.peak()
    if before is None:
        assert before is None  # cannot be told on this system
        return
    held = np.ones(2 * before // 8 + 1)  # twice as many bytes as ever before
    expected = before + held.nbytes // 2  # with room for what Linux counts late
    assert memory.peak() > expected
    del held
    assert memory.peak() > expected  # the most that was ever held, not what is held now


def test_specifications_read_back():
    for work in (Work("vgg", 64, 3), Work("lenet", 28, 1, 0.5)):
        assert Work.parse(work.spec()) == work
    assert Work.parse("resnet:64:32") == Work("resnet", 64, 32)
    assert "width 0.5" in str(Work("lenet", 28, 1, 0.5))


def test_disturbance_is_a_number_of_cores_or_unknown():
    cores = Disturbance().cores()
    assert cores is None or cores >= 0
    assert Disturbance().describe()
