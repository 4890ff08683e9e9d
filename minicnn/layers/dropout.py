"""Dropout."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn import functional as F
from minicnn.arguments import check_number
from minicnn.functional.checks import check_float, check_shape
from minicnn.layers.base import Layer


class Dropout(Layer):
    """In training, silence a random share ``p`` of the entries (Srivastava et al. 2014).

    The others are scaled by 1 / (1 - p), so that evaluation, where nothing is silenced,
    sees the same expected values.

    Parameters
    ----------
    p
        The probability of silence, from 0 to 1.
    dtype
        Not needed: there are no parameters.
    rng
        Where the masks are drawn from.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.p = check_number("p", p, minimum=0, maximum=1)
        self.rng: np.random.Generator = np.random.default_rng() if rng is None else rng

    def forward(self, x: NDArray) -> NDArray:
        """Return x with entries silenced; in evaluation, x itself."""
        check_float(x=x)
        if not self.training:
            self._cache = x.shape, None
            return x
        keep = self.rng.random(x.shape) >= self.p
        self._cache = x.shape, keep
        return F.dropout(x, keep, self.p)

    def backward(self, dy: NDArray) -> NDArray:
        """Silence the same entries of dy."""
        shape, keep = self.cached()
        if keep is not None:
            return F.dropout_backward(dy, keep, self.p)
        check_float(dy=dy)
        check_shape("dy", dy, shape, "the shape of y")
        return dy
