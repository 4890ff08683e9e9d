from __future__ import annotations

import math

import numpy as np
import pytest

from minicnn import initializers as init
from minicnn.errors import ArgumentError, ShapeError

CONV = (64, 32, 3, 5)  # fan-in 480, fan-out 960, 30,720 numbers
LINEAR = (160, 240)

# name -> (standard deviation, largest size or None), from the fans
LAWS = {
    "he_normal": lambda i, o: (math.sqrt(2 / i), None),
    "he_uniform": lambda i, o: (math.sqrt(2 / i), math.sqrt(6 / i)),
    "glorot_normal": lambda i, o: (math.sqrt(2 / (i + o)), None),
    "glorot_uniform": lambda i, o: (math.sqrt(2 / (i + o)), math.sqrt(6 / (i + o))),
    "uniform_fan_in": lambda i, o: (math.sqrt(1 / (3 * i)), math.sqrt(1 / i)),
}


@pytest.mark.parametrize("shape", [CONV, LINEAR])
@pytest.mark.parametrize("name", LAWS)
def test_spread_and_bounds(name: str, shape: tuple[int, ...]) -> None:
    std, bound = LAWS[name](math.prod(shape[1:]), shape[0] * math.prod(shape[2:]))
    w = getattr(init, name)(shape, np.random.default_rng(0), np.float64)
    # The mean of n numbers strays by std / sqrt(n), their deviation by less than that.
    stray = 4 * std / math.sqrt(w.size)
    assert abs(w.mean()) < stray
    assert abs(w.std() - std) < stray
    if bound is not None:
        assert abs(w).max() <= bound
        assert abs(w).max() > 0.999 * bound
    else:
        assert abs(w).max() > 3.5 * std  # tails, as a normal distribution has


def test_fans_are_counted_as_torch_counts_them() -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    count = torch.nn.init._calculate_fan_in_and_fan_out
    for shape in [(5, 7), (6, 2, 3, 5), (8, 1, 3, 3)]:
        assert init.fans(shape) == count(torch.empty(shape))


def test_uniform_fan_in_is_torchs_default() -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    theirs = torch.nn.Conv2d(32, 256, 3).weight.detach().numpy()
    ours = init.uniform_fan_in(theirs.shape, np.random.default_rng(0))
    assert abs(ours).max() == pytest.approx(abs(theirs).max(), rel=1e-3)


@pytest.mark.parametrize("shape", [(6, 10), (10, 6), (7, 7), (8, 3, 3, 3), (40, 2, 3, 3), (1, 5)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = init.orthogonal(shape, np.random.default_rng(0), np.float64, gain=3)
    assert w.shape == shape
    matrix = w.reshape(shape[0], -1)
    small = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(small, 9 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_matrices_point_everywhere() -> None:
    # Without the sign correction LAPACK's first entry is negative far more often than not.
    rng = np.random.default_rng(0)
    corner = np.array([init.orthogonal((3, 3), rng, np.float64)[0, 0] for _ in range(1000)])
    assert abs(corner.mean()) < 0.08  # its deviation is 1/sqrt(3)/sqrt(1000) = 0.018
    assert corner.std() == pytest.approx(1 / math.sqrt(3), abs=0.04)


def test_plain_distributions() -> None:
    rng = np.random.default_rng(0)
    w = init.normal((200, 200), rng, np.float64, mean=2, std=0.5)
    assert w.mean() == pytest.approx(2, abs=0.01)
    assert w.std() == pytest.approx(0.5, abs=0.01)
    w = init.uniform((200, 200), rng, np.float64, low=-1, high=3)
    assert -1 <= w.min() < -0.999
    assert 2.999 < w.max() <= 3
    assert w.mean() == pytest.approx(1, abs=0.03)
    assert (init.normal((3,), rng, std=0) == 0).all()
    assert (init.zeros((3,)) == 0).all()
    assert (init.ones((2, 3)) == 1).all()


ALL = [*LAWS, "orthogonal", "normal", "uniform", "zeros", "ones"]


@pytest.mark.parametrize("name", ALL)
def test_the_common_interface(name: str) -> None:
    f = getattr(init, name)
    w = f((6, 4, 3, 3), np.random.default_rng(1))
    assert w.dtype == np.float32
    assert w.shape == (6, 4, 3, 3)
    assert w.flags.c_contiguous
    assert w.flags.writeable
    again = f((6, 4, 3, 3), np.random.default_rng(1))
    assert (w == again).all()
    double = f((6, 4, 3, 3), np.random.default_rng(1), np.float64)
    assert double.dtype == np.float64
    assert (double.astype(np.float32) == w).all()
    if name not in ("zeros", "ones"):
        assert (w != f((6, 4, 3, 3), np.random.default_rng(2))).any()


@pytest.mark.parametrize("shape", [(), (4,), (4, 0), (0, 4)])
@pytest.mark.parametrize("name", [*LAWS, "orthogonal"])
def test_shapes_without_fans_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="no fan-in"):
        getattr(init, name)(shape, np.random.default_rng(0))


def test_bad_arguments() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ArgumentError, match="std is -1"):
        init.normal((3,), rng, std=-1)
    with pytest.raises(ArgumentError, match="mean is nan"):
        init.normal((3,), rng, mean=float("nan"))
    with pytest.raises(ArgumentError, match="low is 2 and high is 1"):
        init.uniform((3,), rng, low=2, high=1)
    with pytest.raises(ArgumentError, match="gain is inf"):
        init.orthogonal((3, 3), rng, gain=float("inf"))
