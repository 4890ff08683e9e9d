"""The few pieces of HTML the report is made of; every text that comes in is escaped here."""

from __future__ import annotations

import base64
import html
import io
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def escape(text: Any) -> str:
    """Make any text safe inside an element or an attribute."""
    return html.escape(str(text), quote=True)


def paragraph(text: Any, css: str = "") -> str:
    """Return one paragraph."""
    return f"<p{_class(css)}>{escape(text)}</p>"


def table(
    rows: Iterable[Sequence[Any]], head: Sequence[Any] = (), numbers_from: int = 1, css: str = ""
) -> str:
    """Return a table; the columns from ``numbers_from`` on are aligned as numbers.

    The first cell of each row is its heading. A wide table scrolls by itself.
    """

    def cell(value: Any, column: int, tag: str) -> str:
        return f"<{tag}{_class('number' if column >= numbers_from else '')}>{escape(value)}</{tag}>"

    top = "".join(cell(value, i, "th") for i, value in enumerate(head))
    body = "".join(
        "<tr>" + "".join(cell(v, i, "td" if i else "th") for i, v in enumerate(row)) + "</tr>"
        for row in rows
    )
    thead = f"<thead><tr>{top}</tr></thead>" if top else ""
    return f'<div class="scroll"><table{_class(css)}>{thead}<tbody>{body}</tbody></table></div>'


def picture(png: bytes, alt: str, css: str = "", scale: float = 1.0) -> str:
    """Return an image that carries its own bytes, ``scale`` screen pixels per pixel."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<img{_class(css)} width="{png_size(png)[0] * scale:.0f}" '
        f'src="data:image/png;base64,{data}" alt="{escape(alt)}">'
    )


def png_size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG file, which its header holds in bytes 16 to 23."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def section(title: str, *parts: str) -> str:
    """Return a titled section, or nothing where it has no content."""
    content = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(title)}</h2>\n{content}\n</section>" if content else ""


def details(title: str, *parts: str) -> str:
    """Return a part that opens on a click."""
    return f"<details><summary>{escape(title)}</summary>\n{''.join(parts)}\n</details>"


def image_to_png(image: NDArray) -> bytes:
    """Turn one image (C, H, W), uint8 or float, into the bytes of a PNG file."""
    from PIL import Image

    from minicnn.plots.images import for_display

    pixels = np.rint(255 * for_display(image)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return file.getvalue()


def read_png(source: bytes | str | Path) -> bytes:
    """Return the bytes of a PNG, given them or the path of the file."""
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _class(css: str) -> str:
    return f' class="{css}"' if css else ""
