from __future__ import annotations

import itertools

import numpy as np
import pytest

from minicnn.checking.numerical import numerical_gradient
from minicnn.errors import ArgumentError
from minicnn.penalties import L1, L2, ElasticNet, penalised

# The corners of a cube: three data columns of length 1, at right angles to each other and to
# the constant. The least-squares problem 1/2 |X w + b - t|^2 falls apart into one parabola
# per unknown, with the solutions A and LEVEL, and each penalty moves each weight on its own.
X = np.array(list(itertools.product([-1.0, 1.0], repeat=3))) / np.sqrt(8)  # (8, 3)
A = np.array([2.0, -0.7, 0.3])
LEVEL = 5.0


def _descend(penalty: ElasticNet, steps: int = 4000, lr: float = 0.02) -> np.ndarray:
    target = X @ A + LEVEL
    params = {"weight": np.zeros((1, 3)), "bias": np.zeros(1)}
    grads = {"weight": np.zeros((1, 3)), "bias": np.zeros(1)}
    for step in range(steps):
        error = X @ params["weight"][0] + params["bias"] - target
        grads["weight"][...] = error @ X
        grads["bias"][...] = error.sum()
        penalty.add_gradient(params, grads)
        for name, w in params.items():
            w -= lr * (1 - step / steps) * grads[name]
    assert params["bias"][0] == pytest.approx(LEVEL, abs=1e-9)  # never penalised
    return params["weight"][0]


def test_l1_ends_at_the_soft_threshold() -> None:
    lam = 0.5
    expected = np.sign(A) * np.maximum(np.abs(A) - lam, 0)  # 1.5, -0.2, 0
    np.testing.assert_allclose(_descend(L1(lam)), expected, atol=1e-4)


def test_l2_ends_at_ridge() -> None:
    lam = 0.5
    np.testing.assert_allclose(_descend(L2(lam)), A / (1 + lam), atol=1e-9)


def test_elastic_net_ends_at_the_shrunken_soft_threshold() -> None:
    l1, l2 = 0.5, 0.25
    expected = np.sign(A) * np.maximum(np.abs(A) - l1, 0) / (1 + l2)
    np.testing.assert_allclose(_descend(ElasticNet(l1, l2)), expected, atol=1e-4)


def _params(dtype: type = np.float64) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {
        "0.weight": (4, 2, 3, 3),
        "0.bias": (4,),
        "1.weight": (4,),
        "1.bias": (4,),
        "2.main.0.weight": (5, 4),
        "2.main.0.bias": (5,),
        "3.weight": (4, 3, 3),  # a LayerNorm over (C, H, W)
        "3.bias": (4, 3, 3),
    }
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def test_values_are_the_equations() -> None:
    params = _params()
    weights = np.concatenate([params[n].ravel() for n in ("0.weight", "2.main.0.weight")])
    assert L1(0.3).value(params) == pytest.approx(0.3 * np.abs(weights).sum(), rel=1e-14)
    assert L2(0.3).value(params) == pytest.approx(0.15 * (weights**2).sum(), rel=1e-14)
    assert ElasticNet(0.3, 0.7).value(params) == pytest.approx(
        L1(0.3).value(params) + L2(0.7).value(params), rel=1e-14
    )
    assert type(L1(0.3).value(params)) is float


def test_only_weights_are_penalised() -> None:
    assert list(penalised(_params())) == ["0.weight", "2.main.0.weight"]
    # A layer on its own has no prefix in its names.
    assert list(penalised({"weight": np.ones((3, 2)), "bias": np.ones(3)})) == ["weight"]
    assert list(penalised({"weight": np.ones((3, 2)), "bias": np.ones((3, 2))})) == []
    assert list(penalised({"filters": np.ones((3, 2)), "gain": np.ones(3)})) == ["filters"]


@pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3), ElasticNet(0.3, 0.7)], ids=repr)
def test_gradients_agree_with_central_differences(penalty: ElasticNet) -> None:
    params = _params()
    grads = {name: np.zeros_like(w) for name, w in params.items()}
    penalty.add_gradient(params, grads)
    for name, w in params.items():
        expected = numerical_gradient(lambda _: penalty.value(params), w)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_are_added_in_place(dtype: type) -> None:
    params = _params(dtype)
    grads = {name: np.full_like(w, 10) for name, w in params.items()}
    arrays = dict(grads)
    before = {name: w.copy() for name, w in params.items()}
    ElasticNet(0.5, 2).add_gradient(params, grads)
    for name, g in grads.items():
        assert g is arrays[name]
        assert g.dtype == dtype
        assert (params[name] == before[name]).all()
        changed = name in ("0.weight", "2.main.0.weight")
        w = params[name]
        np.testing.assert_allclose(
            g, 10 + changed * (0.5 * np.sign(w) + 2 * w), rtol=1e-6, atol=1e-6
        )


def test_l1_leaves_a_weight_at_zero_alone() -> None:
    params, grads = {"weight": np.zeros((2, 2))}, {"weight": np.zeros((2, 2))}
    L1(0.3).add_gradient(params, grads)
    assert (grads["weight"] == 0).all()


@pytest.mark.parametrize("wrong", [-1e-9, float("nan"), float("inf"), "0.1", None])
def test_bad_strengths_are_refused(wrong: float) -> None:
    for make in (L1, L2):
        with pytest.raises(ArgumentError, match="lam is"):
            make(wrong)
    with pytest.raises(ArgumentError, match="l1 is"):
        ElasticNet(wrong, 0)
    with pytest.raises(ArgumentError, match="l2 is"):
        ElasticNet(0, wrong)


def test_repr_says_how_to_make_one() -> None:
    assert repr(L1(0.5)) == "L1(0.5)"
    assert repr(L2(1)) == "L2(1.0)"
    assert repr(ElasticNet(0.5, 1)) == "ElasticNet(l1=0.5, l2=1.0)"
