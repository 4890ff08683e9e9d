"""The picture of a gradient check."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn.checking.report import FAIL, PASS, Finding, Report, TensorResult
from minicnn.plots import gradients
from minicnn.plots.gradients import BARS, MOST_ARRAYS, UNKNOWN, plot_report

Draw = Callable[..., np.ndarray]
DARK_RED, PALE = "#7a1206", "#e9f0f6"


def tensor(
    shape: tuple[int, ...], *, wrong: tuple[int, ...] | None = None, name: str = "x", seed: int = 0
) -> TensorResult:
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=shape)
    analytic = numeric.copy()
    bars = np.full(shape, 1e-12)
    if wrong is None:
        return TensorResult(name, shape, PASS, numeric.size, 0, None, 1.0, 1.0, 1e-12, analytic,
                            numeric, bars)  # fmt: skip
    analytic[wrong] += 1
    return TensorResult(name, shape, FAIL, numeric.size, 0, wrong, 1.0, 2.0, 1e-12, analytic,
                        numeric, bars)  # fmt: skip


def report(*tensors: TensorResult, findings: tuple[Finding, ...] = ()) -> Report:
    verdict = FAIL if any(not t.ok for t in tensors) else PASS
    return Report("Conv2d(3, 4)", verdict, tensors, findings)


SHAPES: list[tuple[int, ...]] = [
    (), (1,), (5,), (100,), (3, 4), (4, 1), (1, 200), (2, 3, 4), (2, 3, 4, 5), (1, 1, 28, 28),
    (2, 2, 2, 3, 3), (7, 5, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_can_be_drawn_and_a_wrong_entry_is_dark(
    draw: Draw, share_of: Any, shape: tuple[int, ...]
) -> None:
    last = tuple(n - 1 for n in shape)
    right = draw(plot_report, report(tensor(shape)))
    wrong = draw(plot_report, report(tensor(shape, wrong=last)))
    assert right.shape == wrong.shape
    third = slice(right.shape[1] * 2 // 3, None)
    # The scale above the picture shows all colours, too.
    assert share_of(wrong[:, third], DARK_RED) > share_of(right[:, third], DARK_RED) + 1e-4


def test_numbers_differ_from_what_was_not_compared(draw: Draw, share_of: Any) -> None:
    known = tensor((6, 6))
    assert share_of(draw(plot_report, report(known)), UNKNOWN) < 0.002
    numeric = np.full((6, 6), np.nan)
    numeric[0, 0] = 1.0
    sampled = dataclasses.replace(known, numeric_values=numeric)
    assert share_of(draw(plot_report, report(sampled)), UNKNOWN) > 0.02


def test_a_row_holds_analytic_then_numeric(draw: Draw, share_of: Any) -> None:
    ones = np.ones((6, 6))
    found = dataclasses.replace(tensor((6, 6)), analytic_values=ones, numeric_values=-ones)
    pixels = draw(plot_report, report(found))
    third = pixels.shape[1] // 3
    orange, blue = gradients.SIGNED[2], gradients.SIGNED[0]
    assert share_of(pixels[:, :third], orange) > 0.2 > 0.02 > share_of(pixels[:, :third], blue)
    middle = pixels[:, third : 2 * third]
    assert share_of(middle, blue) > 0.2 > 0.02 > share_of(middle, orange)


def test_tiles_stand_where_they_belong() -> None:
    # The grid puts entry [n, c, i, j] into tile (n, c), at (i, j) inside.
    values = np.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    grid = gradients._Grid(dataclasses.replace(tensor((2, 3, 2, 2)), analytic_values=values))
    picture = grid.values(values)
    assert picture.shape == (2 * 2 + 1, 3 * 2 + 2)
    for n, c, i, j in np.ndindex(values.shape):
        assert picture[n * 3 + i, c * 3 + j] == values[n, c, i, j]
    assert np.isnan(picture[2]).all() and np.isnan(picture[:, [2, 5]]).all()


def test_a_long_vector_is_wrapped() -> None:
    grid = gradients._Grid(tensor((40,)))
    picture = grid.values(np.arange(40.0))
    assert picture.shape == (2, 32) and picture[1, 7] == 39 and np.isnan(picture[1, 8:]).all()


@pytest.mark.parametrize("shape", [(100_000,), (900, 1000), (64, 32, 50, 60), (3, 500, 500)])
def test_of_a_huge_array_the_part_with_the_worst_entry_is_shown(
    draw: Draw, share_of: Any, shape: tuple[int, ...]
) -> None:
    place = tuple(n * 3 // 4 for n in shape)
    found = tensor(shape, wrong=place)
    grid = gradients._Grid(found)
    assert grid.cut and grid.places.size < 10_000
    marked = grid.place_of_worst()
    assert marked is not None
    index = np.zeros(shape)
    index[place] = 1
    assert grid.values(index)[marked] == 1
    pixels = draw(plot_report, report(found))
    assert max(pixels.shape) < 2500
    assert share_of(pixels[len(pixels) // 3 :, -500:], DARK_RED) > 0


def test_colours_part_at_the_limit() -> None:
    colors = gradients._distances(np.array([[0.0, 1.0, BARS * 0.99, BARS * 1.01, 1e30, np.inf]]))
    blue_over_red = colors[0, :, 2] - colors[0, :, 0]
    assert (blue_over_red[:3] > 0).all() and (blue_over_red[3:] < 0).all()
    assert np.isfinite(colors).all()
    signed = gradients._signed(np.array([[-1.0, 0.0, 1.0, np.nan]]), 1.0)[0]
    assert signed[0, 2] > signed[0, 0] and signed[2, 0] > signed[2, 2]
    assert signed[1].min() > 0.95 and tuple(signed[3]) == gradients._rgb(UNKNOWN)


def test_nan_infinity_and_nothing_to_show_break_nothing(draw: Draw) -> None:
    strange = np.array([[np.nan, np.inf], [-np.inf, 0.0]])
    draw(
        plot_report,
        report(
            dataclasses.replace(tensor((2, 2)), analytic_values=strange, numeric_values=strange),
            dataclasses.replace(tensor((2, 2)), error_bars=None),
            dataclasses.replace(tensor((2, 2)), error_bars=np.zeros((2, 2))),
            dataclasses.replace(tensor((2, 2)), numeric_values=None),
            TensorResult("w", (3,), FAIL),
            dataclasses.replace(tensor((0, 2)), worst_index=None),
        ),
    )
    draw(plot_report, Report("f", FAIL, (), (Finding("error", "forward raised"),)))


def test_of_many_arrays_the_wrong_ones_are_among_those_shown() -> None:
    tensors = [tensor((2,), name=f"w{i}") for i in range(20)]
    tensors[17] = tensor((2,), name="w17", wrong=(0,))
    shown = gradients._choose(tensors)
    assert len(shown) == MOST_ARRAYS and shown[-1].name == "w17" and shown[0].name == "w0"
    assert "8 of 20 arrays are shown" in gradients._texts(report(*tensors))


def test_the_title_holds_verdict_and_first_finding(draw: Draw, odd_names: list[str]) -> None:
    findings = tuple(Finding("border", f"dx is wrong {i} " + "x" * 150) for i in range(3))
    found = report(tensor((2, 2), wrong=(0, 1)), findings=findings)
    texts = gradients._texts(found)
    assert texts[0] == "FAIL: Conv2d(3, 4)"
    assert texts[2].startswith("border: dx is wrong 0")
    assert texts[-1] == "and 2 more in the report"
    for name in odd_names:
        tensors = (dataclasses.replace(tensor((2, 2)), name=name),)
        draw(plot_report, Report(name, FAIL, tensors, (Finding("other", name),)))


def test_report_plot_writes_a_file_or_into_one(tmp_path: Path) -> None:
    found = report(tensor((2, 3)))
    found.plot(tmp_path / "a.png")
    memory = io.BytesIO()
    found.plot(memory)
    assert (tmp_path / "a.png").read_bytes() == memory.getvalue() != b""
