"""One look for all pictures: colours, sizes, and how a figure becomes a PNG file."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from minicnn.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Target = str | Path | BinaryIO

INK = "#1c2733"  # text
MUTED = "#66727f"  # axes, second lines
GRID = "#e4e9ee"
TRAIN = "#2b6cb0"  # blue: what the model learned from, and the main curve
VAL = "#d9661f"  # orange: what it did not see
THIRD = "#2f855a"  # green: a second measure of the same data
DPI = 144
TITLE, TEXT, SMALL = 11.5, 9.5, 8.5


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of ``width`` by ``height`` inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # The first use of matplotlib announces that it builds a list of fonts: of no interest here.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def chart(width: float, height: float) -> Figure:
    """Return a figure that arranges its axes by itself, with a margin around them."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = new_figure(width, height)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12, wspace=0.06))
    return figure


def style_axes(
    axes: Axes, title: str, x_label: str = "", y_label: str = "", title_pad: float = 10
) -> None:
    """Give axes a title on the left, pale grid lines, and no box."""
    axes.set_title(plain(title), loc="left", fontsize=TITLE, color=INK, pad=title_pad)
    axes.set_xlabel(x_label, fontsize=TEXT, color=MUTED)
    axes.set_ylabel(y_label, fontsize=TEXT, color=MUTED)
    axes.tick_params(colors=MUTED, labelsize=SMALL, length=0)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRID)


def legend_above(axes: Axes) -> None:
    """Put the legend in one row above the curves, where it hides nothing (title_pad 28)."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.015, 0.99),
        ncols=3,
        fontsize=SMALL,
        frameon=False,
        labelcolor=INK,
        handlelength=1.4,
        columnspacing=1.2,
    )


def legend_on_top(axes: Axes, title: str, columns: int = 2) -> None:
    """Put a legend of several rows between the axes and their title, which moves up."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.015, 1.0),
        ncols=columns,
        fontsize=SMALL,
        frameon=False,
        labelcolor=INK,
        handlelength=1.8,
        columnspacing=1.2,
    )
    rows = -(-len(axes.get_legend_handles_labels()[0]) // columns)
    axes.set_title(plain(title), loc="left", fontsize=TITLE, color=INK, pad=14 + 12.5 * rows)


def save(figure: Figure, target: Target) -> None:
    """Write a PNG file, all or nothing, or into an open binary file.

    The same figure gives the same bytes: no date and no version is written.
    """
    picture = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script the font lacks is drawn as boxes; that is no reason to complain.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(picture, format="png", metadata={"Software": None})
    if isinstance(target, str | Path):
        with write_atomically(target) as file:
            file.write(picture.getvalue())
    else:
        target.write(picture.getvalue())


def plain(text: str, limit: int | None = None) -> str:
    """Make a text from the data safe to draw: no formulas, one line, at most ``limit`` letters."""
    text = " ".join(str(text).split())
    if limit is not None and len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def sequential() -> Colormap:
    """Colours from white (0) to dark blue (1), for shares."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "shares", ["#f7fafc", "#d3e3f2", "#8fbbe0", "#3f83c4", "#1f5592", "#123a68"]
    )


def ranked_colors(count: int) -> Sequence[tuple[float, float, float, float]]:
    """Colours for ``count`` lines that have an order, from dark blue to yellow-green."""
    from matplotlib import colormaps

    last = max(count - 1, 1)
    return [colormaps["viridis"](0.08 + 0.8 * i / last) for i in range(count)]
