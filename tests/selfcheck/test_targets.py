from __future__ import annotations

import numpy as np
import pytest

import minicnn as m
from minicnn import functional
from minicnn.backends.vectorized import conv, dropout
from minicnn.functional import activation
from minicnn.selfcheck.targets import Target, find_targets, in_force

TARGETS = {target.name: target for target in find_targets()}


def test_backward_functions_helpers_and_methods_are_found() -> None:
    assert {
        "backends.vectorized.conv.conv2d_dx",
        "backends.vectorized.conv._steps",
        "backends.loops.pooling.max_pool2d_dx",
        "backends.adjoint.dx",
        "functional.norm.batch_norm_inference_backward",
        "functional.loss.cross_entropy_backward",
        "layers.base.Layer.set_grads",
        "losses.HuberLoss.backward",
        "model.Residual.backward",
    } <= TARGETS.keys()
    assert not any("check" in name or "output_shape" in name for name in TARGETS)


def test_every_layer_and_loss_has_a_target() -> None:
    from minicnn.selfcheck.subjects import LAYERS, LOSSES

    kinds = {kind for target in TARGETS.values() for kind in target.kinds}
    assert kinds == {name.partition("-")[0] for name in (*LAYERS, *LOSSES)}


def test_targets_know_who_uses_them() -> None:
    assert TARGETS["backends.vectorized.linear.linear_dw"].kinds == ("Linear",)
    assert "Conv2d-dilated" in TARGETS["backends.vectorized.conv.conv2d_dx"].cases
    assert TARGETS["backends.loops.conv.conv2d_dx"].backend == "loops"


def test_a_helper_of_both_passes_changes_in_backward_only() -> None:
    target = TARGETS["backends.vectorized.dropout.dropout"]
    changed = target.compiled("def dropout(x, keep, p):\n    return x * 7")
    right, x = dropout.dropout, np.ones((2, 3))
    with m.use_backend("vectorized"), in_force(target, changed, m.Dropout):
        layer = m.Dropout(0.5, rng=np.random.default_rng(0))
        y = layer.forward(x)
        assert not (y == 7).any()
        np.testing.assert_array_equal(layer.backward(x), 7 * x)
        assert dropout.dropout is right
    np.testing.assert_array_equal(layer.backward(x), y)


def test_a_change_reaches_every_name_of_a_function_and_is_taken_back_after_an_error() -> None:
    target = TARGETS["functional.activation.relu_backward"]
    right = functional.relu_backward
    changed = target.compiled("def relu_backward(dy, x):\n    return 1 / 0")
    layer = m.ReLU()
    layer.forward(np.ones((2, 3)))
    with pytest.raises(ZeroDivisionError), in_force(target, changed, m.ReLU):
        layer.backward(np.ones((2, 3)))
    assert functional.relu_backward is activation.relu_backward is right
    np.testing.assert_array_equal(layer.backward(np.ones((2, 3))), 1)


def test_methods_and_inherited_backward_are_restored() -> None:
    own, base = vars(m.Linear)["backward"], vars(m.Layer)["set_grads"]
    method = TARGETS["layers.linear.Linear.backward"]
    with in_force(method, method.compiled("def backward(self, dy):\n    return 5"), m.Linear):
        assert m.Linear(2, 2).backward(None) == 5
    child = type("Child", (m.Linear,), {})
    helper = TARGETS["backends.vectorized.linear.linear_db"]
    with in_force(helper, helper.function, child):
        assert "backward" in vars(child)
    assert "backward" not in vars(child)
    assert vars(m.Linear)["backward"] is own and vars(m.Layer)["set_grads"] is base


def test_a_compiled_change_lives_in_its_module() -> None:
    target = TARGETS["backends.vectorized.conv._frame"]
    assert target.compiled("def _frame(): return COLUMN_ENTRIES")() == conv.COLUMN_ENTRIES
    assert isinstance(target, Target) and target.tree.name == "_frame"
