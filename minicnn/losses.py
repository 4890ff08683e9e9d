"""Losses as objects: ``loss.forward(scores, target)`` is a number, ``backward`` its gradient.

    value   = loss.forward(scores, target)
    dscores = loss.backward()        the gradient of the scores, where backpropagation starts

The equations and the checks are in `minicnn.functional.loss`; an object holds the options
and what the last forward pass was given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import StateError
from minicnn.functional import loss as F
from minicnn.functional import loss_checks as checks


class Loss:
    """Base class of the losses: keeps the arguments of the last forward pass."""

    def __init__(self) -> None:
        self._cache: tuple[NDArray, ArrayLike] | None = None

    def forward(self, scores: NDArray, target: ArrayLike) -> float:
        """Compute the loss and keep what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return the gradient of the scores, times ``dy``; may be called repeatedly."""
        raise NotImplementedError

    def __call__(self, scores: NDArray, target: ArrayLike) -> float:
        """Do the same as `forward`."""
        return self.forward(scores, target)

    def cached(self) -> tuple[NDArray, ArrayLike]:
        """Return the scores and targets of the last forward pass."""
        if self._cache is None:
            raise StateError(
                f"{type(self).__name__}.backward was called before forward; "
                "run forward(scores, target) first, so that there is something to differentiate"
            )
        return self._cache

    def options(self) -> dict[str, Any]:
        """Return the options by the names they have in `minicnn.functional.loss`."""
        return {}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_brief(value)}" for name, value in self.options().items())
        return f"{type(self).__name__}({shown})"


class CrossEntropyLoss(Loss):
    """Cross-entropy of a softmax over the classes: one right class per example.

    See `minicnn.functional.loss.cross_entropy` for the equation. An untrained classifier
    should start near log(C).

    Parameters
    ----------
    weight
        (C,) weights of the classes; the mean divides by the summed weights of the targets.
    ignore_index
        A target to leave out.
    label_smoothing
        Between 0 and 1.

    Examples
    --------
    >>> loss = CrossEntropyLoss()
    >>> round(loss(np.zeros((4, 10)), np.array([0, 1, 2, 3])), 4)  # log(10)
    2.3026
    """

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = checks.check_class_weight(weight)
        self.ignore_index = checks.check_ignore_index(ignore_index)
        self.label_smoothing = checks.check_label_smoothing(label_smoothing)

    def forward(self, scores: NDArray, target: ArrayLike) -> float:
        """Compute the loss of scores (N, C, ...) against class indices (N, ...)."""
        value = F.cross_entropy(scores, target, **self.options())
        self._cache = scores, target
        return value

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return the gradient of the scores (N, C, ...), times ``dy``."""
        return F.cross_entropy_backward(dy, *self.cached(), **self.options())

    def options(self) -> dict[str, Any]:
        """Return weight, ignore_index and label_smoothing."""
        return {
            "weight": self.weight,
            "ignore_index": self.ignore_index,
            "label_smoothing": self.label_smoothing,
        }


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of a sigmoid for each label: any number of labels may hold.

    See `minicnn.functional.loss.bce_with_logits` for the equation.

    Parameters
    ----------
    weight
        Factors of the entries, broadcast to the scores.
    pos_weight
        Factors of the positive term, as a rule (L,): negatives / positives of each label.
    """

    def __init__(
        self, weight: ArrayLike | None = None, *, pos_weight: ArrayLike | None = None
    ) -> None:
        super().__init__()
        self.weight = checks.check_weights("weight", weight)
        self.pos_weight = checks.check_weights("pos_weight", pos_weight)

    def forward(self, scores: NDArray, target: ArrayLike) -> float:
        """Compute the loss of scores against targets in [0, 1] of the same shape."""
        value = F.bce_with_logits(scores, target, **self.options())
        self._cache = scores, target
        return value

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return the gradient of the scores, times ``dy``."""
        return F.bce_with_logits_backward(dy, *self.cached(), **self.options())

    def options(self) -> dict[str, Any]:
        """Return weight and pos_weight."""
        return {"weight": self.weight, "pos_weight": self.pos_weight}


class MSELoss(Loss):
    """Mean squared error over all entries."""

    def forward(self, scores: NDArray, target: ArrayLike) -> float:
        """Compute mean((scores - target)^2)."""
        value = F.mse(scores, target)
        self._cache = scores, target
        return value

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return the gradient of the scores, times ``dy``."""
        return F.mse_backward(dy, *self.cached())


class HuberLoss(Loss):
    """Mean Huber loss over all entries: squared for small errors, linear for large ones.

    Parameters
    ----------
    delta
        The error at which it turns linear.
    """

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = checks.check_delta(delta)

    def forward(self, scores: NDArray, target: ArrayLike) -> float:
        """Compute the loss of scores against targets of the same shape."""
        value = F.huber(scores, target, **self.options())
        self._cache = scores, target
        return value

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return the gradient of the scores, times ``dy``."""
        return F.huber_backward(dy, *self.cached(), **self.options())

    def options(self) -> dict[str, Any]:
        """Return delta."""
        return {"delta": self.delta}


def _brief(value: Any) -> str:
    """Spell an option for ``repr``; a long array by its shape."""
    if isinstance(value, np.ndarray):
        return repr(value.tolist()) if value.size <= 8 else f"<array {value.shape}>"
    return repr(value)
