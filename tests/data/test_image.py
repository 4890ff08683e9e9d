from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn.data import read_image
from minicnn.data.image import colourfulness
from minicnn.errors import ArgumentError, DataError

GREY = np.random.default_rng(0).integers(0, 256, (12, 18), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (12, 18, 3), dtype=np.uint8)


def area_means(pixels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    height, width = pixels.shape
    return pixels.reshape(rows, height // rows, columns, width // columns).mean(axis=(1, 3))


def test_shrinks_by_the_mean_over_each_area(tmp_path: Path, paint: Callable[..., Path]) -> None:
    path = paint(tmp_path / "a.png", GREY)
    pixels = read_image(path, 1, (4, 6))
    assert pixels.shape == (1, 4, 6) and pixels.dtype == np.uint8
    assert np.abs(pixels[0] - area_means(GREY, 4, 6)).max() <= 1


def test_one_size_means_a_square(tmp_path: Path, paint: Callable[..., Path]) -> None:
    assert read_image(paint(tmp_path / "a.png", GREY), 1, 5).shape == (1, 5, 5)
    assert read_image(paint(tmp_path / "a.png", GREY), 3, 30).shape == (3, 30, 30)  # enlarged


def test_the_same_size_keeps_every_pixel(tmp_path: Path, paint: Callable[..., Path]) -> None:
    assert np.array_equal(read_image(paint(tmp_path / "a.png", GREY), 1, (12, 18))[0], GREY)
    colour = read_image(paint(tmp_path / "b.png", COLOUR), 3, (12, 18))
    assert np.array_equal(colour.transpose(1, 2, 0), COLOUR)
    assert colour.flags.c_contiguous


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("1", "png"),
        ("L", "png"),
        ("LA", "png"),
        ("P", "png"),
        ("P", "gif"),
        ("RGB", "png"),
        ("RGBA", "png"),
        ("RGB", "bmp"),
        ("RGB", "webp"),
        ("CMYK", "tif"),
        ("CMYK", "jpg"),
        ("YCbCr", "tif"),
        ("LAB", "tif"),
        ("I;16", "png"),
        ("I", "tif"),
        ("F", "tif"),
    ],
)
def test_reads_every_mode_as_grey_and_as_colour(tmp_path: Path, mode: str, suffix: str) -> None:
    # Dark on the left, bright on the right, whatever the mode.
    ramp = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None], 32, axis=0)  # (H, W)
    if mode == "I;16":
        image = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode == "LAB":
        image = Image.frombytes("LAB", (32, 32), np.stack([ramp, ramp * 0, ramp * 0], 2).tobytes())
    elif mode in ("I", "F"):
        image = Image.fromarray(ramp.astype(np.int32 if mode == "I" else np.float32))
    else:
        image = Image.fromarray(ramp).convert("RGB").convert(mode)
    path = tmp_path / f"a.{suffix}"
    image.save(path)
    for channels in (1, 3):
        pixels = read_image(path, channels, 8)
        assert pixels.shape == (channels, 8, 8)
        column_means = pixels.mean(axis=(0, 1))
        assert column_means[0] < 60 and column_means[-1] > 195
        assert (np.diff(column_means) > 0).all()


@pytest.mark.parametrize(("bits", "top"), [(8, 255), (10, 1023), (12, 4095), (16, 65535)])
def test_deep_pixels_are_scaled_by_their_bits(tmp_path: Path, bits: int, top: int) -> None:
    deep = np.linspace(0, top, 16).astype(np.uint16).reshape(4, 4)
    Image.fromarray(deep).save(tmp_path / "a.png")
    pixels = read_image(tmp_path / "a.png", 1, 4)[0]
    assert np.abs(pixels - np.linspace(0, 255, 16).reshape(4, 4)).max() <= 1


def test_odd_floats_are_stretched(tmp_path: Path) -> None:
    values = np.linspace(-3, 5, 16, dtype=np.float32).reshape(4, 4)
    Image.fromarray(values).save(tmp_path / "a.tif")
    pixels = read_image(tmp_path / "a.tif", 1, 4)
    assert (pixels.min(), pixels.max()) == (0, 255)
    Image.fromarray(values * 0 + 7).save(tmp_path / "flat.tif")
    assert not read_image(tmp_path / "flat.tif", 1, 4).any()
    Image.fromarray(values * np.nan).save(tmp_path / "nan.tif")
    with pytest.raises(DataError, match="nan.tif: it holds pixels that are NaN"):
        read_image(tmp_path / "nan.tif", 1, 4)


def test_transparency_lies_on_black(tmp_path: Path) -> None:
    pixels = np.full((4, 4, 4), 200, dtype=np.uint8)
    pixels[:2, :, 3] = 0
    pixels[2:, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", 1, 4)[0, :, 0].tolist() == [0, 0, 200, 200]


def test_a_turned_photograph_is_set_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png", 1, (18, 12))[0], np.rot90(GREY, -1))


def bomb(path: Path, width: int, height: int) -> Path:
    """Write a PNG of a few kilobytes that claims to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    return path


def jpeg(quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(GREY).resize((200, 200)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("text.png", b"I am no picture", "it is not an image"),
        ("empty.png", b"", "the file is empty"),
        ("cut.jpeg", jpeg()[:2000], "damaged or cut short"),
        ("head.jpeg", jpeg()[:20], "not an image|damaged or cut short"),
        ("zeros.jpg", bytes(5000), "it is not an image"),
    ],
)
def test_names_a_bad_file_and_says_why(
    tmp_path: Path, name: str, body: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(DataError, match=f"cannot read .*{name}: .*({message})") as caught:
        read_image(tmp_path / name, 1, 28)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none.png: there is no such file"):
        read_image(tmp_path / "none.png", 1, 28)


def test_a_png_cut_short(tmp_path: Path, paint: Callable[..., Path]) -> None:
    path = paint(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(DataError, match="damaged or cut short"):
        read_image(path, 1, 28)


# Pillow raises at the first size and only warns at the second.
@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (10_000, 10_000)])
def test_a_decompression_bomb_is_not_unpacked(tmp_path: Path, width: int, height: int) -> None:
    path = bomb(tmp_path / "bomb.png", width, height)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(DataError, match="bomb.png: it is too large to be an X-ray, or a decom"):
            read_image(path, 1, 28)
    assert not told


def test_a_bomb_is_stopped_where_pillow_only_warns(tmp_path: Path) -> None:
    from minicnn.data.image import decode_image

    path = bomb(tmp_path / "bomb.png", 10_000, 10_000)
    with (
        pytest.warns(Image.DecompressionBombWarning),
        pytest.raises(DataError, match="10000 x 10000 pixels"),
    ):
        # As in a thread that somebody else started.
        warnings.simplefilter("always")
        decode_image(path, 1, (28, 28))


@pytest.mark.parametrize(("channels", "size"), [(2, 28), (0, 28), (1, 0), (1, (28, -1))])
def test_refuses_odd_channels_and_sizes(tmp_path: Path, channels: int, size: object) -> None:
    with pytest.raises(ArgumentError, match="channels is|size is"):
        read_image(tmp_path / "a.png", channels, size)  # type: ignore[arg-type]


def test_tells_colour_from_grey_stored_as_colour(
    tmp_path: Path, paint: Callable[..., Path]
) -> None:
    assert colourfulness(paint(tmp_path / "a.png", GREY, "RGB")) == 0
    assert colourfulness(paint(tmp_path / "a.jpg", GREY, "RGB")) < 3
    assert colourfulness(paint(tmp_path / "b.png", COLOUR)) > 30
