"""The operations that `benchmarks.kernels` times, one function per kind.

A case has the same operation by minicnn and by torch, on the same arrays, and says how many
multiplications and additions it needs, or how many bytes it must at least read and write: each
input and each output once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minicnn as m
from minicnn.backends import kernels

Function = Callable[[], Any]

# Batch, input and output channels, side, stride: convolutions of the zoo, and two beyond it.
CONVOLUTIONS = (
    (64, 1, 16, 28, 1),
    (64, 16, 32, 14, 1),
    (64, 32, 32, 28, 1),
    (64, 32, 64, 14, 1),
    (64, 64, 128, 7, 1),
    (32, 16, 16, 64, 1),
    (32, 16, 32, 64, 2),
    (32, 64, 64, 16, 1),
    (8, 16, 32, 224, 1),
    (16, 128, 128, 28, 1),
)
PLANES = (64, 16, 28, 28)
ROWS = (64, 1568, 128)  # batch, inputs, outputs


@dataclass(frozen=True)
class Case:
    """One operation at one size.

    Attributes
    ----------
    flops, bytes
        What it needs at least; the other one is 0.
    theirs
        The same by torch, under the name of the way it is done.
    """

    name: str
    size: str
    ours: Function
    theirs: dict[str, Function] = field(default_factory=dict)
    flops: int = 0
    bytes: int = 0


def array(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def bytes_of(*arrays: NDArray) -> int:
    return sum(a.nbytes for a in arrays)


def convolutions(torch: Any) -> Iterator[Case]:
    """Yield 3x3 convolutions: forward, the gradient of x, the gradient of w."""
    own = kernels("conv")
    for batch, inputs, outputs, side, stride in CONVOLUTIONS:
        x, w, b = array(batch, inputs, side, side), array(outputs, inputs, 3, 3), array(outputs)
        geometry = (stride, stride), (1, 1), (1, 1), 1
        y = own.conv2d(x, w, b, *geometry)
        dy = array(*y.shape, seed=1)
        size = f"{batch}x{inputs}x{side}x{side} -> {outputs}" + (
            "" if stride == 1 else ", stride 2"
        )
        flops = 2 * y.size * inputs * 9
        ours = {
            "conv": lambda x=x, w=w, b=b, g=geometry: own.conv2d(x, w, b, *g),
            "conv dx": lambda dy=dy, w=w, x=x, g=geometry: own.conv2d_dx(dy, w, x.shape, *g),
            "conv dw": lambda dy=dy, w=w, x=x, g=geometry: own.conv2d_dw(dy, x, w.shape, *g),
        }
        theirs = conv_by_torch(torch, x, w, b, dy, stride) if torch else {}
        for name, function in ours.items():
            yield Case(name, size, function, theirs.get(name, {}), flops=flops)


def conv_by_torch(
    torch: Any, x: NDArray, w: NDArray, b: NDArray, dy: NDArray, stride: int
) -> dict[str, dict[str, Function]]:
    """Return the three operations in both of torch's layouts."""
    found: dict[str, dict[str, Function]] = {"conv": {}, "conv dx": {}, "conv dw": {}}
    for layout in (torch.contiguous_format, torch.channels_last):
        tx, tw, tdy = (torch.from_numpy(a).contiguous(memory_format=layout) for a in (x, w, dy))
        tb = torch.from_numpy(b)
        rest = [stride] * 2, [1, 1], [1, 1], False, [0, 0], 1

        def backward(mask: list[bool], arrays: Any = (tdy, tx, tw), rest: Any = rest) -> Any:
            got = torch.ops.aten.convolution_backward(*arrays, None, *rest, mask)
            return got[mask.index(True)]

        name = "torch" if layout is torch.contiguous_format else "torch channels_last"
        found["conv"][name] = lambda tx=tx, tw=tw, tb=tb: torch.conv2d(tx, tw, tb, stride, 1)
        found["conv dx"][name] = lambda f=backward: f([True, False, False])
        found["conv dw"][name] = lambda f=backward: f([False, True, False])
    return found


