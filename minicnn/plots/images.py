"""A grid of X-rays with a line or two under each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ShapeError
from minicnn.plots import style

# Inches: an image, the space between two, and one line of text.
IMAGE, GAP, LINE = 1.55, 0.12, 0.15
CAPTION = 25  # letters


def plot_images(
    images: NDArray,
    captions: Sequence[Sequence[str]],
    target: style.Target,
    *,
    columns: int = 6,
    title: str = "",
) -> None:
    """Draw images in rows, each above its caption.

    Parameters
    ----------
    images
        (K, C, H, W) with C 1 or 3; uint8, or floats in [0, 1] (others are stretched).
    captions
        K captions of some lines each; the first is in the colour of the text.
    target
        A path, or an open binary file, for the PNG.

    Raises
    ------
    ShapeError
        If there is no image, or not one caption each.
    """
    if images.ndim != 4 or len(images) == 0 or len(images) != len(captions):
        raise ShapeError(
            f"images has shape {images.shape} with {len(captions)} captions; "
            f"expected (K, C, H, W) with K at least 1, and one caption each"
        )
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    below = LINE * max(len(c) for c in captions) + GAP
    above = 0.4 if title else GAP
    width = columns * (IMAGE + GAP) + GAP
    height = above + rows * (IMAGE + below) + GAP
    figure = style.new_figure(width, height)
    if title:
        figure.text(
            GAP / width,
            1 - 0.12 / height,
            style.plain(title),
            va="top",
            fontsize=style.TITLE,
            color=style.INK,
        )
    for k, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(k, columns)
        left = GAP + column * (IMAGE + GAP)  # inches from the left, and from the top
        top = above + row * (IMAGE + below)
        axes = figure.add_axes(
            (left / width, 1 - (top + IMAGE) / height, IMAGE / width, IMAGE / height)
        )
        # Pixels stay visible: this is what the network saw.
        axes.imshow(for_display(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        for i, line in enumerate(caption):
            figure.text(
                left / width,
                1 - (top + IMAGE + 0.05 + LINE * i) / height,
                style.plain(line, CAPTION),
                va="top",
                fontsize=style.SMALL - 1.2,
                color=style.INK if i == 0 else style.MUTED,
            )
    style.save(figure, target)


def for_display(image: NDArray) -> NDArray[np.float64]:
    """Turn (C, H, W) into (H, W) or (H, W, 3) in [0, 1]."""
    pixels = image.astype(np.float64)
    if image.dtype == np.uint8:
        pixels /= 255
    elif pixels.min() < 0 or pixels.max() > 1:
        low, high = pixels.min(), pixels.max()
        pixels = (pixels - low) / (high - low or 1.0)
    if len(pixels) == 3:
        return pixels.transpose(1, 2, 0)
    return pixels.mean(axis=0)
