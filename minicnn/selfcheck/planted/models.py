"""Mistakes that sit between the layers: in networks, residual blocks, penalties."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import ReLU, Softmax, Tanh
from minicnn.selfcheck.planted.right.convolution import Conv2d
from minicnn.selfcheck.planted.right.linear import Array, Flatten, Linear
from minicnn.selfcheck.planted.right.models import (
    Classifier,
    Network,
    Recurrent,
    Residual,
    TiedAutoencoder,
    TwoHeads,
)
from minicnn.selfcheck.planted.right.normalization import BatchNorm
from minicnn.selfcheck.planted.right.pooling import MaxPool2d

family = Family("models")


def lenet(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """Convolution, ReLU, pooling, a linear layer."""
    rng = np.random.default_rng(111)
    layers = (
        Conv2d(1, 2, (3, 3), padding=1, rng=rng),
        ReLU(),
        MaxPool2d((2, 2)),
        Flatten(),
        Linear(8, 3, rng=rng),
    )
    return network(*layers), (rng.normal(size=(2, 1, 4, 4)),)


def perceptron(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two linear layers of the same width, with batch normalization between them."""
    rng = np.random.default_rng(112)
    layers = (Linear(3, 3, rng=rng), BatchNorm(3, rng=rng), Tanh(), Linear(3, 3, rng=rng))
    return network(*layers), (rng.normal(size=(4, 3)),)


def residual(block: Any) -> tuple[Any, tuple[Any, ...]]:
    """A block of width three."""
    rng = np.random.default_rng(113)
    return block(3, rng=rng), (rng.normal(size=(4, 3)),)


def vectors(model: Any) -> tuple[Any, tuple[Any, ...]]:
    """Rows of three numbers."""
    rng = np.random.default_rng(114)
    return model(rng=rng), (rng.normal(size=(4, 3)),)


def longer(model: Any) -> tuple[Any, tuple[Any, ...]]:
    """Rows of four numbers."""
    rng = np.random.default_rng(115)
    return model(rng=rng), (rng.normal(size=(3, 4)),)