def planes(torch: Any) -> Iterator[Case]:
    """Yield what is done to whole images: max-pooling, ReLU, batch norm."""
    pool, norm, relu = kernels("pooling"), kernels("norm"), kernels("activation")
    x, dy = array(*PLANES), array(*PLANES, seed=1)
    size = "x".join(map(str, PLANES))
    window = (2, 2), (2, 2), (0, 0)
    small, winners = pool.max_pool2d(x, *window)
    dsmall = array(*small.shape, seed=2)
    weight, bias = array(PLANES[1], seed=3), array(PLANES[1], seed=4)
    _, mean, var = norm.batch_norm(x, weight, bias, 1e-5)
    t: dict[str, Function] = {}
    if torch:
        tx, tdy, tdsmall, tw, tb = map(torch.from_numpy, (x, dy, dsmall, weight, bias))
        _, places = torch.nn.functional.max_pool2d(tx, 2, return_indices=True)
        aten = torch.ops.aten
        _, tmean, tinv = torch.native_batch_norm(tx, tw, tb, None, None, True, 0.1, 1e-5)
        t = {
            "max-pool": lambda: torch.max_pool2d(tx, 2),
            "max-pool dx": lambda: aten.max_pool2d_with_indices_backward(
                tdsmall, tx, [2, 2], [2, 2], [0, 0], [1, 1], False, places
            ),
            "relu": lambda: torch.relu(tx),
            "relu dx": lambda: aten.threshold_backward(tdy, tx, 0),
            "batch norm": lambda: torch.native_batch_norm(tx, tw, tb, None, None, True, 0.1, 1e-5)[
                0
            ],
            "batch norm dx": lambda: aten.native_batch_norm_backward(
                tdy, tx, tw, None, None, tmean, tinv, True, 1e-5, [True, True, True]
            )[0],
        }
    ours: dict[str, tuple[Function, int]] = {
        "max-pool": (lambda: pool.max_pool2d(x, *window)[0], bytes_of(x, small)),
        "max-pool dx": (
            lambda: pool.max_pool2d_dx(dsmall, winners, x.shape, *window),
            bytes_of(dsmall, winners, x),
        ),
        "relu": (lambda: relu.relu(x), bytes_of(x, x)),
        "relu dx": (lambda: relu.relu_dx(dy, x), bytes_of(dy, x, x)),
        "batch norm": (lambda: norm.batch_norm(x, weight, bias, 1e-5)[0], bytes_of(x, x)),
        "batch norm dx": (
            lambda: norm.batch_norm_dx(dy, x, weight, mean, var, 1e-5)[0],
            bytes_of(dy, x, x),
        ),
    }
    for name, (function, count) in ours.items():
        theirs = {"torch": t[name]} if name in t else {}
        yield Case(name, size, function, theirs, bytes=count)


def rows(torch: Any) -> Iterator[Case]:
    """Yield what is done to rows of numbers: linear, its gradients, the loss, Adam."""
    own, losses = kernels("linear"), kernels("loss")
    batch, inputs, outputs = ROWS
    x, w, b = array(batch, inputs), array(outputs, inputs), array(outputs)
    dy = array(batch, outputs, seed=1)
    target = np.random.default_rng(2).integers(0, outputs, batch)
    options = None, -100, 0.0
    t: dict[str, Function] = {}
    if torch:
        tx, tw, tb, tdy, tt = map(torch.from_numpy, (x, w, b, dy, target))
        t = {
            "linear": lambda: torch.nn.functional.linear(tx, tw, tb),
            "linear dx": lambda: tdy @ tw,
            "linear dw": lambda: tdy.T @ tx,
            "cross-entropy": lambda: torch.nn.functional.cross_entropy(tdy, tt),
        }
    flops = 2 * batch * inputs * outputs
    ours: dict[str, Function] = {
        "linear": lambda: own.linear(x, w, b),
        "linear dx": lambda: own.linear_dx(dy, w),
        "linear dw": lambda: own.linear_dw(dy, x),
        "cross-entropy": lambda: np.float32(losses.cross_entropy(dy, target, *options)),
    }
    for name, function in ours.items():
        theirs = {"torch": t[name]} if name in t else {}
        if name == "cross-entropy":
            yield Case(name, f"{batch}x{outputs}", function, theirs, bytes=bytes_of(dy, target))
        else:
            yield Case(name, f"{batch}x{inputs} -> {outputs}", function, theirs, flops=flops)
    yield adam(torch)


