"""What the fused model promises besides its numbers: whose arrays, whose memory, whose errors."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import minicnn as m
from minicnn.errors import MinicnnError, StateError

pytest.importorskip("numba", reason="the compiled backend needs numba")


def network(seed: int = 0) -> m.Sequential:
    """Build a network with every kind of stage."""
    rng = np.random.default_rng(seed)
    block = m.Residual(m.Sequential(m.Conv2d(18, 18, 3, padding=1, rng=rng), m.BatchNorm2d(18)))
    model = m.Sequential(
        m.Conv2d(1, 18, 3, padding=1, rng=rng), m.BatchNorm2d(18), m.ReLU(), m.MaxPool2d(2),
        block, m.LeakyReLU(0.1), m.Conv2d(18, 5, 3, 2, rng=rng), m.ReLU(),
        m.Flatten(), m.Linear(5 * 3 * 3, 4, rng=rng), m.ReLU(), m.Linear(4, 3, rng=rng),
    )  # fmt: skip
    for array in (*model.params.values(), *model.buffers.values()):
        array += rng.uniform(0.05, 0.3, array.shape).astype(array.dtype)
    return model


def pictures(batch: int = 5, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(batch, 1, 14, 14)).astype(np.float32)


def pair(seed: int = 0) -> tuple[m.Sequential, Any]:
    """Return a plain model, and an equal one that is fused."""
    model = network(seed)
    return copy.deepcopy(model), model.compile()


def close(actual: NDArray, expected: NDArray, tolerance: float = 2e-5) -> None:
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def assert_same(plain: Any, fused: Any, x: NDArray, tolerance: float = 2e-5) -> None:
    y = plain.forward(x)
    close(fused.forward(x), y, tolerance)
    dy = np.random.default_rng(3).normal(size=y.shape).astype(x.dtype)
    close(fused.backward(dy), plain.backward(dy), tolerance)
    assert fused.grads.keys() == plain.grads.keys()
    for name, gradient in plain.grads.items():
        close(fused.grads[name], gradient, 10 * tolerance)
    for name, buffer in plain.buffers.items():
        close(fused.buffers[name], buffer, tolerance)


# ---- arrays, mode, dtype -----------------------------------------------------------------


def test_a_state_loaded_into_either_is_the_state_of_both() -> None:
    plain, fused = pair()
    x = pictures()
    for target in (fused, fused.model):
        for training in (True, False):
            (plain.train if training else plain.eval)()
            (fused.train if training else fused.eval)()
            assert_same(plain, fused, x)
            state = network(7 + training).state_dict()
            target.load_state_dict(state)
            plain.load_state_dict(state)
            assert_same(plain, fused, x)


@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("batch", [1, 5])
def test_other_arrays_in_the_place_of_the_old_ones_are_seen(batch: int, contiguous: bool) -> None:
    plain, fused = pair()
    x = pictures(batch)
    for training in (True, False):
        for model in (plain, fused):
            (model.train if training else model.eval)()
        assert_same(plain, fused, x)
        for one, two in zip(plain.modules(), fused.modules(), strict=True):
            for kind in ("_params", "_buffers"):
                for name, array in getattr(one, kind).items():
                    other = (array * 1.5).astype(array.dtype)
                    getattr(one, kind)[name] = other.copy()
                    getattr(two, kind)[name] = other if contiguous else np.asfortranarray(other)
        assert_same(plain, fused, x)
        for one, two in zip(plain.params.values(), fused.params.values(), strict=True):
            one[...] *= 0.7
            two[...] *= 0.7
        assert_same(plain, fused, x)


@pytest.mark.parametrize("batch", [1, 5])
def test_an_edit_of_a_single_number_is_seen(batch: int) -> None:
    plain, fused = pair()
    plain.eval()
    fused.eval()
    x = pictures(batch)
    arrays = [(model.params | model.buffers) for model in (plain, fused)]
    for name in arrays[0]:
        before = fused.forward(x)
        for own in arrays:
            own[name].reshape(-1)[-1] += 3
        after = fused.forward(x)
        assert np.abs(after - before).max() > 0, name
        close(after, plain.forward(x))


@pytest.mark.parametrize("through", ["plain", "fused"])
def test_astype_on_either(through: str) -> None:
    plain, fused = pair()
    assert_same(plain, fused, pictures())
    plain.load_state_dict(fused.state_dict())
    for dtype in (np.float64, np.float32):
        (fused if through == "fused" else fused.model).astype(dtype)
        plain.astype(dtype)
        with pytest.raises(StateError, match="before forward"):
            fused.backward(np.zeros((5, 3), dtype))
        other = np.float32 if dtype is np.float64 else np.float64
        with pytest.raises(TypeError):
            fused.forward(pictures().astype(other))
        assert_same(plain, fused, pictures().astype(dtype), 1e-10 if dtype is np.float64 else 2e-5)
        plain.load_state_dict(fused.state_dict())


@pytest.mark.parametrize("optimizer", [m.SGD, m.Adam])
def test_ten_steps_by_either_optimizer(optimizer: Callable[..., Any]) -> None:
    plain, fused = pair()
    plain.astype(np.float64)
    fused.astype(np.float64)
    x, target = pictures(6).astype(np.float64), np.arange(6) % 3
    losses = []
    for model, owner in ((plain, plain), (fused, fused.model)):
        loss, steps = m.CrossEntropyLoss(), optimizer(owner, 1e-2)
        values = []
        for _ in range(10):
            values.append(loss.forward(model.forward(x), target))
            model.backward(loss.backward())
            steps.step()
        losses.append(values)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)
    assert losses[0][-1] != losses[0][0]
    for name, array in plain.state_dict().items():
        if name not in ("0.bias", "4.main.0.bias"):  # before a norm: steps by signs of noise
            close(fused.state_dict()[name], array, 1e-7)


# ---- the order of calls ------------------------------------------------------------------


def test_results_stay_as_they_are() -> None:
    for training in (True, False):
        _, fused = pair()
        (fused.train if training else fused.eval)()
        kept = []
        for seed in range(4):
            for batch in (5, 1):
                y = fused.forward(pictures(batch, seed))
                dx = fused.backward(y)
                kept.append((y, y.copy(), dx, dx.copy()))
        for y, y_then, dx, dx_then in kept:
            np.testing.assert_array_equal(y, y_then)
            np.testing.assert_array_equal(dx, dx_then)


def test_backward_in_evaluation_and_twice() -> None:
    plain, fused = pair()
    plain.eval()
    fused.eval()
    for batch in (5, 1):
        assert_same(plain, fused, pictures(batch))
        dy = np.ones((batch, 3), np.float32)
        first = fused.backward(dy)
        gradients = {name: g.copy() for name, g in fused.grads.items()}
        np.testing.assert_array_equal(fused.backward(dy), first)
        for name, gradient in gradients.items():
            np.testing.assert_array_equal(fused.grads[name], gradient)


def test_backward_belongs_to_the_last_forward_whatever_its_mode() -> None:
    plain, fused = pair()
    x, dy = pictures(5, 1), np.ones((5, 3), np.float32)
    for model in (plain, fused):
        model.train()
        model.forward(pictures(5, 2))
        model.eval()
        model.forward(x)
    close(fused.backward(dy), plain.backward(dy))


def test_the_mode_of_backward_is_that_of_its_forward() -> None:
    for first, then in (("eval", "train"), ("train", "eval")):
        plain, fused = pair()
        x, dy = pictures(5, 1), np.ones((5, 3), np.float32)
        for model in (plain, fused):
            getattr(model, first)()
            model.forward(x)
            getattr(model, then)()
        close(fused.backward(dy), plain.backward(dy))
        assert fused.training == (then == "train")
        for name, gradient in plain.grads.items():
            close(fused.grads[name], gradient, 2e-4)
        for name, buffer in plain.buffers.items():
            close(fused.buffers[name], buffer)


def test_errors_are_those_of_the_plain_model() -> None:
    plain, fused = pair()
    bad: list[Any] = [
        pictures().astype(np.float64), pictures().astype(np.float16), pictures()[0],
        np.zeros((2, 3, 14, 14), np.float32), np.zeros((2, 1, 20, 20), np.float32),
        np.zeros((2, 1, 1, 1), np.float32), np.zeros((0, 1, 14, 14), np.float32),
        np.zeros((2, 1, 14, 14), np.uint8), np.zeros((2, 14), np.float32),
    ]  # fmt: skip
    for mode in ("train", "eval"):
        getattr(plain, mode)()
        getattr(fused, mode)()
        for x in bad:
            outcomes = []
            for model in (plain, fused):
                try:
                    outcomes.append(model.forward(x).shape)
                except (MinicnnError, ValueError, TypeError, ZeroDivisionError) as error:
                    outcomes.append(type(error))
            if outcomes[0] is not ZeroDivisionError:  # an empty batch: ours says it in words
                assert outcomes[0] == outcomes[1], (mode, x.shape, x.dtype)
    for dy in (np.zeros((2, 3), np.float32), np.zeros((5, 3)), np.zeros(15, np.float32)):
        fused.forward(pictures())
        plain.forward(pictures())
        for model in (plain, fused):
            with pytest.raises((MinicnnError, TypeError)):
                model.backward(dy)


def test_one_value_has_no_statistics() -> None:
    model = m.Sequential(m.Conv2d(1, 2, 3), m.BatchNorm2d(2), m.ReLU())
    x = np.ones((1, 1, 3, 3), np.float32)
    for net in (copy.deepcopy(model), model.compile()):
        with pytest.raises(m.errors.ShapeError, match="more than one value"):
            net.forward(x)
    assert np.isfinite(model.compile().eval().forward(x)).all()


@pytest.mark.parametrize("training", [True, False])
def test_inputs_of_any_layout(training: bool) -> None:
    plain, fused = pair()
    (plain.train if training else plain.eval)()
    (fused.train if training else fused.eval)()
    for x in (pictures(4), pictures(1)):
        locked = x.copy()
        locked.flags.writeable = False
        wide = np.zeros((len(x), 1, 28, 42), np.float32)
        wide[:, :, ::2, ::3] = x
        for other in (np.asfortranarray(x), locked, wide[:, :, ::2, ::3], x[:, :, ::-1, ::-1]):
            assert_same(plain, fused, other)
            dy = np.asfortranarray(np.random.default_rng(0).normal(size=(len(x), 3)))
            dy = dy.astype(np.float32)[::-1]
            close(fused.backward(dy), plain.backward(dy))


def test_inputs_are_left_alone() -> None:
    _, fused = pair()
    x = pictures()
    before, dy = x.copy(), np.ones((5, 3), np.float32)
    for mode in ("train", "eval"):
        getattr(fused, mode)()
        y = fused.forward(x)
        dx = fused.backward(dy)
        assert not np.shares_memory(y, x)
        assert not any(np.shares_memory(dx, g) for g in fused.grads.values())
        np.testing.assert_array_equal(x, before)
        assert (dy == 1).all()


def test_dropout_draws_the_same_masks() -> None:
    rng = np.random.default_rng(0)
    model = m.Sequential(
        m.Conv2d(2, 6, 3, rng=rng), m.ReLU(), m.Dropout(0.4, rng=np.random.default_rng(5)),
        m.Conv2d(6, 3, 3, rng=rng), m.Dropout(0.5, rng=np.random.default_rng(6)), m.Flatten(),
    )  # fmt: skip
    plain, fused = copy.deepcopy(model), model.compile()
    x = rng.normal(size=(3, 2, 8, 8)).astype(np.float32)
    for _ in range(3):
        assert_same(plain, fused, x)
    plain.eval()
    fused.eval()
    assert_same(plain, fused, x)


# ---- copies, files, words ----------------------------------------------------------------


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_is_a_model_of_its_own(mode: str, duplicate: Callable[[Any], Any]) -> None:
    plain, fused = pair()
    getattr(plain, mode)()
    getattr(fused, mode)()
    for batch in (4, 1):
        fused.forward(pictures(batch))
        fused.backward(np.ones((batch, 3), np.float32))
    plain.load_state_dict(fused.state_dict())
    gradients = {name: g.copy() for name, g in fused.grads.items()}
    state = fused.state_dict()
    other = duplicate(fused)
    for array in other.params.values():
        array *= 0.5
    twin = copy.deepcopy(plain)
    for array in twin.params.values():
        array *= 0.5
    assert_same(twin, other, pictures(4, 1))
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(fused.grads[name], gradient)
    for name, array in state.items():
        np.testing.assert_array_equal(fused.state_dict()[name], array)
    assert_same(plain, fused, pictures(4))


def test_saved_like_the_plain_model(tmp_path: Any) -> None:
    plain, fused = pair()
    m.save(fused, tmp_path / "fused.npz")
    m.save(plain, tmp_path / "plain.npz")
    fused.eval()
    plain.eval()
    for name in ("fused", "plain"):
        loaded = m.load(tmp_path / f"{name}.npz")
        loaded = getattr(loaded, "model", loaded).eval()
        close(loaded.forward(pictures()), plain.forward(pictures()))


def test_words() -> None:
    plain, fused = pair()
    assert fused.summary((2, 1, 14, 14)) == plain.summary((2, 1, 14, 14))
    assert repr(plain) in repr(fused)
    assert len(fused) == len(plain)
    assert list(fused) == list(fused.model)
    assert fused.output_shape((2, 1, 14, 14)) == (2, 3)
    for name in ("3 MaxPool2d", "4.main.0 Conv2d", "9 Linear"):
        assert fused.plan().count(name) == 1


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda rng: m.Conv2d(3, 4, 3, rng=rng), (2, 3, 6, 6)),
        (lambda rng: m.Conv2d(4, 4, 3, groups=2, rng=rng), (2, 4, 6, 6)),
        (lambda rng: m.Linear(4, 3, rng=rng), (2, 4)),
        (lambda rng: m.Sequential(), (2, 4)),
        (lambda rng: m.Sequential(m.ReLU()), (2, 4)),
        (lambda rng: m.Residual(m.Conv2d(3, 3, 3, padding=1, rng=rng)), (2, 3, 6, 6)),
        (lambda rng: m.Residual(m.Conv2d(3, 3, 1, rng=rng), m.Sequential()), (2, 3, 6, 6)),
        (lambda rng: m.GlobalAvgPool2d(), (2, 3, 6, 6)),
    ],
)
def test_small_models(make: Callable[..., Any], shape: tuple[int, ...]) -> None:
    model = make(np.random.default_rng(0))
    plain, fused = copy.deepcopy(model), model.compile()
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    assert_same(plain, fused, x)
    assert isinstance(fused.plan(), str)
    plain.eval()
    fused.eval()
    assert_same(plain, fused, x)


@pytest.mark.parametrize("name", ["loops", "vectorized"])
def test_another_backend_in_between(name: str) -> None:
    plain, fused = pair()
    assert_same(plain, fused, pictures(2))
    with m.use_backend(name):
        assert_same(plain, fused, pictures(2))
    plain.load_state_dict(fused.state_dict())
    assert_same(plain, fused, pictures(2))


# ---- threads -----------------------------------------------------------------------------


def _at_once(work: Callable[[int], None], count: int = 3) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            work(number)
        except BaseException as error:  # carried over to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "the threads wait for each other"
    if errors:
        raise errors[0]


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_one_model_in_several_threads(mode: str) -> None:
    plain, fused = pair()
    getattr(plain, mode)()
    getattr(fused, mode)()
    batches = [[pictures(n, 10 * n + number) for n in (1, 4, 9)] for number in range(3)]
    expected = [[plain.forward(x) for x in own] for own in batches]
    fused.forward(batches[0][0])

    def work(number: int) -> None:
        for _ in range(30):
            for x, y in zip(batches[number], expected[number], strict=True):
                close(fused.forward(x), y)

    _at_once(work)


def test_models_of_their_own_in_several_threads() -> None:
    pairs = [pair(seed) for seed in range(3)]

    def work(number: int) -> None:
        plain, fused = pairs[number]
        for turn in range(6):
            for model in (plain, fused):
                (model.eval if turn % 3 == 2 else model.train)()
            plain.load_state_dict(fused.state_dict())
            assert_same(plain, fused, pictures(1 + turn, turn))

    _at_once(work)
