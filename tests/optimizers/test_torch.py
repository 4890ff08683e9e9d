"""Fifty steps of every rule beside torch.optim, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn import optimizers

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")

SGD_CASES: list[dict[str, Any]] = [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.1},
    {"lr": 0.05, "momentum": 0.9},
    {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
    {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
]
ADAM_CASES: list[dict[str, Any]] = [
    {},
    {"lr": 0.1, "weight_decay": 0.1},
    {"lr": 0.1, "weight_decay": 0.0},
    {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.02},
    {"lr": 0.05, "betas": (0.0, 0.5)},
]
RMSPROP_CASES: list[dict[str, Any]] = [
    {},
    {"lr": 0.05, "weight_decay": 0.1},
    {"lr": 0.05, "alpha": 0.9, "eps": 1e-3},
    {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
    {"lr": 0.05, "centered": True},
    {"lr": 0.05, "centered": True, "momentum": 0.5, "weight_decay": 0.1, "alpha": 0.8},
]
ADAGRAD_CASES: list[dict[str, Any]] = [
    {},
    {"lr": 0.1, "weight_decay": 0.1},
    {"lr": 0.1, "lr_decay": 0.1},
    {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3},
]
CASES = [
    (name, options)
    for name, cases in [
        ("SGD", SGD_CASES),
        ("Adam", ADAM_CASES),
        ("AdamW", ADAM_CASES),
        ("RMSprop", RMSPROP_CASES),
        ("Adagrad", ADAGRAD_CASES),
    ]
    for options in cases
]


class Model:
    """A weight and a bias."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.params = {"weight": rng.normal(size=(4, 3)), "bias": rng.normal(size=4)}
        self.grads = {name: np.zeros_like(w) for name, w in self.params.items()}


@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=[f"{n}-{'-'.join(map(str, o)) or 'plain'}" for n, o in CASES]
)
def test_fifty_steps_equal_torchs(name: str, options: dict[str, Any]) -> None:
    model = Model()
    ours = getattr(optimizers, name)(model, **options)
    tensors = [torch.tensor(w.copy(), requires_grad=True) for w in model.params.values()]
    theirs = getattr(torch.optim, name)(tensors, **options)
    rng = np.random.default_rng(1)
    for step in range(50):
        # A bowl with noise, so that the gradients depend on where the steps led; one entry
        # gets no gradient for a while, where eps matters.
        noise = [rng.normal(size=w.shape) for w in model.params.values()]
        noise[0][0, 0] = 0
        for (key, w), tensor, extra in zip(model.params.items(), tensors, noise, strict=True):
            model.grads[key][...] = w + extra
            tensor.grad = tensor.detach() + torch.tensor(extra)
            if step < 10 and key == "weight":
                model.grads[key][0, 0] = 0
                tensor.grad[0, 0] = 0
        if step == 30:  # a schedule at work
            ours.lr *= 0.3
            theirs.param_groups[0]["lr"] *= 0.3
        ours.step()
        theirs.step()
    for w, tensor in zip(model.params.values(), tensors, strict=True):
        np.testing.assert_allclose(w, tensor.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_adamws_default_decay_is_torchs() -> None:
    tensor = torch.zeros(1, requires_grad=True)
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"):
        group = getattr(torch.optim, name)([tensor], lr=0.1).param_groups[0]
        ours = getattr(optimizers, name)(Model(), 0.1)
        for key, value in {**ours.options(), "weight_decay": ours.weight_decay}.items():
            assert group[key] == value, (name, key)


@pytest.mark.parametrize("centered", [False, True])
def test_a_constant_gradient_keeps_rmsprop_finite(centered: bool) -> None:
    # Centred, the variance of a constant is zero and rounding may push it below.
    model = Model()
    optimizer = optimizers.RMSprop(model, alpha=0.5, centered=centered, eps=1e-3)
    for name, g in model.grads.items():
        g[...] = np.linspace(0.1, 0.7, g.size).reshape(model.params[name].shape)
    for _ in range(200):
        optimizer.step()
    assert all(np.isfinite(w).all() for w in model.params.values())