def adam(torch: Any) -> Case:
    """Return one step of Adam over the weights of a linear layer."""
    layer = m.Linear(ROWS[1], ROWS[2], rng=np.random.default_rng(0))
    grads = {name: array(*a.shape, seed=5) for name, a in layer.params.items()}
    layer.set_grads(**grads)
    optimizer = m.Adam(layer)

    def ours() -> NDArray:
        optimizer.step()
        return layer.params["weight"]

    theirs: dict[str, Function] = {}
    for name, fused in (("torch", None), ("torch fused", True)) if torch else ():
        params = [torch.nn.Parameter(torch.from_numpy(a.copy())) for a in layer.params.values()]
        for p, g in zip(params, grads.values(), strict=True):
            p.grad = torch.from_numpy(g)
        other = torch.optim.Adam(params, 1e-3, fused=fused)

        def step(other: Any = other, params: Any = params) -> Any:
            other.step()
            return params[0].detach()

        theirs[name] = step
    # Reads the weight, the gradient and two means; writes all but the gradient.
    count = 7 * sum(a.nbytes for a in layer.params.values())
    return Case("adam", f"{ROWS[1] * ROWS[2]} weights", ours, theirs, bytes=count)


def stages(torch: Any) -> Iterator[Case]:
    """Yield what `model.compile()` runs as one: forward, and all gradients.

    The fused model gets and returns images in (N, C, H, W), so that what it costs to take them
    into its own layout and back is counted here; inside a network it is not paid.
    """
    for norm, pool in ((False, True), (True, False), (True, True)):
        for batch, inputs, outputs, side in ((64, 16, 32, 14), (32, 32, 32, 32)):
            rng = np.random.default_rng(0)
            layers: list[m.Layer] = [m.Conv2d(inputs, outputs, 3, padding=1, rng=rng)]
            layers += [m.BatchNorm2d(outputs)] * norm + [m.ReLU()] + [m.MaxPool2d(2)] * pool
            yield from stage(torch, m.Sequential(*layers), array(batch, inputs, side, side))


def stage(torch: Any, plain: m.Sequential, x: NDArray) -> Iterator[Case]:
    """Yield both directions of one stage."""
    fused = plain.compile()
    name = " + ".join(type(layer).__name__ for layer in plain)
    dy = array(*fused.forward(x).shape, seed=1)
    forward: dict[str, Function] = {}
    backward: dict[str, Function] = {}
    if torch:
        from benchmarks.peers.torch_peer import twin

        for label, layout in (
            ("torch", torch.contiguous_format),
            ("torch channels_last", torch.channels_last),
        ):
            module = twin(plain).train().to(memory_format=layout)
            tx = torch.from_numpy(x).contiguous(memory_format=layout).requires_grad_()
            tdy = torch.from_numpy(dy).contiguous(memory_format=layout)
            y, wrt = module(tx), [tx, *module.parameters()]
            forward[label] = lambda f=module, tx=tx: f(tx).detach()
            backward[label] = lambda y=y, wrt=wrt, tdy=tdy: torch.autograd.grad(
                y, wrt, tdy, retain_graph=True
            )[0]
    flops = 2 * plain.multiply_adds(x.shape)
    size = f"{'x'.join(map(str, x.shape))} -> {dy.shape[1]}"
    yield Case(name, size, lambda: fused.forward(x), forward, flops=flops)
    yield Case(f"{name}, back", size, lambda: fused.backward(dy), backward, flops=2 * flops)


def all_cases(torch: Any) -> Iterator[Case]:
    """Yield every case; ``torch`` may be None."""
    for kind in (convolutions, planes, rows, stages):
        yield from kind(torch)
