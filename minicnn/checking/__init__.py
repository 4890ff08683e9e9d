"""Checks of gradients and of the contract; NumPy alone, so that they can judge any code."""

from minicnn.checking.asserting import assert_gradients
from minicnn.checking.contract import check_layer, check_loss
from minicnn.checking.errors import CheckError
from minicnn.checking.gradcheck import gradcheck
from minicnn.checking.numerical import numerical_gradient
from minicnn.checking.report import Finding, Report, TensorResult

__all__ = [
    "CheckError",
    "Finding",
    "Report",
    "TensorResult",
    "assert_gradients",
    "check_layer",
    "check_loss",
    "gradcheck",
    "numerical_gradient",
]
