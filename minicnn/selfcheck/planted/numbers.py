"""Numbers that are very small, very large or far apart: where steps and tolerances go wrong."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import (
    Activation,
    Array,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from minicnn.selfcheck.planted.right.linear import Linear
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss, MSELoss
from minicnn.selfcheck.planted.right.models import Network
from minicnn.selfcheck.planted.right.normalization import BatchNorm, LayerNorm

family = Family("numbers")


def times(factor: float) -> Any:
    """x of a certain size."""

    def setting(layer: Any) -> tuple[Any, tuple[Any, ...]]:
        return layer(), (factor * np.random.default_rng(131).normal(size=(3, 4)),)

    setting.__doc__ = f"Numbers of about {factor:g}."
    return setting


def positive(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Positive numbers from 1e-6 to 1e3."""
    return layer(), (np.logspace(-6, 3, 10).reshape(2, 5),)


def from_a_thousandth(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Positive numbers from 1e-3 to 1e2."""
    return layer(), (np.logspace(-3, 2, 10).reshape(2, 5),)


def confident(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Scores around 30: probabilities of 1e-13 and of almost one, all of them right."""
    scores = np.random.default_rng(132).normal(size=(4, 3))
    target = np.array([2, 0, 1, 2])
    scores[np.arange(4), target] += 30
    return loss(), (scores, target)


def fairly_confident(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Scores around 12: probabilities of 1e-5."""
    scores = np.random.default_rng(132).normal(size=(4, 3))
    target = np.array([2, 0, 1, 2])
    scores[np.arange(4), target] += 12
    return loss(), (scores, target)


def confidently_wrong(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Scores around 30, all of them wrong."""
    (target, (scores, classes)) = confident(loss)
    return target, (-scores, classes)


def enormous_scores(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Scores of 700, whose exponential is just below the largest number."""
    return layer(), (700 + np.random.default_rng(133).normal(size=(3, 4)),)


def far_apart(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Scores from -700 to 700: all probabilities are 0 or 1, and all gradients vanish."""
    return layer(), (np.array([[-700.0, 0.0, 700.0], [700.0, 10.0, -10.0]]),)


def saturated(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """From the middle of the curve out to where it is flat."""
    return layer(), (np.array([[-36.0, -20.0, -5.0, 0.1], [0.5, 5.0, 20.0, 36.0]]),)


def many_inputs(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """400 numbers go into each sum."""
    rng = np.random.default_rng(134)
    return layer(400, 2, rng=rng), (rng.normal(size=(3, 400)),)


def nearly_constant(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """One feature varies by 1e-4 around 3, one not at all."""
    rng = np.random.default_rng(135)
    x = rng.normal(size=(5, 3))
    x[:, 0] = 3 + 1e-4 * x[:, 0]
    x[:, 1] = 2
    return layer(3, rng=rng), (x,)


def far_from_zero(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Features around 1e4: their mean takes most of the digits."""
    rng = np.random.default_rng(136)
    return layer(3, rng=rng), (1e4 + rng.normal(size=(5, 3)),)


def pair_of_samples(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Of two samples batch normalization makes -1 and 1 whatever they are: dx is nearly zero."""
    rng = np.random.default_rng(137)
    return layer(3, rng=rng), (rng.normal(size=(2, 3)),)


def bias_before_norm(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """A bias before batch normalization has no effect: its gradient is zero but for rounding."""
    rng = np.random.default_rng(138)
    return network(Linear(4, 3, rng=rng), BatchNorm(3, rng=rng)), (rng.normal(size=(6, 4)),)


def dead(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bias is so low that ReLU lets nothing pass: all gradients but those behind are zero."""
    rng = np.random.default_rng(139)
    first = Linear(4, 3, rng=rng)
    first.params["bias"] -= 100
    return network(first, ReLU(), Linear(3, 2, rng=rng)), (rng.normal(size=(3, 4)),)


def one_class(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """With one class the probability is one and the gradient zero."""
    return loss(), (np.random.default_rng(140).normal(size=(4, 1)), np.zeros(4, dtype=np.int64))


def nearly_solved(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Predictions 1e-6 from their targets: the gradients are as small."""
    rng = np.random.default_rng(141)
    target = rng.normal(size=(4, 3))
    return loss(), (target + 1e-6 * rng.normal(size=(4, 3)), target)


def sized(factor: float, layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A layer that multiplies by a factor."""
    return layer(factor), (np.random.default_rng(142).normal(size=(3, 4)),)


def tiny(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Gradients of 1e-9."""
    return sized(1e-9, layer)


def huge(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Gradients of 1e9."""
    return sized(1e9, layer)


def mixed(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Entries from 1e-6 to 1e6 in one array."""
    rng = np.random.default_rng(145)
    return layer(), (rng.normal(size=(3, 4)) * np.logspace(-6, 6, 12).reshape(3, 4),)


family.right(on=confident, name="cross-entropy-confident")(CrossEntropyLoss)


family.right(on=confidently_wrong, name="cross-entropy-confidently-wrong")(CrossEntropyLoss)


family.right(on=one_class, name="cross-entropy-of-one-class")(CrossEntropyLoss)


family.right(on=enormous_scores, name="softmax-of-700")(Softmax)


family.right(on=far_apart, name="softmax-far-apart")(Softmax)


family.right(on=saturated, name="sigmoid-saturated")(Sigmoid)


family.right(on=saturated, name="tanh-saturated")(Tanh)


family.right(on=times(1e-7), name="tanh-of-tiny-numbers")(Tanh)


family.right(on=times(1e6), name="softplus-of-huge-numbers")(Softplus)


family.right(on=many_inputs, name="fan-in-of-400")(Linear)


family.right(on=nearly_constant, name="norm-of-a-nearly-constant-feature")(BatchNorm)


family.right(on=far_from_zero, name="norm-far-from-zero")(BatchNorm)


family.right(on=far_from_zero, name="layer-norm-far-from-zero")(LayerNorm)


family.right(on=pair_of_samples, name="norm-of-two-samples")(BatchNorm)


family.right(on=bias_before_norm, name="bias-before-norm")(Network)


family.right(on=dead, name="dead-relu")(Network)


family.right(on=nearly_solved, name="squares-nearly-solved")(MSELoss)


@family.right(on=tiny, name="gradients-of-a-billionth")
@family.right(on=huge, name="gradients-of-a-billion")
class Times:
    """y = c x."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def forward(self, x: Array) -> Array:
        """Return c x."""
        return self.factor * x

    def backward(self, dy: Array) -> Array:
        """Return c dy."""
        return self.factor * dy


@family.wrong("scale", on=tiny, name="billionth-doubled")
@family.wrong("scale", on=huge, name="billion-doubled")
class TimesDoubled(Times):
    """The gradient is twice what it should be, and below or above any fixed tolerance."""

    def backward(self, dy: Array) -> Array:
        return 2 * super().backward(dy)


@family.wrong("zero", on=tiny)
class BillionthForgotten(Times):
    """Gradients of 1e-9 were set to zero: too small for a fixed tolerance to notice."""

    def backward(self, dy: Array) -> Array:
        return np.zeros_like(dy)


@family.wrong("scale", on=huge)
class BillionOffByAThousandth(Times):
    """The gradient is 0.1 % too small."""

    def backward(self, dy: Array) -> Array:
        return 0.999 * super().backward(dy)


@family.wrong("other", "swapped", "missing-term", "border", on=many_inputs)
class OneWrongOfMany(Linear):
    """One entry of 800 in dw is doubled: sums over all entries hardly notice."""

    def dw(self, dy: Array) -> Array:
        dw = super().dw(dy)
        dw[137, 1] *= 2
        return dw


@family.wrong("missing-term", on=many_inputs)
class InputsBeyond256(Linear):
    """dx is right for the first 256 inputs and zero beyond: a block size that does not divide."""

    def dx(self, dy: Array) -> Array:
        dx = super().dx(dy)
        dx[:, 256:] = 0
        return dx


@family.wrong("missing-term", "other", "scale", on=nearly_constant)
class EpsForgottenWhereItMatters(BatchNorm):
    """Backward divides by sqrt(var), which is 1e-4 where forward used sqrt(1e-8 + 1e-5)."""

    def dx(self, dy: Array) -> Array:
        self.std = np.sqrt(self.var + 1e-12)
        return super().dx(dy)


@family.wrong("missing-term", "other", on=bias_before_norm)
class NormMeanForgotten(Network):
    """What norm hands down lacks the mean's term, and so the bias before it gets a gradient."""

    def backward(self, dy: Array) -> Array:
        linear, norm = self.layers
        forgotten = (dy * norm.params["gamma"]).mean(axis=0) / norm.std
        dx = linear.backward(norm.backward(dy) + forgotten)
        self.collect()
        return dx


@family.wrong("zero", "mask", on=fairly_confident)
class ConfidentTakenForSolved(CrossEntropyLoss):
    """Where p is nearly one the gradient is called zero; it is 1e-6, and the loss still falls."""

    def backward(self, dy: float = 1.0) -> Array:
        return np.where(np.abs(super().backward(dy)) < 1e-4, 0, super().backward(dy))


@family.right(on=times(1.0))
class Steep(Activation):
    """y = tanh(1000 x): it turns within a thousandth."""

    def f(self, x: Array) -> Array:
        return np.tanh(1000 * x)

    def slope(self) -> Array:
        return 1000 / np.cosh(np.clip(1000 * self.x, -300, 300)) ** 2


@family.right(on=times(1.0))
class Waves(Activation):
    """y = sin(50 x): a step that is too long finds any slope."""

    def f(self, x: Array) -> Array:
        return np.sin(50 * x)

    def slope(self) -> Array:
        return 50 * np.cos(50 * self.x)


@family.wrong("other", "scale", "sign", on=times(1.0))
class WavesOutOfPhase(Waves):
    """sin(50 x) again in the place of cos(50 x)."""

    def slope(self) -> Array:
        return 50 * np.sin(50 * self.x)


@family.right(on=positive)
class Logarithm(Activation):
    """y = log x from 1e-6 on: a step of 1e-5 would leave where it is defined."""

    def f(self, x: Array) -> Array:
        return np.log(x)

    def slope(self) -> Array:
        return 1 / self.x


@family.right(on=positive)
class Root(Activation):
    """y = sqrt x, whose slope grows without bound towards 0."""

    def f(self, x: Array) -> Array:
        return np.sqrt(x)

    def slope(self) -> Array:
        return 0.5 / self.y


@family.right(on=times(8.0))
class Exponential(Activation):
    """y = exp x: gradients from 1e-8 to 1e8 in one array."""

    def f(self, x: Array) -> Array:
        return np.exp(x)

    def slope(self) -> Array:
        return self.y


@family.right(on=mixed)
class Square(Activation):
    """y = x^2 for numbers of all sizes: each needs a step of its own."""

    def f(self, x: Array) -> Array:
        return x**2

    def slope(self) -> Array:
        return 2 * self.x


@family.wrong("other", "missing-term", on=mixed)
class SquareOfTheSmall(Square):
    """The slope is that of x^2 + 1e-3 x: wrong only for the small entries."""

    def slope(self) -> Array:
        return 2 * self.x + 1e-3


@family.right(on=times(1.0))
class Offset(Activation):
    """y = tanh x + 1e6: the offset eats six digits of every difference."""

    def f(self, x: Array) -> Array:
        return np.tanh(x) + 1e6

    def slope(self) -> Array:
        return 1 - np.tanh(self.x) ** 2


@family.wrong("other", on=times(1.0))
class OffsetWithoutSquare(Offset):
    """1 - tanh x, under the noise of an offset of 1e6."""

    def slope(self) -> Array:
        return 1 - np.tanh(self.x)


@family.right(on=times(1.0))
class Cube(Activation):
    """y = x^3: the third derivative is what central differences get wrong."""

    def f(self, x: Array) -> Array:
        return x**3

    def slope(self) -> Array:
        return 3 * self.x**2


@family.wrong("scale", on=times(1.0))
class CubeTwo(Cube):
    """2 x^2: the exponent was brought down after it was lowered."""

    def slope(self) -> Array:
        return 2 * self.x**2


def deep(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """Eight layers: rounding errors and curvature of all of them come together."""
    rng = np.random.default_rng(146)
    layers = [layer for _ in range(8) for layer in (Linear(4, 4, rng=rng), Tanh())]
    return network(*layers), (rng.normal(size=(3, 4)),)


def many_samples(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """150 samples: each gradient of a parameter is a long sum."""
    rng = np.random.default_rng(147)
    return layer(2, rng=rng), (rng.normal(size=(150, 2)),)


def close_to_zero(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Some entries are 1e-5, among others of size one."""
    x = np.random.default_rng(148).normal(size=(3, 4))
    x[:, 0] *= 1e-5
    return layer(), (x,)


family.right(on=deep, name="deep-network")(Network)
family.right(on=many_samples, name="norm-of-many-samples")(BatchNorm)
family.right(on=saturated, name="softplus-saturated")(Softplus)


@family.right(on=close_to_zero)
class SmoothAbsolute(Activation):
    """y = sqrt(x^2 + 1e-10): smooth, but it turns within 1e-5, and looks like a kink from afar."""

    def f(self, x: Array) -> Array:
        return np.sqrt(x**2 + 1e-10)

    def slope(self) -> Array:
        return self.x / self.y


@family.wrong("other", "mask", "border", "subgradient", on=close_to_zero)
class SmoothAbsoluteTakenForAKink(SmoothAbsolute):
    """The slope is that of |x|: right everywhere but within 1e-5 of zero."""

    def slope(self) -> Array:
        return np.sign(self.x)


@family.right(on=times(1e-9))
class LogarithmOfNearlyOne(Activation):
    """y = log(1 + x) for x of 1e-9: adding the one throws away most digits of x."""

    def f(self, x: Array) -> Array:
        return np.log(1 + x)

    def slope(self) -> Array:
        return 1 / (1 + self.x)


@family.right(on=times(1.0))
class Narrow(Activation):
    """y = exp(-100 x^2): a narrow bump, flat wherever most entries are."""

    def f(self, x: Array) -> Array:
        return np.exp(-100 * x**2)

    def slope(self) -> Array:
        return -200 * self.x * self.y


@family.right(on=from_a_thousandth)
class Reciprocal(Activation):
    """y = 1 / x: slopes from 1e-4 to 1e6, and a pole within a step of some entries."""

    def f(self, x: Array) -> Array:
        return 1 / x

    def slope(self) -> Array:
        return -(self.y**2)


@family.wrong("sign", on=from_a_thousandth)
class ReciprocalWithoutMinus(Reciprocal):
    """The slope of 1 / x is -1 / x^2; the minus is missing."""

    def slope(self) -> Array:
        return self.y**2


@family.right(on=times(1.5))
class TenthPower(Activation):
    """y = x^10: higher derivatives outgrow the first by far."""

    def f(self, x: Array) -> Array:
        return x**10

    def slope(self) -> Array:
        return 10 * self.x**9


@family.right(on=times(0.02))
class Temperature(Softmax):
    """Softmax of scores over 0.01: a small step in x is a large one in the exponent."""

    def forward(self, x: Array) -> Array:
        return super().forward(x / 0.01)

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) / 0.01


@family.wrong("scale", on=times(0.02), name="temperature-forgotten")
class TemperatureForgotten(Temperature):
    """The scores were divided by 0.01 on the way forward only."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) * 0.01


@family.right(on=confidently_wrong)
class LogarithmMadeSafe(CrossEntropyLoss):
    """-log(p + 1e-12), and its exact slope: flat where p is much less than that."""

    def forward(self, scores: Array, target: Array) -> float:
        super().forward(scores, target)
        self.true = self.p[np.arange(len(target)), target][:, None]
        return float(-np.log(self.true + 1e-12).mean())

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) * self.true / (self.true + 1e-12)


@family.right(on=far_from_zero, name="variance-far-from-zero")
class Variance:
    """y[d] is the variance of a feature around 1e4."""

    def __init__(self, features: int, *, rng: np.random.Generator) -> None:
        self.features = features

    def forward(self, x: Array) -> Array:
        """Return an array of shape (D,)."""
        self.centred = x - x.mean(axis=0)
        return (self.centred**2).mean(axis=0)

    def backward(self, dy: Array) -> Array:
        """The way through the mean adds up to nothing."""
        return dy * 2 * self.centred / len(self.centred)


@family.right(on=times(1.0))
class Rounded(Activation):
    """y = x rounded down to halves: a staircase, whose slope is zero wherever it has one."""

    def f(self, x: Array) -> Array:
        return np.floor(x * 2) / 2

    def slope(self) -> Array:
        return np.zeros_like(self.x)
