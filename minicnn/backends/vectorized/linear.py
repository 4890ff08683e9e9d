"""Fully connected layer as matrix products."""

from __future__ import annotations

from numpy.typing import NDArray


def linear(x: NDArray, w: NDArray, b: NDArray | None) -> NDArray:
    """Y = X W^T + b, from (N, I) to (N, O)."""
    y = x @ w.T  # (N, O)
    return y if b is None else y + b


def linear_dx(dy: NDArray, w: NDArray) -> NDArray:
    """DX = DY W, (N, I)."""
    return dy @ w


def linear_dw(dy: NDArray, x: NDArray) -> NDArray:
    """DW = DY^T X, (O, I)."""
    return dy.T @ x


def linear_db(dy: NDArray) -> NDArray:
    """db = the column sums of DY, (O,)."""
    return dy.sum(axis=0)
