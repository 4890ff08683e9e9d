"""The fused model computes what the plain one does: values, gradients, statistics, steps."""

from __future__ import annotations

import copy

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import minicnn as m
from minicnn import zoo
from minicnn.errors import ShapeError, StateError
from minicnn.fusion import FusedModel
from minicnn.selfcheck.networks import random_network

TOLERANCE = {"float64": 1e-9, "float32": 2e-4}


def close(a, b, tolerance, what):
    scale = max(float(np.abs(a).max(initial=0)), 1e-3)
    error = float(np.abs(a.astype(np.float64) - b).max(initial=0)) / scale
    assert error < tolerance, f"{what}: {error}"


def assert_same(plain, fused, x, tolerance):
    """Run both, forward and back, and compare everything they leave behind."""
    y, z = plain.forward(x), fused.forward(x)
    assert y.shape == z.shape
    close(y, z, tolerance, "y")
    dy = np.random.default_rng(5).normal(size=y.shape).astype(x.dtype)
    dx, dz = plain.backward(dy), fused.backward(dy)
    close(dx, dz, tolerance, "dx")
    largest = max((float(np.abs(g).max(initial=0)) for g in plain.grads.values()), default=1.0)
    for name, g in plain.grads.items():
        # A bias before a batch norm has the gradient 0, computed as noise.
        error = np.abs(g - fused.grads[name]).max(initial=0)
        assert error <= tolerance * max(largest, 1e-3), name
    for name, b in plain.buffers.items():
        close(b, fused.buffers[name], tolerance, name)


