"""Penalties on the weights, added to the loss: a preference for small or for few weights.

    total loss = loss(scores, target) + penalty.value(params)

They act on the weights that multiply inputs, never on biases or on the parameters of a
normalisation: those set a level or a scale, and pulling them to zero only biases the fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.functional import penalty as F

Arrays = Mapping[str, NDArray]


def penalised(params: Arrays) -> Iterator[str]:
    """Yield the names of the parameters that a penalty acts on.

    Those with two axes or more, except biases and normalisation weights. A `LayerNorm` over
    (C, H, W) has three axes too; what tells it apart is a bias of the same shape beside it.
    """
    for name, w in params.items():
        prefix, _, last = name.rpartition(".")
        bias = params.get(f"{prefix}.bias" if prefix else "bias")
        of_a_norm = bias is not None and bias.shape == w.shape
        if w.ndim >= 2 and last != "bias" and not of_a_norm:
            yield name


class ElasticNet:
    """The sum of both penalties: l1 sum |w| + l2/2 sum w^2.

    Zou and Hastie, "Regularization and Variable Selection via the Elastic Net" (2005).

    Parameters
    ----------
    l1, l2
        The strengths, at least 0.

    Raises
    ------
    ArgumentError
        If a strength is negative or not finite.
    """

    def __init__(self, l1: float, l2: float) -> None:
        self.l1 = check_number("l1", l1, minimum=0)
        self.l2 = check_number("l2", l2, minimum=0)

    def value(self, params: Arrays) -> float:
        """Return the penalty of these parameters."""
        return F.elastic_net([params[name] for name in penalised(params)], self.l1, self.l2)

    def add_gradient(self, params: Arrays, grads: Arrays) -> None:
        """Add the penalty's gradient, l1 sign(w) + l2 w, to ``grads`` in place.

        |w| has no derivative at 0; sign(0) = 0 leaves a weight there alone.

        Raises
        ------
        ShapeError
            If a gradient has another shape than its weight. Nothing is changed then.
        """
        names = list(penalised(params))
        F.elastic_net_backward(
            [grads[name] for name in names], [params[name] for name in names], self.l1, self.l2
        )

    def __repr__(self) -> str:
        return f"ElasticNet(l1={self.l1!r}, l2={self.l2!r})"


class L1(ElasticNet):
    """lam sum |w|, with gradient lam sign(w): drives weights to exactly zero (the lasso).

    Tibshirani, "Regression Shrinkage and Selection via the Lasso" (1996).
    """

    def __init__(self, lam: float) -> None:
        self.lam = check_number("lam", lam, minimum=0)
        super().__init__(self.lam, 0.0)

    def __repr__(self) -> str:
        return f"L1({self.lam!r})"


class L2(ElasticNet):
    """lam/2 sum w^2, with gradient lam w: shrinks all weights alike (ridge regression).

    The factor 1/2 is there so that ``lam`` equals the ``weight_decay`` of plain SGD.
    """

    def __init__(self, lam: float) -> None:
        self.lam = check_number("lam", lam, minimum=0)
        super().__init__(0.0, self.lam)

    def __repr__(self) -> str:
        return f"L2({self.lam!r})"
