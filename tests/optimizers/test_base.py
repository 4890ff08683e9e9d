"""What every optimizer promises, whatever its rule."""

from __future__ import annotations

import copy
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.errors import ArgumentError, ShapeError, StateError
from minicnn.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

SHAPES = {"0.weight": (3, 2, 2, 2), "0.bias": (3,), "1.weight": (4, 3), "1.bias": (4,)}
Make = Callable[..., Optimizer]

# Every rule with every array it can keep.
RULES: dict[str, tuple[Make, dict[str, Any]]] = {
    "SGD": (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    "Adam": (Adam, {"lr": 0.1, "weight_decay": 0.1}),
    "AdamW": (AdamW, {"lr": 0.1, "weight_decay": 0.1}),
    "RMSprop": (RMSprop, {"lr": 0.1, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    "Adagrad": (Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
}
every_rule = pytest.mark.parametrize("rule", RULES)


class Model:
    """Parameters without a network."""

    def __init__(self, dtype: type = np.float64) -> None:
        rng = np.random.default_rng(0)
        self.params = {k: rng.normal(size=s).astype(dtype) for k, s in SHAPES.items()}
        self.grads = {k: np.zeros_like(w) for k, w in self.params.items()}
        self.rng = np.random.default_rng(1)

    def backward(self) -> None:
        """Put any gradient in place."""
        for g in self.grads.values():
            g[...] = self.rng.normal(size=g.shape)


def _make(rule: str, model: Model) -> Optimizer:
    make, options = RULES[rule]
    return make(model, **options)


def _train(model: Model, optimizer: Optimizer, steps: int) -> None:
    for _ in range(steps):
        model.backward()
        optimizer.step()


@every_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_updates_are_in_place_and_leave_the_gradients_alone(rule: str, dtype: type) -> None:
    model = Model(dtype)
    optimizer = _make(rule, model)
    arrays, before = dict(model.params), {k: w.copy() for k, w in model.params.items()}
    model.backward()
    grads = {k: g.copy() for k, g in model.grads.items()}
    optimizer.step()
    for name, w in model.params.items():
        assert w is arrays[name]
        assert w.dtype == dtype
        assert (w != before[name]).all()
        assert (model.grads[name] == grads[name]).all()


@every_rule
def test_resuming_is_bit_exact(rule: str) -> None:
    straight = Model(np.float32)
    _train(straight, _make(rule, straight), 9)

    halfway = Model(np.float32)
    first = _make(rule, halfway)
    _train(halfway, first, 4)
    state = {k: np.asarray(v) for k, v in first.state_dict().items()}  # as from an npz file

    resumed = Model(np.float32)
    resumed.params = {k: w.copy() for k, w in halfway.params.items()}
    resumed.rng = halfway.rng
    second = _make(rule, resumed)
    second.load_state_dict(state)
    assert second.steps == 4
    _train(resumed, second, 5)
    for name, w in straight.params.items():
        assert (resumed.params[name] == w).all(), name


@every_rule
def test_a_state_is_a_copy(rule: str) -> None:
    model = Model()
    optimizer = _make(rule, model)
    _train(model, optimizer, 2)
    state = optimizer.state_dict()
    kept = {k: np.copy(v) for k, v in state.items()}
    other = _make(rule, model)
    other.load_state_dict(state)
    _train(model, other, 1)
    _train(model, optimizer, 1)
    for key, value in kept.items():
        assert (state[key] == value).all(), key


def test_the_rate_is_part_of_the_state() -> None:
    optimizer = Adam(Model())
    optimizer.lr = 0.25
    other = Adam(Model())
    other.load_state_dict(optimizer.state_dict())
    assert other.lr == 0.25
    assert type(other.lr) is float


@every_rule
def test_a_foreign_state_is_refused_and_changes_nothing(rule: str) -> None:
    model = Model()
    optimizer = _make(rule, model)
    _train(model, optimizer, 3)
    state = optimizer.state_dict()
    with pytest.raises(StateError, match=r"missing \['steps'\], unexpected \['stepz'\]"):
        optimizer.load_state_dict({**{k: v for k, v in state.items() if k != "steps"}, "stepz": 3})
    key = next(k for k in state if "/" in k)
    with pytest.raises(ShapeError, match="expected"):
        optimizer.load_state_dict({**state, "lr": 9.0, key: np.zeros(7)})
    with pytest.raises(ArgumentError, match="steps is -1"):
        optimizer.load_state_dict({**state, "lr": 9.0, "steps": -1})
    with pytest.raises(ArgumentError, match="lr is nan"):
        optimizer.load_state_dict({**state, "steps": 99, "lr": float("nan")})
    assert (optimizer.lr, optimizer.steps) == (0.1, 3)


@every_rule
def test_the_state_follows_the_dtype_of_the_model(rule: str) -> None:
    model, reference = Model(np.float64), Model(np.float64)
    optimizer = _make(rule, model)
    _train(model, optimizer, 2)
    _train(reference, _make(rule, reference), 3)
    # What layer.astype does: new arrays under the old names.
    model.params = {k: w.astype(np.float32) for k, w in model.params.items()}
    model.grads = {k: g.astype(np.float32) for k, g in model.grads.items()}
    _train(model, optimizer, 1)
    for name, w in model.params.items():
        assert w.dtype == np.float32
        np.testing.assert_allclose(w, reference.params[name], rtol=1e-4, atol=1e-5)
    arrays = [v for v in optimizer.state_dict().values() if isinstance(v, np.ndarray)]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@every_rule
def test_a_rebuilt_model_is_refused(rule: str) -> None:
    model = Model()
    optimizer = _make(rule, model)
    model.params["1.weight"] = model.grads["1.weight"] = np.zeros((5, 3))
    with pytest.raises(StateError, match=r"'1.weight' has shape \(5, 3\), but was of shape \(4, 3"):
        optimizer.step()
    model = Model()
    optimizer = _make(rule, model)
    model.params["2.weight"] = model.grads["2.weight"] = np.zeros((5, 3))
    with pytest.raises(StateError, match="'2.weight' .* was absent"):
        optimizer.step()


@every_rule
def test_a_steady_step_allocates_no_arrays(rule: str) -> None:
    model = Model()
    model.params = {"weight": np.ones((500, 400))}  # 1.6 MB
    model.grads = {"weight": np.ones((500, 400))}
    optimizer = _make(rule, model)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000 or sys.gettrace() is not None


@every_rule
@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_bad_rates_and_decays(rule: str, wrong: Any) -> None:
    make, _ = RULES[rule]
    with pytest.raises(ArgumentError, match="lr is .*finite number >= 0"):
        make(Model(), lr=wrong)
    with pytest.raises(ArgumentError, match="weight_decay is"):
        make(Model(), lr=0.1, weight_decay=wrong)
    optimizer = make(Model(), lr=0.1)
    with pytest.raises(ArgumentError, match="lr is"):
        optimizer.lr = wrong
    assert optimizer.lr == 0.1


def test_bad_options() -> None:
    for wrong in (-0.1, 1.0, float("nan")):
        with pytest.raises(ArgumentError, match="momentum is"):
            SGD(Model(), 0.1, momentum=wrong)
        with pytest.raises(ArgumentError, match=r"betas\[0\] is"):
            Adam(Model(), betas=(wrong, 0.9))
        with pytest.raises(ArgumentError, match=r"betas\[1\] is"):
            AdamW(Model(), betas=(0.9, wrong))
        with pytest.raises(ArgumentError, match="alpha is"):
            RMSprop(Model(), alpha=wrong)
        with pytest.raises(ArgumentError, match="momentum is"):
            RMSprop(Model(), momentum=wrong)
    for make in (Adam, RMSprop, Adagrad):
        with pytest.raises(ArgumentError, match="eps is"):
            make(Model(), eps=-1e-8)
    with pytest.raises(ArgumentError, match="betas is 0.9"):
        Adam(Model(), betas=0.9)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="lr_decay is"):
        Adagrad(Model(), lr_decay=-1)
    with pytest.raises(ArgumentError, match="initial_accumulator_value is"):
        Adagrad(Model(), initial_accumulator_value=-1)
    with pytest.raises(ArgumentError, match="needs momentum"):
        SGD(Model(), 0.1, nesterov=True)


def test_a_model_is_needed() -> None:
    with pytest.raises(ArgumentError, match="dict without params"):
        SGD({}, 0.1)  # type: ignore[arg-type]
    model = Model()
    model.params = {}
    with pytest.raises(ArgumentError, match="Model has no parameters"):
        SGD(model, 0.1)


@every_rule
def test_every_rule_descends(rule: str) -> None:
    model = Model()
    optimizer = _make(rule, model)
    optimizer.weight_decay = 0.0
    start = sum(float((w**2).sum()) for w in model.params.values())
    for step in range(300):
        optimizer.lr = 0.1 * (1 - step / 300)
        for name, w in model.params.items():
            model.grads[name][...] = w  # the gradient of |w|^2 / 2
        optimizer.step()
    end = sum(float((w**2).sum()) for w in model.params.values())
    assert end < 0.3 * start


def test_repr_shows_the_options() -> None:
    assert repr(SGD(Model(), 0.1, momentum=0.9, nesterov=True)) == (
        "SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.0)"
    )
    assert repr(AdamW(Model())) == (
        "AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"
    )
    assert repr(Adagrad(Model(), 1)).startswith("Adagrad(lr=1.0, lr_decay=0.0")
    assert repr(RMSprop(Model())).startswith("RMSprop(lr=0.01, alpha=0.99")


class Plain(Optimizer):
    """A rule of a reader's own, one parameter after the other."""

    def __init__(self, model: Model, lr: float) -> None:
        super().__init__(model, lr, 0.1, {"sum": 0.0})
        self.seen: list[tuple[int, ...]] = []

    def update(self, w: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray]) -> None:
        self.seen.append(w.shape)
        state["sum"] += self.decayed(w, g)
        move = self.scratch(w)
        np.multiply(state["sum"], self.lr, out=move)
        w -= move


def test_a_rule_of_ones_own_in_numpy() -> None:
    model = Model()
    before = {k: w.copy() for k, w in model.params.items()}
    model.backward()
    optimizer = Plain(model, 0.5)
    optimizer.step()
    assert optimizer.seen == list(SHAPES.values())
    for name, w in model.params.items():
        expected = before[name] - 0.5 * (model.grads[name] + 0.1 * before[name])
        np.testing.assert_allclose(w, expected)


class HalfAdam(Adam):
    """Adam on half the gradient, in a subclass that knows nothing of lists."""

    def update(self, w: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray]) -> None:
        assert w.shape == g.shape == state["mean"].shape
        super().update(w, 0.5 * g, state)


@pytest.mark.parametrize("backend", ["loops", "vectorized", "compiled"])
def test_a_subclass_of_a_rule_that_changes_the_gradient(backend: str) -> None:
    ours, theirs = Model(), Model()
    half, whole = HalfAdam(ours, lr=0.1), Adam(theirs, lr=0.1)
    with use_backend(backend):
        for _ in range(3):
            ours.backward()
            theirs.backward()
            for g in theirs.grads.values():
                g *= 0.5
            half.step()
            whole.step()
    for name, w in ours.params.items():
        np.testing.assert_allclose(w, theirs.params[name], rtol=1e-13)


@every_rule
def test_the_backend_in_force_decides_and_all_agree(rule: str) -> None:
    results = {}
    for backend in ("loops", "vectorized", "compiled"):
        model = Model()
        with use_backend(backend):
            _train(model, _make(rule, model), 5)
        results[backend] = model.params
    for name, w in results["loops"].items():
        np.testing.assert_allclose(results["vectorized"][name], w, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(results["compiled"][name], w, rtol=1e-12, atol=1e-12)


@every_rule
def test_a_gradient_of_another_shape_is_refused_and_nothing_changed(rule: str) -> None:
    model = Model()
    optimizer = _make(rule, model)
    before = {k: w.copy() for k, w in model.params.items()}
    model.grads["1.bias"] = np.zeros((4, 1))
    with pytest.raises(ShapeError, match=r"'1.bias' has shape \(4, 1\); expected \(4,\)"):
        optimizer.step()
    assert optimizer.steps == 0
    for name, w in model.params.items():
        assert (w == before[name]).all()


@every_rule
def test_a_rehearsal_on_a_copy_leaves_the_model_alone(rule: str) -> None:
    model = Model()
    optimizer = _make(rule, model)
    _train(model, optimizer, 2)
    before = {k: w.copy() for k, w in model.params.items()}
    state = optimizer.state_dict()
    twin, stepper = copy.deepcopy((model, optimizer))
    _train(twin, stepper, 2)
    for name, w in model.params.items():
        assert (w == before[name]).all()
        assert (w != twin.params[name]).any()
    for key, value in optimizer.state_dict().items():
        assert np.array_equal(value, state[key]), key