def sequences(model: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three steps of two numbers."""
    rng = np.random.default_rng(116)
    return model(rng=rng), (rng.normal(size=(2, 3, 2)),)


def classes(model: Any) -> tuple[Any, tuple[Any, ...]]:
    """Five samples of three classes: the model returns its loss."""
    rng = np.random.default_rng(117)
    return model(rng=rng), (rng.normal(size=(5, 4)), np.array([2, 0, 1, 2, 0]))


for setting in (lenet, perceptron):
    family.right(on=setting, name=f"right-{setting.__name__}")(Network)
family.right(on=residual)(Residual)
family.right(on=vectors)(TwoHeads)
family.right(on=longer)(TiedAutoencoder)
family.right(on=sequences)(Recurrent)
family.right(on=classes)(Classifier)


@family.wrong("mask", "missing-term", on=lenet)
class ActivationSkippedOnTheWayBack(Network):
    """Backward goes from pooling straight to the convolution: ReLU has no parameters, after all."""

    def backward(self, dy: Array) -> Array:
        for layer in reversed(self.layers):
            if not isinstance(layer, ReLU):
                dy = layer.backward(dy)
        self.collect()
        return dy


@family.wrong("other", "missing-term", "transposed", on=perceptron)
class BackwardInForwardOrder(Network):
    """The layers are run first to last on the way back: the widths are equal, so it fits."""

    def backward(self, dy: Array) -> Array:
        for layer in self.layers:
            dy = layer.backward(dy)
        self.collect()
        return dy


@family.wrong("swapped", on=perceptron)
class GradientsUnderTheWrongLayer(Network):
    """The gradients of the first and the last layer are stored under each other's name."""

    def collect(self) -> None:
        super().collect()
        for name in ("weight", "bias"):
            first, last = self.grads[f"0.{name}"], self.grads[f"3.{name}"]
            self.grads[f"0.{name}"], self.grads[f"3.{name}"] = last, first


@family.wrong("stale-cache", on=perceptron)
class GradientsCollectedBefore(Network):
    """The gradients are collected before the layers have run: those of the call before."""

    def backward(self, dy: Array) -> Array:
        for i, layer in enumerate(self.layers):
            for name, array in getattr(layer, "params", {}).items():
                self.grads[f"{i}.{name}"] = layer.grads.get(name, np.zeros_like(array))
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


@family.wrong("zero", on=perceptron)
class GradientsNeverCollected(Network):
    """The network's grads were filled with zeros when it was built, and never again."""

    def collect(self) -> None:
        self.grads.update({name: np.zeros_like(array) for name, array in self.params.items()})


@family.wrong("missing-term", on=residual)
class SkipForgotten(Residual):
    """dx comes from the main path alone; y contains x itself, too."""

    def backward(self, dy: Array) -> Array:
        return self.main.backward(dy)


@family.wrong("missing-term", on=residual)
class MainPathForgotten(Residual):
    """dx = dy: the gradient of the main path is computed and thrown away."""

    def backward(self, dy: Array) -> Array:
        self.main.backward(dy)
        return dy.copy()


@family.wrong("scale", on=residual)
class PathsAveraged(Residual):
    """The two gradients are averaged; they add up."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) / 2


@family.wrong("other", "missing-term", on=residual)
class SkipTakesTheWrongGradient(Residual):
    """What comes out of the main path goes into the skip: dx = 2 main'(dy)."""

    def backward(self, dy: Array) -> Array:
        dx = self.main.backward(dy)
        return dx + dx


@family.wrong("missing-term", on=vectors)
class SecondHeadForgotten(TwoHeads):
    """The gradient of x comes from the first head only."""

    def join(self, parts: list[Array]) -> Array:
        return parts[0]


@family.wrong("swapped", on=vectors)
class HeadsExchanged(TwoHeads):
    """Each head gets the other's part of dy."""

    def split(self, dy: Array) -> list[Array]:
        return super().split(dy)[::-1]


@family.wrong("scale", on=vectors)
class HeadsAveraged(TwoHeads):
    """The gradients of the heads are averaged; they add up."""

    def join(self, parts: list[Array]) -> Array:
        return (parts[0] + parts[1]) / 2


@family.wrong("missing-term", on=longer)
class SecondUseForgotten(TiedAutoencoder):
    """The matrix is used twice, and the gradient of one use replaces that of the other."""

    def decoder(self, dy: Array) -> Array:
        return np.zeros_like(self.params["weight"])


@family.wrong("missing-term", "stale-cache", on=longer)
class FirstUseForgotten(TiedAutoencoder):
    """Only the use on the way out counts: grads["weight"] was written twice."""

    def encoder(self) -> Array:
        return np.zeros_like(self.params["weight"])


@family.wrong("missing-term", "partial-batch", "ignores-dy", on=sequences)
class LastStepOnly(Recurrent):
    """Backward stops after the last step: the steps before have had their say, too."""

    def steps(self) -> list[int]:
        return super().steps()[:1]


@family.wrong("missing-term", "other", "transposed", on=sequences)
class StateNotSentThroughV(Recurrent):
    """The gradient is handed from step to step without the matrix V between them."""

    def before(self, da: Array) -> Array:
        return da


@family.wrong("transposed", on=sequences)
class StateSentThroughVNotTransposed(Recurrent):
    """da V where da V^T should stand: V is square."""

    def before(self, da: Array) -> Array:
        return da @ self.params["V"]


@family.wrong("missing-term", "other", on=classes)
class PenaltyWithoutGradient(Classifier):
    """The penalty is in the loss and not in the gradient: lambda has no effect on training."""

    def slope(self, w: Array) -> Array:
        return np.zeros_like(w)


@family.wrong("other", "missing-term", "scale", on=classes)
class PenaltyDoubled(Classifier):
    """The slope of lam/2 w^2 is lam w; 2 lam w belongs to lam w^2."""

    def slope(self, w: Array) -> Array:
        return 2 * self.lam * w


@family.wrong("missing-term", "other", on=classes)
class DecayWithoutLoss(Classifier):
    """The weights decay in the gradient, and the loss does not say why."""

    def penalty(self) -> float:
        return 0.0


@family.wrong("other", "missing-term", on=classes)
class AbsolutePenaltySquareSlope(Classifier):
    """The penalty is the sum of |w|, its slope that of w^2: w where sign(w) should stand."""

    def penalty(self) -> float:
        return self.lam * sum(float(np.abs(w).sum()) for w in self.weights().values())


@family.wrong("missing-term", "other", on=classes)
class BiasesDecayInTheGradientOnly(Classifier):
    """The biases are left out of the penalty, and get its gradient all the same."""

    def backward(self, dy: float = 1.0) -> Array:
        dx = super().backward(dy)
        for name in self.params.keys() - self.weights().keys():
            self.grads[name] = self.grads[name] + dy * self.slope(self.params[name])
        return dx


@family.wrong("ignores-dy", "missing-term", "nonlinear-in-dy", "other", on=classes)
class PenaltyIgnoresDy(Classifier):
    """The gradient of the penalty is added as it is; like the rest it should be times dy."""

    def backward(self, dy: float = 1.0) -> Array:
        dx = self.network.backward(self.loss.backward(dy))
        for name, w in self.weights().items():
            self.grads[name] = self.grads[name] + self.slope(w)
        return dx


@family.wrong("sign", "missing-term", "other", on=classes)
class PenaltySubtracted(Classifier):
    """The penalty's gradient is subtracted: large weights grow."""

    def slope(self, w: Array) -> Array:
        return -self.lam * w


@family.wrong("other", "missing-term", on=classes)
class SoftmaxTwiceOnTheWayBack(Classifier):
    """p - one-hot has the way through softmax in it already; here it goes through softmax again."""

    def backward(self, dy: float = 1.0) -> Array:
        softmax = Softmax()
        softmax.y = self.loss.p
        dx = self.network.backward(softmax.backward(self.loss.backward(dy)))
        for name, w in self.weights().items():
            self.grads[name] = self.grads[name] + dy * self.slope(w)
        return dx


@family.wrong("other", "missing-term", on=classes)
class LossGradientOfAnotherLoss(Classifier):
    """The loss is cross-entropy, the gradient that of squared errors."""

    def forward(self, x: Array, target: Array) -> float:
        self.scores = self.network.forward(x)
        return super().forward(x, target)

    def backward(self, dy: float = 1.0) -> Array:
        goal = np.eye(3)[self.loss.target]
        dx = self.network.backward(dy * 2 * (self.scores - goal) / goal.size)
        for name, w in self.weights().items():
            self.grads[name] = self.grads[name] + dy * self.slope(w)
        return dx


class Shared(Network):
    """A network that uses one layer in two places, each time with a cache of its own."""

    def forward(self, x: Array) -> Array:
        """Keep what the shared layer has cached at each use."""
        self.kept: list[dict[str, Any]] = []
        for layer in self.layers:
            x = layer.forward(x)
            self.kept.append(dict(vars(layer)))
        return x

    def backward(self, dy: Array) -> Array:
        """Give each layer the cache of its place before it is run."""
        for layer, kept in zip(reversed(self.layers), reversed(self.kept), strict=True):
            vars(layer).update(kept)
            dy = layer.backward(dy)
        self.collect()
        return dy


def shared(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two linear layers and one ReLU, which stands behind each of them."""
    rng = np.random.default_rng(118)
    relu = ReLU()
    layers = (Linear(3, 3, rng=rng), relu, Linear(3, 3, rng=rng), relu)
    return network(*layers), (rng.normal(size=(4, 3)),)


family.right(on=shared)(Shared)


@family.wrong("stale-cache", "mask", on=shared)
class OneActivationTwice(Network):
    """One ReLU object stands in two places: its second forward overwrites the mask of the first."""
