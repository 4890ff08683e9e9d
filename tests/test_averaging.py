from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.averaging import EMA, SWA, WeightAverage
from minicnn.errors import ArgumentError, StateError


class Model:
    """Two parameters and two buffers, without a network."""

    def __init__(self, dtype: type = np.float64) -> None:
        self.params = {"0.weight": np.zeros((2, 3), dtype), "0.bias": np.zeros(2, dtype)}
        self.buffers = {"1.running_mean": np.zeros(3, dtype), "1.count": np.array(0)}
        self.rng = np.random.default_rng(0)

    def arrays(self) -> dict[str, np.ndarray]:
        return {**self.params, **self.buffers}

    def move(self) -> None:
        """Change everything in place, as an optimizer does."""
        for a in self.arrays().values():
            a[...] = self.rng.integers(-5, 6, a.shape)


both = pytest.mark.parametrize("make", [EMA, SWA])
Make = Callable[..., WeightAverage]


def _walk(model: Model, average: WeightAverage, updates: int) -> list[dict[str, np.ndarray]]:
    seen = []
    for _ in range(updates):
        model.move()
        average.update()
        seen.append({name: a.copy() for name, a in model.arrays().items()})
    return seen


def test_swa_is_the_mean() -> None:
    model = Model()
    average = SWA(model)
    seen = _walk(model, average, 7)
    for name in ("0.weight", "0.bias", "1.running_mean"):
        expected = np.mean([s[name] for s in seen], axis=0)
        np.testing.assert_allclose(average.averages[name], expected, atol=1e-14)
    assert "1.count" not in average.averages


def test_ema_weighs_by_age() -> None:
    model = Model()
    average = EMA(model, decay=0.7)
    seen = _walk(model, average, 5)
    shares = [0.7**4, 0.3 * 0.7**3, 0.3 * 0.7**2, 0.3 * 0.7, 0.3]
    expected = sum(k * s["0.weight"] for k, s in zip(shares, seen, strict=True))
    np.testing.assert_allclose(average.averages["0.weight"], expected, atol=1e-14)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_the_same_as_torchs_averaged_model(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    module = torch.nn.Linear(3, 2).double()
    utils = torch.optim.swa_utils
    options = {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.9)} if kind == "ema" else {}
    theirs = utils.AveragedModel(module, **options)
    model = Model()
    ours = EMA(model, 0.9) if kind == "ema" else SWA(model)
    for _ in range(6):
        model.move()
        with torch.no_grad():
            module.weight.copy_(torch.tensor(model.params["0.weight"]))
            module.bias.copy_(torch.tensor(model.params["0.bias"]))
        ours.update()
        theirs.update_parameters(module)
    for name in ("weight", "bias"):
        expected = getattr(theirs.module, name).detach().numpy()
        np.testing.assert_allclose(ours.averages[f"0.{name}"], expected, atol=1e-13)


@both
def test_applied_lends_the_averages_and_gives_the_weights_back(make: Make) -> None:
    model = Model(np.float32)
    average = make(model)
    _walk(model, average, 3)
    arrays, own = dict(model.arrays()), {k: a.copy() for k, a in model.arrays().items()}
    with pytest.raises(RuntimeError, match="in the block"), average.applied():
        for name, value in average.averages.items():
            live = model.arrays()[name]
            assert live is arrays[name]
            assert live.dtype == np.float32
            np.testing.assert_allclose(live, value, rtol=1e-6)
        raise RuntimeError("in the block")
    for name, a in model.arrays().items():
        assert a is arrays[name]
        assert (a == own[name]).all()


@both
def test_copy_to_model_is_for_good(make: Make) -> None:
    model = Model()
    average = make(model)
    _walk(model, average, 3)
    average.copy_to_model()
    for name, value in average.averages.items():
        assert (model.arrays()[name] == value).all()
        assert model.arrays()[name] is not value


def test_small_steps_are_not_rounded_away() -> None:
    model = Model(np.float32)
    average = EMA(model, decay=0.9999)
    model.params["0.weight"][...] = 1
    average.update()
    model.params["0.weight"][...] = 1.0001
    for _ in range(10_000):
        average.update()
    moved = (average.averages["0.weight"] - 1) / (float(np.float32(1.0001)) - 1)
    np.testing.assert_allclose(moved, 1 - 0.9999**10_000, rtol=1e-6)


@both
def test_resuming_is_bit_exact(make: Make) -> None:
    model = Model()
    whole = make(model)
    _walk(model, whole, 3)
    resumed = make(model)
    resumed.load_state_dict({k: np.asarray(v) for k, v in whole.state_dict().items()})
    for _ in range(3):
        model.move()
        whole.update()
        resumed.update()
    assert resumed.updates == whole.updates == 6
    for name, value in whole.averages.items():
        assert (resumed.averages[name] == value).all()
    fresh = make(model)
    fresh.load_state_dict(make(model).state_dict())  # before the first update
    assert fresh.updates == 0


def test_foreign_states_are_refused() -> None:
    model = Model()
    average = SWA(model)
    _walk(model, average, 2)
    state = average.state_dict()
    wrong: list[dict[str, Any]] = [
        {},
        {"updates": 2},
        {**state, "average/9.weight": np.zeros(3)},
        {**state, "average/0.bias": np.zeros(3)},
    ]
    for bad in wrong:
        with pytest.raises(StateError, match="average"):
            average.load_state_dict(bad)
    assert average.updates == 2


@both
def test_bad_use(make: Make) -> None:
    average = make(Model())
    with pytest.raises(StateError, match="no average yet"):
        average.copy_to_model()
    with pytest.raises(StateError, match="no average yet"), average.applied():
        pass
    with pytest.raises(ArgumentError, match="int without params"):
        make(3)


@pytest.mark.parametrize("wrong", [-0.1, 1.0, float("nan"), "0.9"])
def test_bad_decays(wrong: float) -> None:
    with pytest.raises(ArgumentError, match="decay is"):
        EMA(Model(), wrong)


def test_repr() -> None:
    assert repr(EMA(Model(), 0.99)) == "EMA(decay=0.99)"
    assert repr(SWA(Model())) == "SWA(updates=0)"
