"""What every compiled function promises beside its equation.

Each function is called on arrays large enough to be cut into many pieces, with more
samples and channels than a block holds and numbers that no block divides.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minicnn.backends.vectorized import pooling as vectorized
from tests.backends.spellings import call, strided

numba = pytest.importorskip("numba", reason="the compiled backend needs numba")
threads = importlib.import_module("minicnn.backends.compiled.threads")

RNG = np.random.default_rng(7)
ONE, TWO, NONE = (1, 1), (2, 2), (0, 0)


def normal(*shape: int) -> NDArray:
    return RNG.standard_normal(shape).astype(np.float32)


X, W = normal(9, 6, 11, 10), normal(34, 3, 3, 2)
DY = normal(9, 34, 5, 6)  # of a convolution of X with W, stride (2, 2), padding (1, 1), 2 groups
GEOMETRY = ((2, 2), (1, 1), (1, 1), 2)
SMALL = normal(34, 6, 3, 3)  # a second convolution, of stride 1
DY_SMALL = normal(9, 34, 11, 10)
POOLED, WINNERS = vectorized.max_pool2d(X, (3, 2), (2, 1), ONE)  # overlapping windows
FOURS, FOURS_WINNERS = vectorized.max_pool2d(X, TWO, TWO, NONE)
ROWS, MATRIX = normal(70, 131), normal(103, 131)
DROWS = normal(70, 103)
SCORES, CLASSES = normal(50, 7), RNG.integers(0, 7, 50)
BITS = (normal(50, 7) > 0).astype(np.float32)
CHANNEL, OTHER = normal(6), normal(6)
ENTRY = normal(6, 11, 10)
MEAN, VAR = RNG.standard_normal(6), RNG.random(6) + 0.5
MEANS, VARS = RNG.standard_normal((9, 2)), RNG.random((9, 2)) + 0.5
KEEP = RNG.random(X.shape) < 0.7
MATRICES = normal(9, 2, 3)

CALLS: dict[str, tuple[Any, ...]] = {
    "conv.conv2d": (X, W, normal(34), *GEOMETRY),
    "conv.conv2d_dx": (DY, W, X.shape, *GEOMETRY),
    "conv.conv2d_dw": (DY, X, W.shape, *GEOMETRY),
    "conv.conv2d_db": (DY,),
    "conv.conv2d stride 1": (X, SMALL, None, ONE, ONE, ONE, 1),
    "conv.conv2d_dx stride 1": (DY_SMALL, SMALL, X.shape, ONE, ONE, ONE, 1),
    "conv.conv2d_dw stride 1": (DY_SMALL, X, SMALL.shape, ONE, ONE, ONE, 1),
    "conv_transpose.conv_transpose2d": (DY, W, normal(6), TWO, ONE, ONE, 2, ONE),
    "conv_transpose.conv_transpose2d_dx": (X, W, DY.shape, TWO, ONE, 2, ONE),
    "conv_transpose.conv_transpose2d_dw": (X, DY, W.shape, TWO, ONE, 2, ONE),
    "conv_transpose.conv_transpose2d_db": (X,),
    "pooling.max_pool2d": (X, (3, 2), (2, 1), ONE),
    "pooling.max_pool2d in fours": (X, TWO, TWO, NONE),
    "pooling.max_pool2d_dx": (POOLED, WINNERS, X.shape, (3, 2), (2, 1), ONE),
    "pooling.max_pool2d_dx in fours": (FOURS, FOURS_WINNERS, X.shape, TWO, TWO, NONE),
    "pooling.avg_pool2d": (X, (3, 2), (2, 1), ONE),
    "pooling.avg_pool2d_dx": (POOLED, X.shape, (3, 2), (2, 1), ONE),
    "pooling.global_avg_pool2d": (X,),
    "pooling.global_avg_pool2d_dx": (normal(9, 6), X.shape),
    "linear.linear": (ROWS, MATRIX, normal(103)),
    "linear.linear_dx": (DROWS, MATRIX),
    "linear.linear_dw": (DROWS, ROWS),
    "linear.linear_db": (DROWS,),
    "activation.relu": (X,),
    "activation.relu_dx": (X, X[::-1].copy()),
    "activation.leaky_relu": (X, 0.1),
    "activation.leaky_relu_dx": (X, X[::-1].copy(), 0.1),
    "activation.sigmoid": (X,),
    "activation.sigmoid_dx": (X, X[::-1].copy()),
    "activation.tanh": (X,),
    "activation.tanh_dx": (X, X[::-1].copy()),
    "activation.gelu": (X,),
    "activation.gelu_dx": (X, X[::-1].copy()),
    "activation.softmax": (X, 1),
    "activation.softmax_dx": (X, X[::-1].copy(), 1),
    "norm.batch_norm": (X, CHANNEL, OTHER, 1e-5),
    "norm.batch_norm_dx": (X, X[::-1].copy(), CHANNEL, MEAN, VAR, 1e-5),
    "norm.batch_norm_inference": (X, CHANNEL, OTHER, MEAN, VAR, 1e-5),
    "norm.batch_norm_inference_dx": (X, X[::-1].copy(), CHANNEL, MEAN, VAR, 1e-5),
    "norm.layer_norm": (X, ENTRY, ENTRY[::-1].copy(), 1e-5),
    "norm.layer_norm_dx": (X, X[::-1].copy(), ENTRY, MEANS[:, 0], VARS[:, 0], 1e-5),
    "norm.group_norm": (X, 2, CHANNEL, OTHER, 1e-5),
    "norm.group_norm_dx": (X, X[::-1].copy(), 2, CHANNEL, MEANS, VARS, 1e-5),
    "dropout.dropout": (X, KEEP, 0.3),
    "dropout.dropout_dx": (X, KEEP, 0.3),
    "loss.cross_entropy": (SCORES, CLASSES, normal(7) ** 2, 3, 0.1),
    "loss.cross_entropy_dx": (SCORES, CLASSES, normal(7) ** 2, 3, 0.1, 1.0),
    "loss.bce_with_logits": (SCORES, BITS, normal(7) ** 2, normal(50, 1) ** 2),
    "loss.bce_with_logits_dx": (SCORES, BITS, normal(7) ** 2, normal(50, 1) ** 2, 1.0),
    "loss.mse": (SCORES, BITS),
    "loss.mse_dx": (SCORES, BITS, 1.0),
    "loss.huber": (SCORES, BITS, 0.7),
    "loss.huber_dx": (SCORES, BITS, 0.7, 1.0),
    "warp.affine_warp": (X, MATRICES),
}
# The first argument is not a batch: the samples stand in the second one, or nowhere.
WITHOUT_BATCH = ("loss.", "conv_transpose.conv_transpose2d_dw")


def lookup(name: str) -> Callable[..., Any]:
    module, function = name.split()[0].split(".")
    return getattr(importlib.import_module(f"minicnn.backends.compiled.{module}"), function)


def bits(result: Any) -> list[bytes]:
    results = result if isinstance(result, tuple) else (result,)
    return [np.asarray(r).tobytes() for r in results]


@pytest.fixture
def always_in_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Cut even little work into ranges, for as many threads as asked for."""
    monkeypatch.setattr(threads, "WORTHWHILE", 0.0)

    def ask_for(count: int) -> None:
        monkeypatch.setattr(numba, "get_num_threads", lambda: count)

    yield ask_for


