"""The steps of the optimizers: weights w change in place, given their gradients g.

w, g and the arrays that a rule keeps beside each weight come as lists with one array per
parameter, so that a backend may treat a whole network at once; an array alone is taken as
a list of one. The equations are those in the docstrings of `minicnn.optimizers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ShapeError

Arrays = NDArray | Sequence[NDArray]


def sgd(
    w: Arrays,
    g: Arrays,
    velocity: Arrays | None,
    *,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None:
    """Do one step of `minicnn.optimizers.SGD`; ``velocity`` is None without momentum."""
    w, g, velocity = _lists(w, g, velocity)
    kernels("optimizer").sgd(w, g, velocity, lr, momentum, nesterov, weight_decay)


def adam(
    w: Arrays,
    g: Arrays,
    mean: Arrays,
    mean_square: Arrays,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    t: int,
) -> None:
    """Do step t = 1, 2, ... of `minicnn.optimizers.Adam`, or decoupled of `AdamW`."""
    w, g, mean, mean_square = _lists(w, g, mean, mean_square)
    kernels("optimizer").adam(w, g, mean, mean_square, lr, betas, eps, weight_decay, decoupled, t)


def rmsprop(
    w: Arrays,
    g: Arrays,
    mean_square: Arrays,
    mean: Arrays | None,
    velocity: Arrays | None,
    *,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """Do one step of `minicnn.optimizers.RMSprop`.

    ``mean`` is None unless it is centred, ``velocity`` is None without momentum.
    """
    w, g, mean_square, mean, velocity = _lists(w, g, mean_square, mean, velocity)
    kernels("optimizer").rmsprop(
        w, g, mean_square, mean, velocity, lr, alpha, eps, momentum, weight_decay
    )


def adagrad(
    w: Arrays,
    g: Arrays,
    sum_of_squares: Arrays,
    *,
    lr: float,
    lr_decay: float,
    eps: float,
    weight_decay: float,
    t: int,
) -> None:
    """Do step t = 1, 2, ... of `minicnn.optimizers.Adagrad`."""
    w, g, sum_of_squares = _lists(w, g, sum_of_squares)
    kernels("optimizer").adagrad(w, g, sum_of_squares, lr, lr_decay, eps, weight_decay, t)


def _lists(w: Arrays, *others: Arrays | None) -> Any:
    """Return lists of arrays of equal shapes, role by role."""
    lists = [None if a is None else [a] if isinstance(a, np.ndarray) else a for a in (w, *others)]
    shapes = [a.shape for a in lists[0] or ()]
    for role in lists[1:]:
        if role is not None and [a.shape for a in role] != shapes:
            raise ShapeError(
                f"weights of shapes {shapes} came with arrays of shapes {[a.shape for a in role]}; "
                "give each weight a gradient, and whatever is kept beside it, of its own shape"
            )
    return lists
