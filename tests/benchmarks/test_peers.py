"""The translations compute what the networks compute. Peers that are not installed are absent."""

import numpy as np
import pytest

from benchmarks import checks, peers, threads
from benchmarks.inference import exact, settled
from benchmarks.train_step import check
from benchmarks.work import FIVE, Work

pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(autouse=True)
def _as_many_threads_as_before():
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("model", ["lenet", "lungnet", "vgg", "resnet"])
def test_scores_of_every_peer_that_imports(model):
    work = Work(model, 30, 3)
    x, _ = work.data()
    found, _ = peers.available(peers.INFERENCE, lambda name: True)
    assert "torch eager" in found
    outputs = {name: factory(settled(work), x)() for name, factory in found.items()}
    checks.check_scores(work, outputs, exact(work, x))


def test_folding_the_batch_norms_changes_something():
    work = FIVE[2].with_batch(2)
    buffers = settled(work).buffers
    assert all(abs(a).max() > 0.01 for name, a in buffers.items() if name.endswith("mean"))


@pytest.mark.parametrize("model", ["lenet", "lungnet"])
def test_losses_gradients_and_weights_beside_torch(model):
    from benchmarks.peers.torch_peer import Eager

    check(Work(model, 28, 4), Eager, np.float64)


def test_torch_goes_back_to_the_beginning():
    from benchmarks.peers.torch_peer import ChannelsLast, Eager

    work = Work("lungnet", 28, 4)
    for kind in (Eager, ChannelsLast):
        step = kind(work.build(dropout=False), *work.data())
        first = [step() for _ in range(3)]
        step.reset()
        np.testing.assert_allclose([step() for _ in range(3)], first, rtol=1e-4)


def test_a_peer_that_does_not_import_is_left_out_with_the_reason():
    table = {"nobody": ("no_such_peer", "TrainingStep")}
    found, missing = peers.available(table, lambda name: True)
    assert not found
    assert "no_such_peer" in missing["nobody"]


def test_only_wanted_peers_are_imported():
    table = {"nobody": ("no_such_peer", "TrainingStep")}
    assert peers.available(table, lambda name: False) == ({}, {})


def test_the_number_of_threads_is_one_number(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.count() == 3
