"""A contact sheet: images side by side, each with its label under it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.data.dataset import Dataset
from minicnn.files import write_atomically

PAPER, INK = 255, 0  # grey levels
GAP = 6  # pixels between two images
SMALLEST_CELL = 96  # small images are enlarged to at least this
CAPTION = 18  # height of a line of text


def montage(dataset: Dataset, count: int = 24, columns: int | None = None) -> NDArray[np.uint8]:
    """Arrange images of a data set in rows, each class in turn, labels underneath.

    Parameters
    ----------
    dataset
        The images; floats are stretched from their smallest to their largest value.
    count
        How many to show; fewer where there are fewer.
    columns
        Images per row; None takes more columns than rows, and leaves few gaps.

    Returns
    -------
    NDArray[np.uint8]
        (H, W) grey, or (H, W, 3) in colour.

    Raises
    ------
    ArgumentError
        If ``count`` or ``columns`` is no whole number of at least 1.
    """
    from PIL import Image, ImageDraw, ImageFont

    chosen = choose(dataset, check_count("count", count))
    if columns is None:
        columns = _good_columns(len(chosen))
    columns = min(check_count("columns", columns), max(1, len(chosen)))
    rows = -(-len(chosen) // columns)
    channels, height, width = dataset.image_shape
    # Whole multiples, so that the pixels stay visible as they are.
    scale = max(1, -(-SMALLEST_CELL // max(height, width)))
    cell_h, cell_w = height * scale, width * scale
    sheet = Image.new(
        "RGB" if channels == 3 else "L",
        (GAP + columns * (cell_w + GAP), GAP + rows * (cell_h + CAPTION + GAP)),
        (PAPER,) * 3 if channels == 3 else PAPER,
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    ink = (INK,) * 3 if channels == 3 else INK
    pixels = to_bytes(dataset.images[chosen])  # (n, C, H, W)
    for place, (image, index) in enumerate(zip(pixels, chosen, strict=True)):
        left = GAP + place % columns * (cell_w + GAP)
        top = GAP + place // columns * (cell_h + CAPTION + GAP)
        picture = Image.fromarray(image.transpose(1, 2, 0) if channels == 3 else image[0])
        sheet.paste(picture.resize((cell_w, cell_h), Image.Resampling.NEAREST), (left, top))
        caption = fit_text(caption_of(dataset, index), cell_w, font.getlength)
        draw.text((left, top + cell_h + 2), caption, fill=ink, font=font)
    return np.asarray(sheet)


def save_montage(
    dataset: Dataset, path: str | Path, count: int = 24, columns: int | None = None
) -> None:
    """Write `montage` as a PNG file."""
    from PIL import Image

    with write_atomically(path) as file:
        Image.fromarray(montage(dataset, count, columns)).save(file, format="PNG")


def choose(dataset: Dataset, count: int) -> NDArray[np.int64]:
    """Choose images evenly spread over the data set, the classes taking turns."""
    count = min(count, len(dataset))
    if dataset.multilabel:
        return np.linspace(0, len(dataset) - 1, count).round().astype(np.int64)
    members = [np.flatnonzero(dataset.labels == k) for k in range(len(dataset.classes))]
    members = [one for one in members if len(one)]
    # Deal out places one class after the other until all are taken.
    places = [0] * len(members)
    turn = 0
    while sum(places) < count:
        if places[turn % len(members)] < len(members[turn % len(members)]):
            places[turn % len(members)] += 1
        turn += 1
    spread = [
        one[np.linspace(0, len(one) - 1, number).round().astype(np.int64)]
        for one, number in zip(members, places, strict=True)
    ]
    order = [
        (position, k, index)
        for k, indices in enumerate(spread)
        for position, index in enumerate(indices)
    ]
    return np.array([index for _, _, index in sorted(order)], dtype=np.int64)


def _good_columns(count: int) -> int:
    ideal = max(1.0, (2 * count) ** 0.5)  # half as many rows
    near = range(max(1, round(0.75 * ideal)), round(1.4 * ideal) + 1)
    return min(near, key=lambda columns: (-count % columns, abs(columns - ideal)))


def caption_of(dataset: Dataset, index: int) -> str:
    """Return the class of an image, or its findings."""
    if not dataset.multilabel:
        return dataset.classes[dataset.labels[index]]
    shown = [dataset.classes[k] for k in np.flatnonzero(dataset.labels[index])]
    return ", ".join(shown) or "no finding"


def fit_text(text: str, width: float, length_of: object) -> str:
    """Cut a text off with dots where ``length_of(text)`` is more than ``width``."""
    assert callable(length_of)
    if length_of(text) <= width:
        return text
    while text and length_of(text + "...") > width:
        text = text[:-1]
    return text + "..."


def to_bytes(images: NDArray) -> NDArray[np.uint8]:
    """Return images as grey levels; floats are stretched from their smallest to their largest."""
    if images.dtype == np.uint8:
        return images
    low, high = float(images.min()), float(images.max())
    scaled = (images - low) * (255 / (high - low) if high > low else 0.0)
    return np.rint(scaled).astype(np.uint8)