@pytest.mark.parametrize("name", CALLS)
def test_bits_do_not_depend_on_the_number_of_threads(
    name: str, always_in_pieces: Callable[[int], None]
) -> None:
    results = []
    for count in (1, 2, 3):
        always_in_pieces(count)
        results.append(bits(lookup(name)(*CALLS[name])))
    assert results[0] == results[1] == results[2]


def test_numba_sets_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    monkeypatch.setattr(threads, "WORTHWHILE", 0.0)
    before = numba.get_num_threads()
    try:
        results = []
        for count in (1, before):
            numba.set_num_threads(count)
            results.append(bits(lookup("conv.conv2d_dw")(*CALLS["conv.conv2d_dw"])))
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]


@pytest.mark.parametrize("name", CALLS)
def test_any_memory_layout_gives_the_same_bits(name: str) -> None:
    expected = bits(call(lookup(name), *CALLS[name]))
    spread = [strided(a) if isinstance(a, np.ndarray) else a for a in CALLS[name]]
    assert bits(call(lookup(name), *spread)) == expected


@pytest.mark.parametrize("name", CALLS)
def test_read_only_arrays_are_accepted_without_compiling_again(name: str) -> None:
    function = lookup(name)
    expected = bits(function(*CALLS[name]))
    module = importlib.import_module(function.__module__)
    compiled = [k for k in vars(module).values() if isinstance(k, numba.core.dispatcher.Dispatcher)]
    versions = [len(k.signatures) for k in compiled]
    locked = [a.copy() if isinstance(a, np.ndarray) else a for a in CALLS[name]]
    for a in locked:
        if isinstance(a, np.ndarray):
            a.flags.writeable = False
    assert bits(function(*locked)) == expected
    assert [len(k.signatures) for k in compiled] == versions


