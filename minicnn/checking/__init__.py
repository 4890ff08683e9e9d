"""Checks of gradients and of the contract; NumPy alone, so that they can judge any code."""

from minicnn.checking.contract import check_layer, check_loss
from minicnn.checking.numerical import numerical_gradient

__all__ = ["check_layer", "check_loss", "numerical_gradient"]
