"""Random networks with every option, fused and plain, in all modes and both precisions."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import minicnn as m
from minicnn.errors import ShapeError
from minicnn.selfcheck.torch_twin import torch_is_here, torch_twin
from tests.fusion.random_networks import draw

pytest.importorskip("numba", reason="the compiled backend needs numba")
SEEDS = st.integers(0, 2**32 - 1)
MODES = ("train", "eval", "mixed")
# Float32: what is far from the float64 result on both sides says nothing about either.
FLOAT32, NOISE = 5e-5, 30


def switch(model: Any, mode: str, which: int) -> None:
    """Switch to a mode; ``mixed`` is training with one batch norm in evaluation."""
    (model.eval if mode == "eval" else model.train)()
    norms = [layer for layer in model.modules() if isinstance(layer, m.BatchNorm2d)]
    if mode == "mixed" and norms:
        norms[which % len(norms)].eval()


def run(model: Any, x: NDArray, dy: NDArray | None = None) -> dict[str, NDArray]:
    """Go forward and back; return all that there is to compare."""
    y = model.forward(x)
    if dy is None:
        dy = np.random.default_rng(1).normal(size=y.shape).astype(x.dtype)
    return {
        "y": y, "dx": model.backward(dy), **{f"d {k}": g.copy() for k, g in model.grads.items()},
        **{f"buffer {k}": b.copy() for k, b in model.buffers.items()},
    }  # fmt: skip


def largest(array: NDArray) -> float:
    return float(np.abs(array).max(initial=0))


def raises_statistics(plain: Any, fused: Any, x: NDArray) -> bool:
    """Whether a batch norm has but one value: then both must say so."""
    try:
        copy.deepcopy(plain).forward(x)
    except ShapeError:
        with pytest.raises(ShapeError):
            copy.deepcopy(fused).forward(x)
        return True
    return False


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
@example(seed=2)
def test_float64(seed: int) -> None:
    drawn = draw(seed)
    plain, fused = copy.deepcopy(drawn.model), drawn.model.compile()
    for mode in MODES:
        for x in (drawn.x, drawn.x[:1]):
            switch(plain, mode, seed)
            switch(fused, mode, seed)
            if raises_statistics(plain, fused, x):
                continue
            expected, found = run(plain, x), run(fused, x)
            for name, array in expected.items():
                assert found[name].shape == array.shape
                error = largest(found[name] - array) / max(1.0, largest(array))
                assert error < 1e-9, (mode, name, error, plain)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_float32(seed: int) -> None:
    drawn = draw(seed)
    single = drawn.model.astype(np.float32)
    x = drawn.x.astype(np.float32)
    exact, plain = copy.deepcopy(single).astype(np.float64), copy.deepcopy(single)
    fused = single.compile()
    for mode in MODES:
        for model in (exact, plain, fused):
            switch(model, mode, seed)
        if raises_statistics(plain, fused, x):
            continue
        wanted, expected, found = run(exact, x.astype(np.float64)), run(plain, x), run(fused, x)
        whole = max((largest(a) for name, a in wanted.items() if name.startswith("d ")), default=1)
        for name, array in wanted.items():
            scale = max(1.0, largest(array), whole if name.startswith("d ") else 0.0)
            error = largest(found[name] - array) / scale
            beside = largest(expected[name] - array) / scale
            if beside > 1e-3:  # a maximum or a sign was decided by rounding
                return
            if error > 1e-3 and name not in ("y", f"buffer {name}"):
                same = largest(found["y"] - wanted["y"]) / max(1.0, largest(wanted["y"]))
                assert same < FLOAT32, (mode, name, error)
                return  # the same, in the fused model
            assert error < max(FLOAT32, NOISE * beside), (mode, name, error, beside, plain)


@pytest.mark.skipif(not torch_is_here(), reason="torch is the oracle here: pip install torch")
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_against_torch(seed: int) -> None:
    import torch

    drawn = draw(seed)
    for mode in ("train", "eval"):
        fused = copy.deepcopy(drawn.model).compile()
        switch(fused, mode, 0)
        before = copy.deepcopy(fused.model)
        if raises_statistics(before, fused, drawn.x):
            continue
        if mode == "eval":
            before.forward(drawn.x)  # so that each Dropout knows that it does nothing
        y = fused.forward(drawn.x)
        for old, new in zip(before.modules(), fused.modules(), strict=True):
            if mode == "train":
                old._cache = new._cache  # the masks that were drawn
        twin = torch_twin(before)
        x = torch.tensor(drawn.x, requires_grad=True)
        ty = twin(x)
        np.testing.assert_allclose(y, ty.detach().numpy(), rtol=1e-9, atol=1e-9)
        dy = np.random.default_rng(1).normal(size=y.shape)
        dx = fused.backward(dy)
        if not fused.grads and not ty.requires_grad:
            return
        ty.backward(torch.tensor(dy))
        pairs = [(dx, x.grad)]
        pairs += [(fused.grads[name], p.grad) for name, p in twin.named_parameters()]
        for ours, theirs in pairs:
            scale = max(1.0, float(theirs.abs().max()))
            assert largest(ours - theirs.numpy()) < 1e-9 * scale, (mode, fused)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_ten_steps(seed: int) -> None:
    drawn = draw(seed)
    for optimizer in (m.Adam, m.SGD):
        losses = []
        models = [copy.deepcopy(drawn.model), copy.deepcopy(drawn.model).compile()]
        for model in models:
            loss, step, values = m.MSELoss(), optimizer(model, 1e-3), []
            for _ in range(10):
                try:
                    y = model.forward(drawn.x)
                except ShapeError:
                    return
                values.append(loss.forward(y, np.ones_like(y)))
                model.backward(loss.backward())
                step.step()
            losses.append(values)
        # Steps that diverge multiply the rounding too, until one overflows before the other.
        sane = next((i for i, v in enumerate(losses[0]) if not v < 1e3 * (1 + losses[0][0])), 10)
        np.testing.assert_allclose(losses[1][:sane], losses[0][:sane], rtol=1e-6)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, training=st.booleans())
def test_bits_do_not_depend_on_the_number_of_threads(seed: int, training: bool) -> None:
    import numba

    drawn = draw(seed)
    model = drawn.model.astype(np.float32)
    x, threads, results = drawn.x.astype(np.float32), numba.get_num_threads(), []
    try:
        for count in sorted({1, min(2, threads), threads}):
            numba.set_num_threads(count)
            fused = copy.deepcopy(model).compile()
            (fused.train if training else fused.eval)()
            try:
                found = [run(fused, batch) for batch in (x, x[:1], x)]
            except ShapeError:
                return
            results.append([a.tobytes() for part in found for a in part.values()])
    finally:
        numba.set_num_threads(threads)
    assert all(other == results[0] for other in results[1:])


@pytest.mark.parametrize("seed", [3, 4, 5])
@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_checker_finds_nothing(seed: int, training: bool) -> None:
    rng = np.random.default_rng(seed)
    main = m.Sequential(m.Conv2d(6, 6, 3, padding=1, rng=rng), m.BatchNorm2d(6))
    row: list[m.Layer] = [
        m.Conv2d(2, 6, (seed - 2, 3), (1, 2), (0, 1), rng=rng), m.BatchNorm2d(6),
        m.LeakyReLU(0.2), m.MaxPool2d(2, 1), m.Residual(main), m.ReLU(),
        *([m.MaxPool2d(2)] if seed == 4 else []), m.GlobalAvgPool2d(), m.Linear(6, 3, rng=rng),
    ]  # fmt: skip
    fused = m.Sequential(*row).astype(np.float64).compile()
    (fused.train if training else fused.eval)()
    report = m.gradcheck(fused, rng.normal(size=(3, 2, 7, 8)))
    assert report.ok, report


def test_the_contract_of_a_layer() -> None:
    rng = np.random.default_rng(0)
    fused = m.Sequential(
        m.Conv2d(2, 4, 3, rng=rng), m.BatchNorm2d(4), m.ReLU(), m.MaxPool2d(2),
    ).astype(np.float64).compile()  # fmt: skip
    from minicnn.checking import check_layer

    check_layer(fused, (3, 2, 8, 8))


@pytest.mark.parametrize("batch", [16, 17, 35, 70])
def test_chunks_of_several_samples(batch: int) -> None:
    """Gradients of weights are summed in chunks, of one sample each in small batches."""
    rng = np.random.default_rng(batch)
    model = m.Sequential(
        m.Conv2d(1, 5, 3, rng=rng), m.ReLU(), m.MaxPool2d(2), m.Conv2d(5, 20, 3, 2, 1, rng=rng),
        m.BatchNorm2d(20), m.ReLU(), m.Residual(m.Conv2d(20, 20, 3, padding=1, rng=rng)),
        m.Conv2d(20, 190, 3, padding=1, rng=rng), m.LeakyReLU(), m.GlobalAvgPool2d(),
    ).astype(np.float64)  # fmt: skip
    plain, fused = copy.deepcopy(model), model.compile()
    x = rng.normal(size=(batch, 1, 12, 10))
    expected, found = run(plain, x), run(fused, x)
    for name, array in expected.items():
        error = largest(found[name] - array) / max(1.0, largest(array))
        assert error < 1e-10, (name, error)