def convolutional(rng, dtype):
    """Draw a network of the kind that is fused, with all its options."""
    channels = int(rng.integers(1, 40))
    shape = (int(rng.integers(1, 5)), channels, *(int(n) for n in rng.integers(5, 20, 2)))
    layers: list[m.Layer] = []
    current = shape
    for _ in range(int(rng.integers(1, 4))):
        kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
        outputs = int(rng.integers(1, 40))
        options = {
            "stride": tuple(int(s) for s in rng.integers(1, 4, 2)),
            "padding": tuple(int(p) for p in rng.integers(0, 4, 2)),
            "dilation": tuple(int(d) for d in rng.integers(1, 3, 2)),
            "bias": bool(rng.random() < 0.5),
        }
        drawn: list[m.Layer] = [m.Conv2d(current[1], outputs, kernel, rng=rng, **options)]
        if rng.random() < 0.5:
            drawn.append(m.BatchNorm2d(outputs))
        activation = rng.integers(5)
        if activation == 1:
            drawn.append(m.ReLU())
        elif activation > 1:
            drawn.append(m.LeakyReLU(float(rng.choice([0.0, 0.1, 1.0, 1.5, -0.2]))))
        if rng.random() < 0.5:
            window = int(rng.integers(1, 4))
            drawn.append(
                m.MaxPool2d(window, int(rng.integers(1, 4)), int(rng.integers(0, window // 2 + 1)))
            )
        if rng.random() < 0.2:
            drawn.append(m.Tanh())
        if rng.random() < 0.4:
            width = outputs
            main = m.Sequential(
                m.Conv2d(width, 5, 3, padding=1, rng=rng), m.BatchNorm2d(5), m.ReLU(),
                m.Conv2d(5, width, 3, padding=1, rng=rng), m.BatchNorm2d(width),
            )  # fmt: skip
            shortcut = m.Conv2d(width, width, 1, rng=rng) if rng.random() < 0.5 else None
            drawn += [m.Residual(main, shortcut), m.ReLU()]
        try:
            after = m.Sequential(*drawn).output_shape(current)
        except ShapeError:
            continue
        if np.prod(after) // after[1] < 2:
            continue
        layers += drawn
        current = after
    if rng.random() < 0.5:
        layers.append(m.GlobalAvgPool2d())
    else:
        layers += [m.Flatten(), m.Linear(int(np.prod(current[1:])), 3, rng=rng)]
    if isinstance(layers[-1], m.GlobalAvgPool2d):
        layers.append(m.Linear(current[1], 2, rng=rng))
    model = m.Sequential(*layers).astype(dtype)
    for norm in model.modules():
        if isinstance(norm, m.BatchNorm2d):
            norm.params["weight"][...] = rng.normal(size=norm.num_features)
            norm.params["bias"][...] = rng.normal(size=norm.num_features)  # off the kink
            norm.buffers["running_mean"][...] = rng.normal(size=norm.num_features)
            if rng.random() < 0.2:
                norm.eval()
    return model, rng.normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_convolutional_networks(dtype, seed):
    rng = np.random.default_rng(seed)
    model, x = convolutional(rng, dtype)
    plain = copy.deepcopy(model)
    fused = model.compile()
    # Where batch statistics of few numbers divide by almost nothing, rounding grows.
    tolerance = TOLERANCE[dtype] * (50 if dtype == "float32" else 1)
    assert_same(plain, fused, x, tolerance)
    plain.eval()
    model.eval()
    assert_same(plain, fused, x, tolerance)
    close(plain.forward(x[:1]), fused.forward(x[:1]), tolerance, "one sample")


@settings(max_examples=40, deadline=None)
@example(seed=17211772)  # Flatten(start_dim=2) after a convolution, in evaluation
@example(seed=1343738)  # nothing in the Sequential
@given(seed=st.integers(0, 2**32 - 1))
def test_networks_of_any_layers(seed):
    network = random_network(seed)
    plain = copy.deepcopy(network.model)
    assert_same(plain, network.model.compile(), network.x, TOLERANCE["float64"])


@pytest.mark.parametrize("name", ["lenet", "lungnet", "vgg", "resnet"])
def test_ten_steps_of_the_zoo(name):
    model = zoo.build(
        name, input_shape=(1, 28, 28), classes=2, width=0.25, rng=np.random.default_rng(0)
    ).astype("float64")
    plain = copy.deepcopy(model)
    rng = np.random.default_rng(1)
    x, target = rng.normal(size=(8, 1, 28, 28)), rng.integers(0, 2, 8)
    for net in (plain, model.compile()):
        loss, optimizer = m.CrossEntropyLoss(), m.Adam(net, 1e-2)
        for _ in range(10):
            loss.forward(net.forward(x), target)
            net.backward(loss.backward())
            optimizer.step()
    for key, value in plain.state_dict().items():
        # Adam divides by the size of the gradient, and a bias before a norm has none.
        if not (key.endswith("bias") and name == "vgg"):
            close(value, model.state_dict()[key], 1e-6, key)


@pytest.mark.parametrize("training", [True, False])
def test_gradcheck(training):
    model = zoo.build(
        "resnet", input_shape=(1, 28, 28), classes=2, width=0.25, rng=np.random.default_rng(0)
    ).astype("float64")[:5]
    model = m.Sequential(*model, m.GlobalAvgPool2d())
    fused = model.compile()
    (fused.train if training else fused.eval)()
    x = np.random.default_rng(0).normal(size=(3, 1, 8, 8))
    assert m.gradcheck(fused, x).ok


def small():
    rng = np.random.default_rng(0)
    return m.Sequential(
        m.Conv2d(1, 20, 3, padding=1, rng=rng), m.BatchNorm2d(20), m.ReLU(), m.MaxPool2d(2),
        m.Conv2d(20, 6, 3, rng=rng), m.ReLU(), m.Flatten(), m.Linear(6 * 12 * 12, 2, rng=rng),
    )  # fmt: skip


def pictures(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 1, 28, 28)).astype(np.float32)


def test_same_bits_with_one_thread_and_two():
    found = []
    threads = numba.get_num_threads()
    try:
        for count in (1, min(2, threads)):
            numba.set_num_threads(count)
            model = small()
            fused = model.compile()
            optimizer = m.SGD(fused, 0.1)
            for seed in range(3):
                y = fused.forward(pictures(9, seed))
                dx = fused.backward(y)
                optimizer.step()
            fused.eval()
            scores = [fused.forward(pictures(n)) for n in (9, 1, 1, 1)]
            found.append([dx, *scores, *model.state_dict().values()])
    finally:
        numba.set_num_threads(threads)
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", list(small().state_dict()))
@pytest.mark.parametrize("n", [1, 6])
def test_an_edit_between_two_predictions_is_seen(name, n):
    model = small().eval()
    fused, x = model.compile(), pictures(n)
    before = fused.forward(x)
    (model.params | model.buffers)[name][...] += 0.5
    after = fused.forward(x)
    assert np.abs(after - before).max() > 0
    np.testing.assert_allclose(after, model.forward(x), rtol=1e-4, atol=1e-4)


def test_shares_arrays_mode_and_optimizer():
    model = small()
    fused = model.compile()
    assert isinstance(fused, FusedModel)
    assert all(fused.params[k] is v for k, v in model.params.items())
    assert all(fused.grads[k] is v for k, v in model.grads.items())
    assert fused.compile() is fused
    fused.eval()
    assert not model.training
    model.train()
    assert fused.training
    assert "one pass" in fused.plan()
    assert "0 Conv2d + 1 BatchNorm2d + 2 ReLU + 3 MaxPool2d" in fused.plan()


def test_results_are_not_overwritten_and_backward_repeats():
    fused = small().compile()
    x = pictures(4)
    y = fused.forward(x)
    kept = y.copy()
    dx = fused.backward(y)
    again = fused.backward(y)
    np.testing.assert_array_equal(dx, again)
    fused.forward(pictures(4, 1))
    fused.backward(y)
    np.testing.assert_array_equal(y, kept)
    np.testing.assert_array_equal(dx, again)


def test_batch_sizes_may_change():
    model = small()
    plain, fused = copy.deepcopy(model), model.compile()
    for n in (4, 2, 7, 4, 1, 2):
        assert_same(plain, fused, pictures(n, n), 2e-4)


def test_astype_after_compiling():
    model = small()
    plain, fused = copy.deepcopy(model), model.compile()
    fused.forward(pictures(2))
    plain.forward(pictures(2))
    model.astype(np.float64)
    with pytest.raises(TypeError):
        fused.forward(pictures(2))
    plain.astype(np.float64)
    for name, array in plain.buffers.items():  # rounded to float32 before
        model.buffers[name][...] = array
    assert_same(plain, fused, pictures(2).astype(np.float64), 1e-9)


def test_backward_comes_after_forward():
    fused = small().compile()
    with pytest.raises(StateError, match="before forward"):
        fused.backward(np.zeros((2, 2), np.float32))


def test_wrong_inputs_are_refused_as_by_the_plain_model():
    fused = small().compile()
    with pytest.raises(TypeError):
        fused.forward(pictures(2).astype(np.float64))
    with pytest.raises(ShapeError):
        fused.forward(np.zeros((2, 3, 28, 28), np.float32))
    with pytest.raises(ShapeError):
        fused.forward(np.zeros((2, 1, 14, 14), np.float32))


def test_nan_and_infinity_show():
    model = small().eval()
    fused = model.compile()
    x = pictures(3)
    x[0, 0, 3, 3] = np.nan
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(np.isnan(fused.forward(x)), np.isnan(model.forward(x)))


def test_other_backends_run_the_plain_layers():
    model = small()
    fused, x = model.compile(), pictures(2)
    with m.use_backend("vectorized"):
        np.testing.assert_array_equal(fused.forward(x), model.forward(x))


def test_deepcopy_is_on_its_own():
    fused = small().compile()
    fused.forward(pictures(2))
    other = copy.deepcopy(fused)
    other.params["0.weight"][...] = 0
    assert np.abs(fused.params["0.weight"]).max() > 0
    y = other.forward(pictures(2))
    np.testing.assert_allclose(y, other.model.forward(pictures(2)), rtol=1e-4, atol=1e-5)
