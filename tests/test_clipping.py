from __future__ import annotations

import numpy as np
import pytest

from minicnn.clipping import clip_grad_norm, clip_grad_value
from minicnn.errors import ArgumentError, DivergedError


def _grads(dtype: type = np.float64, scale: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "weight": (scale * rng.normal(size=(4, 3))).astype(dtype),
        "bias": (scale * rng.normal(size=4)).astype(dtype),
    }


def _norm(grads: dict[str, np.ndarray]) -> float:
    return float(np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_long_gradient_is_shortened_in_place(dtype: type) -> None:
    grads = _grads(dtype)
    arrays, before = dict(grads), {k: g.copy() for k, g in grads.items()}
    norm = clip_grad_norm(grads, 0.5)
    assert norm == pytest.approx(_norm(before), rel=1e-6)
    assert _norm(grads) == pytest.approx(0.5, rel=1e-5)
    for name, g in grads.items():
        assert g is arrays[name]
        assert g.dtype == dtype
        np.testing.assert_allclose(g, before[name] * (0.5 / norm), rtol=1e-5)


def test_a_short_gradient_passes_untouched() -> None:
    grads = _grads()
    before = {k: g.copy() for k, g in grads.items()}
    assert clip_grad_norm(grads, 100) == pytest.approx(_norm(before))
    assert all((grads[k] == before[k]).all() for k in grads)
    assert clip_grad_norm({"weight": np.zeros(3)}, 1) == 0


def test_float32_does_not_overflow_in_the_norm() -> None:
    grads = {"weight": np.full((3, 3), 1e30, np.float32)}
    assert clip_grad_norm(grads, 3.0) == pytest.approx(3e30, rel=1e-6)
    np.testing.assert_allclose(grads["weight"], 1, rtol=1e-6)


def test_entries_are_clipped_in_place() -> None:
    grads = {"weight": np.array([[-3.0, 0.2], [0.5, np.inf]]), "bias": np.array([-0.6])}
    weight = grads["weight"]
    clip_grad_value(grads, 0.5)
    assert grads["weight"] is weight
    assert weight.tolist() == [[-0.5, 0.2], [0.5, 0.5]]
    assert grads["bias"].tolist() == [-0.5]


def test_both_equal_torchs() -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    for limit in (0.5, 2.0, 50.0):
        grads = _grads(scale=2)
        tensors = [torch.zeros(g.shape, dtype=torch.float64) for g in grads.values()]
        for ours, theirs in [
            (clip_grad_norm, torch.nn.utils.clip_grad_norm_),
            (clip_grad_value, torch.nn.utils.clip_grad_value_),
        ]:
            grads = _grads(scale=2)
            for tensor, g in zip(tensors, grads.values(), strict=True):
                tensor.grad = torch.tensor(g)
            mine, reference = ours(grads, limit), theirs(tensors, limit)
            if reference is not None:
                assert mine == pytest.approx(reference.item(), rel=1e-12)
            for tensor, g in zip(tensors, grads.values(), strict=True):
                np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_named_and_nothing_changes(bad: float) -> None:
    grads = _grads()
    before = grads["weight"].copy()
    grads["bias"][1:3] = bad
    with pytest.raises(DivergedError, match="gradient of 'bias' holds 2 of 4 entries"):
        clip_grad_norm(grads, 0.1)
    if np.isnan(bad):
        with pytest.raises(DivergedError, match="gradient of 'bias'"):
            clip_grad_value(grads, 0.1)
    assert (grads["weight"] == before).all()


def test_a_norm_beyond_float64_is_said() -> None:
    with pytest.raises(DivergedError, match="overflows"):
        clip_grad_norm({"weight": np.full(3, 1e300)}, 1.0)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "1"])
def test_bad_limits(wrong: float) -> None:
    with pytest.raises(ArgumentError, match="max_norm is"):
        clip_grad_norm(_grads(), wrong)
    with pytest.raises(ArgumentError, match="clip_value is"):
        clip_grad_value(_grads(), wrong)
