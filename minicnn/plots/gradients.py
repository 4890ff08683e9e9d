"""A gradient check as pictures: analytic, numeric, and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.report import FAIL, Report, TensorResult
from minicnn.checking.wording import summary
from minicnn.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ARRAYS = 8
# The most that is shown along an axis: of a row of numbers, of a matrix, and of a tile.
ROW, MATRIX, TILE = 64, 48, 28
ACROSS = 60  # entries across all tiles
WRAP = 32  # numbers of a vector in one line
BARS = 20.0  # error bars beyond which a gradient is wrong
UNKNOWN, GAP_COLOR = "#b9c0c7", "#ffffff"  # not compared; between tiles
# Inches: a picture, the space between two, the margin, a line of text, the scales below.
PANEL, GAP, MARGIN, LINE, SCALES = 2.75, 0.28, 0.22, 0.17, 0.66
CELL = 0.3  # inches that one number takes at most
HEADINGS = ("backward says", "differences say", f"distance in error bars; wrong beyond {BARS:g}")
LOW, HIGH = -1.0, 9.0  # of the distance in error bars, as powers of ten


def plot_report(report: Report, target: style.Target) -> None:
    """Draw every array of a report as three heat maps.

    A vector is a row of squares, an array (N, C, H, W) a table of tiles with N rows and C
    columns. Of a large array a part around the worst entry is shown. Grey was not compared. A
    frame marks the worst entry of an array that is wrong.

    Parameters
    ----------
    report
        What `minicnn.gradcheck` returned.
    target
        A path, or an open binary file, for the PNG.
    """
    shown = _choose(report.tensors)
    grids = [_Grid(tensor) for tensor in shown]
    texts = _texts(report)
    top = MARGIN + 0.06 + LINE * 1.3 * len(texts) + 0.12
    width = 2 * MARGIN + 3 * PANEL + 2 * GAP
    height = (
        top + sum(grid.height + 2.6 * LINE for grid in grids) + SCALES + (0.4 if not shown else 0)
    )
    figure = style.new_figure(width, height)
    canvas = _Canvas(figure, width, height)
    for i, text in enumerate(texts):
        color, size = (style.INK, style.TITLE) if i == 0 else (style.MUTED, style.TEXT)
        canvas.write(MARGIN, MARGIN + i * LINE * 1.3, text, color, size)
    if not shown:
        canvas.write(MARGIN, top, "there is nothing to draw", style.MUTED, style.TEXT)
    if any(grid.drawable for grid in grids):
        _draw_scales(canvas, top)
        top += SCALES
    for grid in grids:
        _draw_row(canvas, grid, top)
        top += grid.height + 2.6 * LINE
    style.save(figure, target)


class _Canvas:
    """A figure that is measured in inches from its upper left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self.width, self.height = figure, width, height

    def write(self, left: float, top: float, text: str, color: str, size: float) -> None:
        self.figure.text(
            left / self.width,
            1 - top / self.height,
            style.plain(text),
            va="top",
            color=color,
            fontsize=size,
        )

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        return self.figure.add_axes(
            (
                left / self.width,
                1 - (top + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )


class _Grid:
    """Where each entry of an array stands in its picture."""

    def __init__(self, tensor: TensorResult) -> None:
        self.tensor = tensor
        self.drawable = tensor.analytic_values is not None and tensor.numeric_values is not None
        self.drawable &= math.prod(tensor.shape) > 0
        self.window = _window(tensor)
        self.places = _lay_out([stop - start for start, stop in self.window])  # (rows, columns)

    @property
    def cell(self) -> float:
        """What one number takes, in inches."""
        return min(CELL, PANEL / max(self.places.shape))

    @property
    def height(self) -> float:
        """Of its pictures, in inches."""
        return self.cell * len(self.places) if self.drawable else LINE

    @property
    def cut(self) -> bool:
        """Whether only a part of the array is shown."""
        return any(b - a < n for (a, b), n in zip(self.window, self.tensor.shape, strict=True))

    def values(self, array: NDArray | None) -> NDArray[np.float64]:
        """Arrange the shown part as a picture (rows, columns), NaN between the tiles."""
        slices = tuple(slice(start, stop) for start, stop in self.window)
        if not self.drawable:
            return np.full(self.places.shape, np.nan)
        if array is None:
            part = np.full(math.prod(b - a for a, b in self.window), np.nan)
        else:
            part = np.asarray(array, np.float64).reshape(self.tensor.shape)[slices].ravel()
        return np.where(self.places >= 0, part[self.places], np.nan)

    def place_of_worst(self) -> tuple[int, int] | None:
        """Return row and column of the worst entry, if the array is wrong."""
        index = self.tensor.worst_index
        if index is None or self.tensor.verdict != FAIL or len(index) != len(self.window):
            return None
        local = [i - start for i, (start, _) in zip(index, self.window, strict=True)]
        sizes = [stop - start for start, stop in self.window]
        flat = int(np.ravel_multi_index(local, sizes)) if sizes else 0
        row, column = np.argwhere(self.places == flat)[0]
        return int(row), int(column)


def _choose(tensors: Sequence[TensorResult]) -> list[TensorResult]:
    """Keep the order; where there are too many, those that are wrong go first."""
    if len(tensors) <= MOST_ARRAYS:
        return list(tensors)
    ranked = sorted(range(len(tensors)), key=lambda i: tensors[i].ok)[:MOST_ARRAYS]
    return [tensors[i] for i in sorted(ranked)]


def _texts(report: Report) -> list[str]:
    verdict = report.verdict.replace("_", " ")
    texts = [style.plain(f"{verdict}: {report.target}", 80)]
    if report.tensors:
        texts.append(style.plain(summary(report), 120))
    if report.findings:
        first = report.findings[0]
        texts += _fold(f"{first.slug}: {first.sentence}", 120)
    if len(report.findings) > 1:
        texts.append(f"and {len(report.findings) - 1} more in the report")
    left_out = len(report.tensors) - MOST_ARRAYS
    if left_out > 0:
        texts.append(f"{MOST_ARRAYS} of {len(report.tensors)} arrays are shown")
    return texts


def _fold(text: str, length: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, length, max_lines=2, placeholder=" …")


def _window(tensor: TensorResult) -> list[tuple[int, int]]:
    """Choose the part to show, (start, stop) along each axis, with the worst entry inside."""
    shape = tensor.shape
    if len(shape) > 2:
        h, w = min(shape[-2], TILE), min(shape[-1], TILE)
        limits = [ACROSS // (h + 1), ACROSS // (w + 1), h, w]  # entries must stay visible
        limits = [1] * (len(shape) - 4) + limits[-len(shape) :]
    else:
        limits = [[], [ROW], [MATRIX, MATRIX]][len(shape)]
    worst = tensor.worst_index if tensor.worst_index is not None else (0,) * len(shape)
    window = []
    for n, limit, i in zip(shape, limits, worst, strict=True):
        start = min(max(i - limit // 2, 0), max(n - limit, 0))
        window.append((start, min(start + limit, n)))
    return window


def _lay_out(sizes: Sequence[int]) -> NDArray[np.intp]:
    """Return the position of each entry in its picture; -1 where there is none."""
    count = math.prod(sizes)
    order = np.arange(count)
    if count == 0:
        return np.full((1, 1), -1)
    if len(sizes) < 2:
        columns = min(count, WRAP)
        rows = -(-count // columns)
        return np.pad(order, (0, rows * columns - count), constant_values=-1).reshape(rows, columns)
    if len(sizes) == 2:
        return order.reshape(sizes[0], sizes[1])
    *_, c, h, w = sizes
    tiles = order.reshape(-1, c, h, w)
    gap = 0 if h == w == 1 else 1
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=-1)
    table = padded.transpose(0, 2, 1, 3).reshape(len(tiles) * (h + gap), c * (w + gap))
    return table[: len(table) - gap, : table.shape[1] - gap]


def _draw_row(canvas: _Canvas, grid: _Grid, top: float) -> None:
    tensor = grid.tensor
    shape = "x".join(map(str, tensor.shape)) or "a number"
    verdict = tensor.verdict.replace("_", " ")
    caption = f"{style.plain(tensor.name, 40)}, {shape}: {verdict}"
    if grid.cut:
        part = ", ".join(f"{start}:{stop}" for start, stop in grid.window)
        caption += f" (shown: [{part}])"
    analytic = grid.values(tensor.analytic_values)
    numeric = grid.values(tensor.numeric_values)
    if grid.drawable and np.isnan(numeric[grid.places >= 0]).any():
        caption += "; grey: not compared"
    color = style.VAL if tensor.verdict == FAIL else style.INK
    canvas.write(MARGIN, top, caption, color, style.TEXT)
    top += 1.25 * LINE
    if not grid.drawable:
        canvas.write(MARGIN, top, "not compared entry by entry", style.MUTED, style.SMALL)
        return
    with np.errstate(all="ignore"):
        off = np.abs(analytic - numeric)
        distance = np.where(off == 0, 0.0, off / grid.values(tensor.error_bars))
    size = _largest(analytic, numeric)
    pictures = (_signed(analytic, size), _signed(numeric, size), _distances(distance))
    for k, colors in enumerate(pictures):
        colors[grid.places < 0] = _rgb(GAP_COLOR)
        width = grid.cell * grid.places.shape[1]
        axes = canvas.axes(MARGIN + k * (PANEL + GAP), top, width, grid.height)
        axes.imshow(colors, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        _mark(axes, grid.place_of_worst())


def _mark(axes: Axes, place: tuple[int, int] | None) -> None:
    if place is None:
        return
    from matplotlib.patches import Rectangle

    row, column = place
    frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=style.INK, lw=1.4)
    frame.set_clip_on(False)
    axes.add_patch(frame)


def _largest(*arrays: NDArray) -> float:
    finite = [np.abs(a[np.isfinite(a)]) for a in arrays]
    return max((float(a.max()) for a in finite if a.size), default=0.0) or 1.0


def _signed(values: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Colour numbers (rows, columns): blue below zero, orange above, white at zero."""
    colors = _between(np.clip(values / size, -1, 1), (-1.0, 0.0, 1.0), SIGNED)
    return _without_nan(values, colors)


def _distances(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour distances in error bars: pale up to 20, then from yellow to dark red."""
    with np.errstate(all="ignore"):
        power = np.clip(np.nan_to_num(np.log10(distance), nan=LOW, neginf=LOW), LOW, HIGH)
    limit = math.log10(BARS)
    stops = (LOW, limit - 1e-9, limit, (limit + HIGH) / 2, HIGH)
    return _without_nan(distance, _between(power, stops, DISTANT))


SIGNED = ("#1f5592", "#fbfbf9", "#c2500f")
DISTANT = ("#e9f0f6", "#c9dced", "#fcd9a5", "#e2641f", "#7a1206")


def _between(
    values: NDArray[np.float64], stops: Sequence[float], colors: Sequence[str]
) -> NDArray[np.float64]:
    channels = np.array([_rgb(color) for color in colors]).T  # (3, stops)
    flat = np.nan_to_num(values, nan=0.0)
    return np.stack([np.interp(flat, stops, channel) for channel in channels], axis=-1)


def _without_nan(values: NDArray, colors: NDArray) -> NDArray:
    colors[np.isnan(values)] = _rgb(UNKNOWN)
    return colors


def _rgb(color: str) -> tuple[float, float, float]:
    r, g, b = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return r, g, b


def _draw_scales(canvas: _Canvas, top: float) -> None:
    """Explain the colours below the pictures."""
    signed = _signed(np.linspace(-1, 1, 256)[None], 1.0)
    distant = _distances(np.logspace(LOW, HIGH, 256)[None])
    span = HIGH - LOW
    for k, heading in enumerate(HEADINGS):
        left = MARGIN + k * (PANEL + GAP)
        canvas.write(left, top, heading, style.INK, style.SMALL)
        axes = canvas.axes(left, top + LINE + 0.02, PANEL * 0.8, 0.08)
        axes.imshow(signed if k < 2 else distant, aspect="auto", extent=(0, 1, 0, 1))
        axes.set_yticks([])
        if k < 2:
            axes.set_xticks([0, 0.5, 1], ["-max", "0", "max"])
        else:
            powers = (math.log10(BARS), 6.0, HIGH)
            words = [f"{BARS:g}", "10⁶", "10⁹"]
            axes.set_xticks([(p - LOW) / span for p in powers], words)
        axes.tick_params(colors=style.MUTED, labelsize=style.SMALL - 1.5, length=0, pad=2)
        for spine in axes.spines.values():
            spine.set_visible(False)
