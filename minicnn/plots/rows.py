"""A row per X-ray, a column per version of it: augmented, or before and after each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ShapeError
from minicnn.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches: an image, the space between two, a line of text, the picture of the grey levels.
IMAGE, GAP, LINE, HISTOGRAM = 1.3, 0.09, 0.16, 1.9
HEAD = 21  # letters that fit above an image
BINS = 64


def plot_rows(
    columns: Sequence[tuple[str, NDArray]],
    captions: Sequence[str],
    target: style.Target,
    *,
    title: str = "",
    histograms: bool = False,
) -> None:
    """Draw the versions of some images side by side.

    Parameters
    ----------
    columns
        The head of each column, of one line or two, and its K images (K, C, H, W), floats in
        [0, 1] (what lies outside is shown black or white); sizes may differ from column to
        column.
    captions
        K texts, one under each row.
    target
        A path, or an open binary file, for the PNG.
    title
        Above all.
    histograms
        Whether a last column shows how often each grey level is, in the first version and
        in the last.

    Raises
    ------
    ShapeError
        If there is no image, or not one in each column for each caption.
    """
    count = len(captions)
    for head, images in columns:
        if images.ndim != 4 or len(images) != count or count == 0:
            raise ShapeError(
                f"the column {head!r} has images of shape {images.shape} for {count} captions; "
                f"expected (K, C, H, W) with K at least 1, and one caption each"
            )
    lines = max(head.count("\n") + 1 for head, _ in columns)
    above = (0.42 if title else GAP) + lines * LINE + 0.05
    width = GAP + len(columns) * (IMAGE + GAP)
    width += HISTOGRAM + 3 * GAP if histograms else 0
    height = above + count * (IMAGE + LINE + 0.12) + GAP
    figure = style.new_figure(width, height)

    def box(left: float, top: float, across: float) -> tuple[float, float, float, float]:
        return left / width, 1 - (top + IMAGE) / height, across / width, IMAGE / height

    def write(left: float, top: float, text: str, color: str, size: float) -> None:
        figure.text(
            left / width, 1 - top / height, style.plain(text), va="top", color=color, fontsize=size
        )

    if title:
        write(GAP, 0.12, title, style.INK, style.TITLE)
    for c, (head, images) in enumerate(columns):
        left = GAP + c * (IMAGE + GAP)
        for i, line in enumerate(reversed(head.split("\n"))):
            # The last line stands on the image.
            top = above - (i + 1) * LINE - 0.03
            write(left, top, style.plain(line, HEAD), style.MUTED, style.SMALL - 1)
        for r, image in enumerate(images):
            axes = figure.add_axes(box(left, above + r * (IMAGE + LINE + 0.12), IMAGE))
            shown = np.clip(image.astype(np.float64), 0, 1)
            picture = shown.transpose(1, 2, 0) if len(shown) == 3 else shown.mean(axis=0)
            # Pixels stay visible: this is what the network sees.
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_axis_off()
    for r, caption in enumerate(captions):
        top = above + r * (IMAGE + LINE + 0.12)
        write(GAP, top + IMAGE + 0.03, caption, style.INK, style.SMALL - 0.5)
        if histograms:
            left = GAP + len(columns) * (IMAGE + GAP) + 2 * GAP
            axes = figure.add_axes(box(left, top, HISTOGRAM))
            _histograms(axes, columns[0][1][r], columns[-1][1][r])
    if histograms:
        left = GAP + len(columns) * (IMAGE + GAP) + 2 * GAP
        write(left, above - LINE - 0.03, "grey levels: ", style.MUTED, style.SMALL - 0.5)
        write(left + 0.72, above - LINE - 0.03, "before", style.TRAIN, style.SMALL - 0.5)
        write(left + 1.12, above - LINE - 0.03, "after", style.VAL, style.SMALL - 0.5)
    style.save(figure, target)


def _histograms(axes: Axes, before: NDArray, after: NDArray) -> None:
    edges = np.linspace(0, 1, BINS + 1)
    for image, color in ((before, style.TRAIN), (after, style.VAL)):
        share, _ = np.histogram(np.clip(image, 0, 1), edges)
        axes.stairs(share / image.size, edges, fill=True, color=color, alpha=0.45, linewidth=0)
        axes.stairs(share / image.size, edges, color=color, linewidth=0.9)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["black", "", "white"])
    axes.set_yticks([])
    axes.tick_params(colors=style.MUTED, labelsize=style.SMALL - 1.5, length=0, pad=2)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(style.GRID)
    first, *_, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
