from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.errors import ArgumentError, StateError
from minicnn.schedules import (
    ReduceOnPlateau,
    Schedule,
    constant,
    cosine,
    linear_warmup,
    one_cycle,
    step_decay,
)


def test_constant() -> None:
    schedule = constant(0.1)
    assert [schedule(step) for step in (0, 1, 10**9)] == [0.1] * 3


def test_cosine_by_hand() -> None:
    schedule = cosine(1.0, 100, final=0.2)
    assert schedule(0) == 1.0
    assert schedule(25) == pytest.approx(0.6 + 0.4 * math.sqrt(0.5))
    assert schedule(50) == pytest.approx(0.6)
    assert schedule(100) == pytest.approx(0.2)
    assert schedule(1000) == pytest.approx(0.2)  # and does not rise again


def test_cosine_with_warmup() -> None:
    schedule = cosine(1.0, 104, warmup=4)
    assert [schedule(step) for step in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert schedule(54) == pytest.approx(0.5)
    assert schedule(104) == pytest.approx(0, abs=1e-15)


def test_one_cycle_by_hand() -> None:
    schedule = one_cycle(1.0, 100)
    assert schedule(0) == pytest.approx(1 / 25)
    assert schedule(29) == 1.0
    assert schedule(99) == pytest.approx(1 / 25 / 1e4)
    assert schedule(500) == schedule(99)
    rates = [schedule(step) for step in range(100)]
    assert rates == sorted(rates[:30]) + sorted(rates[30:], reverse=True)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("pct_start", [0.0, 0.3, 1.0])
def test_one_cycle_of_a_few_steps(steps: int, pct_start: float) -> None:
    rates = [one_cycle(1.0, steps, pct_start=pct_start)(step) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) > 0.9


def test_step_decay_by_hand() -> None:
    schedule = step_decay(1.0, every=3, factor=0.5)
    assert [schedule(step) for step in range(8)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_linear_warmup_precedes_another_schedule() -> None:
    schedule = linear_warmup(step_decay(1.0, every=2, factor=0.5), 4)
    assert [schedule(step) for step in range(8)] == [0.25, 0.5, 0.75, 1, 1, 1, 0.5, 0.5]
    with_warmup, wrapped = cosine(0.3, 50, 0.01, warmup=7), linear_warmup(cosine(0.3, 43, 0.01), 7)
    for step in range(60):
        assert wrapped(step) == pytest.approx(with_warmup(step), rel=1e-14)
    assert linear_warmup(constant(0.1), 0)(0) == 0.1


TORCH: list[tuple[str, Schedule, str, dict[str, Any]]] = [
    (
        "cosine",
        cosine(0.5, 40, final=0.01),
        "CosineAnnealingLR",
        {"T_max": 40, "eta_min": 0.01},
    ),
    ("one-cycle", one_cycle(0.5, 41), "OneCycleLR", {"max_lr": 0.5, "total_steps": 41}),
    (
        "one-cycle-options",
        one_cycle(0.5, 41, pct_start=0.45, div_factor=10, final_div_factor=100),
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "total_steps": 41,
            "pct_start": 0.45,
            "div_factor": 10,
            "final_div_factor": 100,
        },
    ),
    ("step", step_decay(0.5, every=7, factor=0.3), "StepLR", {"step_size": 7, "gamma": 0.3}),
]


@pytest.mark.parametrize(
    ("ours", "kind", "options"), [t[1:] for t in TORCH], ids=[t[0] for t in TORCH]
)
def test_the_whole_course_equals_torchs(ours: Schedule, kind: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = getattr(torch.optim.lr_scheduler, kind)(optimizer, **options)
    for step in range(40):
        assert ours(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9), step
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 0, "factor": 0.5, "cooldown": 3},
        {"patience": 1, "mode": "max", "threshold": 0.05, "factor": 0.3},
        {"patience": 1, "min_lr": 0.004, "factor": 0.2},
    ],
)
def test_plateaus_are_seen_where_torch_sees_them(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    # eps=0: torch leaves cuts of less than 1e-8 out.
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0, **options)
    ours = ReduceOnPlateau(0.5, **options)
    rng = np.random.default_rng(0)
    metrics = 1 / (1 + np.arange(60) / 10) + 0.1 * rng.random(60)
    metrics[20] = np.nan
    rates = set()
    for epoch, metric in enumerate(metrics):
        ours.update(metric)
        theirs.step(metric)
        assert ours(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12), epoch
        rates.add(ours(epoch))
    assert len(rates) > 2


