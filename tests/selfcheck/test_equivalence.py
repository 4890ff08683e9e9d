from __future__ import annotations

import pytest

from minicnn.selfcheck.equivalence import (
    ANOTHER_SLOPE,
    DIFFERENT,
    EQUIVALENT,
    RAISES,
    Judge,
)
from minicnn.selfcheck.targets import find_targets

TARGETS = {target.name: target for target in find_targets()}
RELU = "backends.vectorized.activation.relu_dx"


def judge(name: str, body: str) -> str:
    target = TARGETS[name]
    arguments = ", ".join(argument.arg for argument in target.tree.args.args)
    source = f"def {target.function.__name__}({arguments}):\n    {body}"
    return Judge(1).compare(target, target.compiled(source))


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("return (x > 0) * dy", EQUIVALENT),
        ("return dy * (x >= 0)", ANOTHER_SLOPE),
        ("return dy * ((x > 0) + 0.5 * (x == 0)).astype(x.dtype)", ANOTHER_SLOPE),
        ("return dy * ((x > 0) + 1.5 * (x == 0))", DIFFERENT),
        ("return dy * (x > 0) * (1 + 1e-6)", DIFFERENT),
        ("return dy * (x > -0.01)", DIFFERENT),
        ("return -dy * (x > 0)", DIFFERENT),
        ("return (dy * (x > 0)).astype(np.float64)", DIFFERENT),
        ("return (dy * (x > 0))[:1]", DIFFERENT),
        ("return np.multiply(dy, x > 0, out=dy)", DIFFERENT),
        ("return dy * (x > 0) if len(x) > 1 else 1 / 0", DIFFERENT),
        ("return dy @ 1", RAISES),
    ],
)
def test_what_a_change_of_relu_does(body: str, verdict: str) -> None:
    assert judge(RELU, body) == verdict


def test_a_change_of_geometry_shows_in_few_geometries_only() -> None:
    name = "backends.vectorized.pooling.avg_pool2d_dx"
    body = (
        "share = dy / (kernel[0] * kernel[1])\n"
        "    frame = np.zeros(_frame_shape(x_shape, padding), dy.dtype)\n"
        "    for _, rows, cols in _taps(kernel, {stride}, dy.shape[2:]):\n"
        "        frame[:, :, rows, cols] += share\n"
        "    return _inside(frame, x_shape, padding)"
    )
    assert judge(name, body.format(stride="stride")) == EQUIVALENT
    assert judge(name, body.format(stride="(stride[0], stride[0])")) == DIFFERENT


def test_gradients_that_are_not_filled_show() -> None:
    assert judge("layers.base.Layer.set_grads", "pass") == RAISES  # it has no **grads
    target = TARGETS["layers.base.Layer.set_grads"]
    changed = target.compiled("def set_grads(self, **grads): pass")
    assert Judge(0).compare(target, changed) == DIFFERENT


def test_losses_are_compared_too() -> None:
    name = "backends.vectorized.loss.mse_dx"
    right = "error = scores.astype(np.float64) - target\n    "
    assert judge(name, right + "return (2 * error * dy / error.size).astype(scores.dtype)") == (
        EQUIVALENT
    )
    assert judge(name, right + "return (error * dy / error.size).astype(scores.dtype)") == DIFFERENT
