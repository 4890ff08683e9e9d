from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import Conv2d, ConvTranspose2d, use_backend
from minicnn.errors import ArgumentError, DtypeError, ShapeError, StateError
from tests.torch_twin import assert_same_as_torch, torch

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, object]:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    return {
        "in_channels": groups * draw(st.integers(1, 2)),
        "out_channels": groups * draw(st.integers(1, 2)),
        "kernel_size": draw(PAIRS),
        "stride": draw(PAIRS),
        "padding": draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        "dilation": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "groups": groups,
        "bias": draw(st.booleans()),
    }


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    geometries(), st.integers(5, 9), st.integers(5, 9), st.sampled_from(["vectorized", "compiled"])
)
def test_conv2d_equals_torch(arguments: dict, height: int, width: int, backend: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, arguments["in_channels"], height, width))
    with use_backend(backend):
        assert_same_as_torch(Conv2d(**arguments, rng=rng), torch.nn.Conv2d(**arguments), x)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    geometries(), st.integers(3, 6), st.integers(3, 6), st.sampled_from(["vectorized", "compiled"])
)
def test_conv_transpose2d_equals_torch(
    arguments: dict, height: int, width: int, backend: str
) -> None:
    rng = np.random.default_rng(0)
    # Less padding, so that something is left; the largest output padding allowed.
    kernel, stride, dilation = (arguments[k] for k in ("kernel_size", "stride", "dilation"))
    arguments = arguments | {
        "padding": tuple(min(p, k - 1) for p, k in zip(arguments["padding"], kernel, strict=True)),
        "output_padding": tuple(max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)),
    }
    x = rng.normal(size=(2, arguments["in_channels"], height, width))
    with use_backend(backend):
        layer = ConvTranspose2d(**arguments, rng=rng)
        assert_same_as_torch(layer, torch.nn.ConvTranspose2d(**arguments), x)
        assert layer.forward(x).shape == layer.output_shape(x.shape)


def test_positional_arguments_come_in_torchs_order() -> None:
    layer = Conv2d(4, 6, 3, 2, 1, 2, 2, False)
    twin = torch.nn.Conv2d(4, 6, 3, 2, 1, 2, 2, False)
    for name in ("kernel_size", "stride", "padding", "dilation", "groups"):
        assert getattr(layer, name) == getattr(twin, name)
    assert "bias" not in layer.params
    assert ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, True, 2).dilation == (2, 2)


def test_first_weights_keep_the_size_of_the_signal() -> None:
    layer = Conv2d(64, 64, 3, rng=np.random.default_rng(0))
    assert layer.params["weight"].dtype == np.float32
    assert np.std(layer.params["weight"]) == pytest.approx(np.sqrt(2 / (64 * 9)), rel=0.02)
    assert not layer.params["bias"].any()


def test_multiply_adds_by_hand() -> None:
    # 4x4 outputs, 6 filters, each of 2 channels (4 in 2 groups) times 3x3 taps; 5 images.
    assert Conv2d(4, 6, 3, groups=2).multiply_adds((5, 4, 6, 6)) == 5 * 6 * 16 * 2 * 9


def test_a_window_that_does_not_fit_names_every_number() -> None:
    layer = Conv2d(1, 1, 5, dilation=2)
    with pytest.raises(ShapeError) as error:
        layer.forward(np.zeros((1, 1, 6, 6), np.float32))
    for word in ("6x6", "5x5", "stride (1, 1)", "padding (0, 0)", "dilation (2, 2)", "9x9"):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 3), "in_channels is 0"),
        ((1, 1, 0), "kernel_size is 0"),
        ((1, 1, 3, 0), "stride is 0"),
        ((1, 1, 3, 1, -1), "padding is -1"),
        ((1, 1, 3, 1, 0, 0), "dilation is 0"),
        ((3, 4, 3, 1, 0, 1, 2), "groups is 2"),
        ((1, 1, 2.5), "kernel_size is 2.5"),
        ((1, 1, (3, 3, 3)), "pair of ints"),
        ((1, 1, True), "kernel_size is True"),
    ],
)
def test_impossible_arguments_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Conv2d(*arguments)


def test_wrong_inputs_are_refused() -> None:
    layer = Conv2d(3, 4, 3)
    with pytest.raises(ShapeError, match=r"1 channels .* takes 3"):
        layer.forward(np.zeros((1, 1, 8, 8), np.float32))
    with pytest.raises(ShapeError, match="expected 4"):
        layer.forward(np.zeros((3, 8, 8), np.float32))
    with pytest.raises(DtypeError, match="float64 but weight is float32"):
        layer.forward(np.zeros((1, 3, 8, 8)))
    with pytest.raises(DtypeError, match="uint8"):
        layer.forward(np.zeros((1, 3, 8, 8), np.uint8))
    with pytest.raises(StateError, match="before forward"):
        layer.backward(np.zeros((1, 4, 6, 6), np.float32))
    layer.forward(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ShapeError, match="dy has shape"):
        layer.backward(np.zeros((1, 4, 5, 6), np.float32))
