"""One image file as uint8 pixels of a given size."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ArgumentError, DataError
from minicnn.shapes import pair

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (
    ".bmp",
    ".gif",
    ".jfif",
    ".jpeg",
    ".jpg",
    ".pbm",
    ".pgm",
    ".png",
    ".pnm",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def read_image(path: str | Path, channels: int, size: int | tuple[int, int]) -> NDArray[np.uint8]:
    """Read an image file of any mode and size.

    Every pixel of a smaller result is the mean over the area it covers, so nothing
    aliases; a larger result is interpolated. The whole image is kept: where its sides are
    in another proportion, it is squeezed. Transparency lies on black. Pixels deeper than 8
    bits are scaled from the smallest of 8, 10, 12, 14 or 16 bits that holds the brightest
    one; other integers and floats are stretched between their extremes.

    Parameters
    ----------
    path
        The file.
    channels
        1 for grey, 3 for RGB.
    size
        Height and width of the result; one int for a square.

    Returns
    -------
    NDArray[np.uint8]
        (C, H, W).

    Raises
    ------
    DataError
        If the file is missing, empty, no image, cut short, or larger than Pillow's
        safety limit (about 89 million pixels); the message names the file.
    ArgumentError
        If ``channels`` or ``size`` is out of range.
    """
    check_channels(channels)
    height, width = pair(size, "size")
    with quiet_pillow():
        try:
            return decode_image(Path(path), channels, (height, width))
        except DataError as error:
            raise DataError(f"cannot read {path}: {error}") from error


def check_channels(channels: int) -> None:
    """Refuse a number of channels other than 1 (grey) and 3 (RGB)."""
    if channels not in (1, 3):
        raise ArgumentError(
            f"channels is {channels!r}; image files are read as 1 (grey) or 3 (RGB)"
        )


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow from warning about files that `decode_image` reports by itself.

    Warning filters belong to the whole process, so this stands around the threads that
    decode, not inside them.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def decode_image(path: Path, channels: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Do the work of `read_image`; errors give the reason alone, without the file's name."""
    with _opened(path) as image:
        if image.mode in _DEEP_MODES:
            return _decode_deep(image, channels, size)
        small = _resize(_flatten(image, channels), size)
        pixels = np.asarray(small, dtype=np.uint8)  # (H, W) or (H, W, 3)
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))  # (C, H, W)


def colourfulness(path: Path) -> float:
    """Return how far red, green and blue lie apart, as a mean over a small copy, 0 .. 255."""
    pixels = decode_image(path, 3, (32, 32)).astype(np.int16)  # (3, 32, 32)
    return float((pixels.max(axis=0) - pixels.min(axis=0)).mean())


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        if path.stat().st_size == 0:
            raise DataError("the file is empty")
        with Image.open(path) as image:
            # Pillow refuses at twice this limit; at once it only warns.
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise _too_large(f"{image.width} x {image.height} pixels")
            image.load()
            yield ImageOps.exif_transpose(image) if image.getexif().get(0x0112, 1) != 1 else image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(str(error)) from error
    except UnidentifiedImageError as error:
        raise DataError("it is not an image, or of a kind Pillow does not know") from error
    except FileNotFoundError as error:
        raise DataError("there is no such file") from error
    except DataError:
        raise
    except MemoryError as error:
        raise DataError("it needs more memory than this computer has") from error
    except Exception as error:
        # Pillow's decoders raise whatever the damage happens to hit: OSError, SyntaxError,
        # ValueError, struct.error, zlib.error, IndexError, ...
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DataError(f"it is damaged or cut short ({reason or type(error).__name__})") from error


def _too_large(what: str) -> DataError:
    return DataError(f"it is too large to be an X-ray, or a decompression bomb ({what})")


def _flatten(image: Image, channels: int) -> Image:
    """Convert any 8-bit mode to grey or RGB, transparency to black."""
    from PIL import Image as Images

    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        if image.mode == "La":
            image = image.convert("LA")
        image = image.convert("RGBA")
        black = Images.new("RGBA", image.size, (0, 0, 0, 255))
        image = Images.alpha_composite(black, image)
    elif image.mode in ("LAB", "HSV", "P"):
        image = image.convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def _resize(image: Image, size: tuple[int, int]) -> Image:
    from PIL import Image as Images

    height, width = size
    if image.size == (width, height):
        return image
    shrinks = image.width >= width and image.height >= height
    method = Images.Resampling.BOX if shrinks else Images.Resampling.BILINEAR
    return image.resize((width, height), method)


def _decode_deep(image: Image, channels: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image as Images

    values = np.asarray(image).astype(np.float32)  # (H, W)
    if not np.isfinite(values).all():
        raise DataError("it holds pixels that are NaN or infinite")
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" or low < 0 or high > 65535:
        scaled = (values - low) * (255 / (high - low) if high > low else 0.0)
    else:
        bits = next(bits for bits in (8, 10, 12, 14, 16) if high < 2**bits)
        scaled = values * np.float32(255 / (2**bits - 1))
    small = np.asarray(_resize(Images.fromarray(scaled.astype(np.float32)), size))  # (H, W)
    pixels = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    return np.repeat(pixels[None], channels, axis=0)  # (C, H, W)
