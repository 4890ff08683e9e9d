"""A contact sheet of pairs: two images side by side, where they lie underneath."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.data.audit import Audit, Pair, labels_of
from minicnn.data.montage import fit_text, to_bytes
from minicnn.errors import ArgumentError
from minicnn.files import write_atomically

PAPER, INK, ALARM = (255, 255, 255), (0, 0, 0), (176, 32, 32)
GAP = 10  # pixels between two pairs
SEAM = 2  # between the two images of a pair
SMALLEST, LARGEST = 96, 224  # of an image, in pixels
LINE = 15  # height of a line of text
COLUMNS = 4


def pair_sheet(audit: Audit, pairs: Sequence[Pair]) -> NDArray[np.uint8]:
    """Arrange pairs in rows: (H, W, 3).

    The caption says how similar the two are, in red where they count as duplicates, and the
    part, the class and the file or number of each.

    Raises
    ------
    ArgumentError
        If there is no pair.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not pairs:
        raise ArgumentError("there is no pair to draw; give at least one")
    _, height, width = audit.splits.image_shape
    scale = max(1, -(-SMALLEST // max(height, width)))
    shrink = max(1.0, max(height, width) / LARGEST)
    cell = (round(width * scale / shrink), round(height * scale / shrink))
    pair_width, pair_height = 2 * cell[0] + SEAM, cell[1] + 3 * LINE + 4
    columns = min(COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    sheet = Image.new(
        "RGB",
        (GAP + columns * (pair_width + GAP), GAP + rows * (pair_height + GAP)),
        PAPER,
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for place, pair in enumerate(pairs):
        left = GAP + place % columns * (pair_width + GAP)
        top = GAP + place // columns * (pair_height + GAP)
        twins = pair.exact or pair.similarity >= audit.near
        words = "identical" if pair.exact else f"similarity {pair.similarity:.3f}"
        lines = [(f"{words}{'' if twins else ' (no duplicate)'}", ALARM if twins else INK)]
        for side, (part, number) in enumerate(
            zip(pair.parts, (pair.first, pair.second), strict=True)
        ):
            dataset = audit.splits.part(part)
            image = to_bytes(dataset.images[number])  # (C, H, W)
            grey = len(image) == 1
            picture = Image.fromarray(image[0] if grey else image.transpose(1, 2, 0))
            picture = picture.resize(
                cell, Image.Resampling.NEAREST if shrink == 1 else Image.Resampling.BOX
            )
            sheet.paste(picture, (left + side * (cell[0] + SEAM), top))
            where = str(number) if dataset.names is None else Path(dataset.names[number]).name
            what = ", ".join(labels_of(dataset, number)) or "no finding"
            lines.append((f"{part}: {where}, {what}", INK))
        for row, (line, ink) in enumerate(lines):
            text = fit_text(line, pair_width, font.getlength)
            draw.text((left, top + cell[1] + 3 + row * LINE), text, fill=ink, font=font)
    return np.asarray(sheet)


def save_pair_sheet(audit: Audit, pairs: Sequence[Pair], path: str | Path) -> None:
    """Write `pair_sheet` as a PNG file, all or nothing."""
    from PIL import Image

    pixels = pair_sheet(audit, pairs)
    with write_atomically(path) as file:
        Image.fromarray(pixels).save(file, format="PNG")