def test_reduce_on_plateau_by_hand() -> None:
    schedule = ReduceOnPlateau(1.0, factor=0.5, patience=1)
    rates = []
    for metric in [3, 2, 2, 2, 2, 2, 1]:
        schedule.update(metric)
        rates.append(schedule(0))
    assert rates == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]


def test_negative_metrics_improve_downwards_too() -> None:
    # Times (1 - threshold), the best value would move the wrong way: -1 to -0.9.
    schedule = ReduceOnPlateau(1.0, factor=0.5, patience=0, threshold=0.1)
    for metric in (-1.0, -0.95):
        schedule.update(metric)
    assert schedule(0) == 0.5


def test_reduce_on_plateau_resumes() -> None:
    metrics = [3, 2, 2, 2, 2, 2, 1, 1, 1, 1]
    whole = ReduceOnPlateau(1.0, patience=1, cooldown=1)
    first = ReduceOnPlateau(1.0, patience=1, cooldown=1)
    for metric in metrics:
        whole.update(metric)
    for metric in metrics[:5]:
        first.update(metric)
    second = ReduceOnPlateau(1.0, patience=1, cooldown=1)
    second.load_state_dict(first.state_dict())
    for metric in metrics[5:]:
        second.update(metric)
    assert second.state_dict() == whole.state_dict()
    with pytest.raises(StateError, match=r"lacks \['lr', 'best', 'waited', 'resting'\]"):
        second.load_state_dict({})


NAN, INF = float("nan"), float("inf")
BAD: list[tuple[str, Callable[[], Any]]] = [
    *((f"lr is {x}", lambda x=x: constant(x)) for x in (-0.1, NAN, INF)),
    *((f"lr is {x}", lambda x=x: cosine(x, 10)) for x in (-0.1, NAN, INF)),
    *((f"max_lr is {x}", lambda x=x: one_cycle(x, 10)) for x in (-0.1, NAN, INF)),
    *((f"lr is {x}", lambda x=x: step_decay(x, 10)) for x in (-0.1, NAN, INF)),
    *((f"lr is {x}", lambda x=x: ReduceOnPlateau(x)) for x in (-0.1, NAN, INF)),
    *((f"steps is {x}", lambda x=x: cosine(0.1, x)) for x in (0, -1, 1.5)),
    *((f"steps is {x}", lambda x=x: one_cycle(0.1, x)) for x in (0, -1, 1.5)),
    *((f"every is {x}", lambda x=x: step_decay(0.1, x)) for x in (0, -1, 1.5)),
    *((f"steps is {x}", lambda x=x: linear_warmup(constant(1), x)) for x in (-1, 1.5)),
    ("final is -1", lambda: cosine(0.1, 10, final=-1)),
    ("warmup is -1", lambda: cosine(0.1, 10, warmup=-1)),
    ("warmup is 10; it must be shorter than steps, 10", lambda: cosine(0.1, 10, warmup=10)),
    ("pct_start is 1.2", lambda: one_cycle(0.1, 10, pct_start=1.2)),
    ("div_factor is 0.5", lambda: one_cycle(0.1, 10, div_factor=0.5)),
    ("final_div_factor is 0", lambda: one_cycle(0.1, 10, final_div_factor=0)),
    ("factor is 1.5", lambda: step_decay(0.1, 10, factor=1.5)),
    ("factor is 1.0", lambda: ReduceOnPlateau(0.1, factor=1.0)),
    ("patience is -1", lambda: ReduceOnPlateau(0.1, patience=-1)),
    ("threshold is -1", lambda: ReduceOnPlateau(0.1, threshold=-1)),
    ("mode is 'low'", lambda: ReduceOnPlateau(0.1, mode="low")),
    ("cooldown is -1", lambda: ReduceOnPlateau(0.1, cooldown=-1)),
    ("min_lr is -1", lambda: ReduceOnPlateau(0.1, min_lr=-1)),
    ("step is -1", lambda: constant(0.1)(-1)),
    ("step is 0.5", lambda: constant(0.1)(0.5)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("message", "call"), BAD, ids=[b[0] for b in BAD])
def test_bad_arguments(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ArgumentError, match=f"^{message}"):
        call()


def test_repr_says_how_to_make_one() -> None:
    assert repr(constant(0.1)) == "constant(0.1)"
    assert repr(cosine(0.1, 10)) == "cosine(0.1, steps=10, final=0.0, warmup=0)"
    schedules = [
        linear_warmup(step_decay(0.1, 3), 5),
        one_cycle(0.1, 20),
        ReduceOnPlateau(0.1, mode="max"),
    ]
    for schedule in schedules:
        assert repr(eval(repr(schedule))) == repr(schedule)