@pytest.mark.parametrize("name", CALLS)
def test_results_are_contiguous_and_of_the_input_dtype(name: str) -> None:
    for dtype in (np.float32, np.float64):
        arguments = [
            a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype == np.float32 else a
            for a in CALLS[name]
        ]
        result = lookup(name)(*arguments)
        first = result[0] if isinstance(result, tuple) else result
        if isinstance(first, np.ndarray):
            assert first.dtype == dtype
            assert first.flags.carray
        else:
            assert isinstance(first, float)


@pytest.mark.parametrize("name", [n for n in CALLS if not n.startswith(WITHOUT_BATCH)])
def test_an_empty_batch_gives_empty_results(name: str) -> None:
    batch = len(CALLS[name][0])
    arguments = []
    for a in CALLS[name]:
        if isinstance(a, np.ndarray) and len(a) == batch:
            a = a[:0]
        elif isinstance(a, tuple) and len(a) == 4 and a[0] == batch:
            a = (0, *a[1:])
        arguments.append(a)
    full, result = lookup(name)(*CALLS[name]), lookup(name)(*arguments)
    pairs = zip(full, result, strict=True) if isinstance(full, tuple) else [(full, result)]
    for whole, empty in pairs:
        if len(whole) == batch:
            assert empty.shape == (0, *whole.shape[1:])
        else:  # a sum over no samples
            assert empty.shape == whole.shape
            assert name == "norm.batch_norm" or not empty.any()


@pytest.mark.parametrize(
    "name",
    [
        "activation.relu",
        "activation.leaky_relu",
        "activation.sigmoid",
        "activation.tanh",
        "activation.gelu",
        "pooling.max_pool2d",
        "pooling.max_pool2d in fours",
        "pooling.avg_pool2d",
        "pooling.global_avg_pool2d",
        "conv.conv2d",
        "conv.conv2d stride 1",
        "linear.linear",
        "norm.batch_norm_inference",
        "dropout.dropout",
        "warp.affine_warp",
    ],
)
def test_nan_and_infinity_are_not_lost(name: str) -> None:
    clean, arguments = CALLS[name][0], CALLS[name][1:]
    for value in (np.nan, np.inf):
        x = np.zeros_like(clean)
        x[4] = value
        y = lookup(name)(x, *arguments)
        y = y[0] if isinstance(y, tuple) else y
        dropped = name == "dropout.dropout"
        hit = y[4][KEEP[4]] if dropped else y[4]
        if np.isnan(value) or name.startswith(("conv", "linear")):
            assert not np.isfinite(hit).any(), value
        else:
            assert not np.isfinite(hit).all() or name in ("activation.sigmoid", "activation.tanh")
        assert np.isfinite(np.delete(y, 4, axis=0)).all()
