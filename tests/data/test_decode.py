from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minicnn.data import decode
from minicnn.data.decode import decode_images
from minicnn.data.image import decode_image
from minicnn.errors import ArgumentError, DataError

Paint = Callable[..., Path]


@pytest.fixture
def count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    decoded: list[str] = []

    def count(path: Path, channels: int, size: tuple[int, int]) -> np.ndarray:
        decoded.append(path.name)
        return decode_image(path, channels, size)

    monkeypatch.setattr(decode, "decode_image", count)
    return decoded


@pytest.fixture
def names(tmp_path: Path, paint: Paint) -> list[str]:
    for i in range(6):
        paint(tmp_path / "in" / f"{i}.png")
    return [f"in/{i}.png" for i in range(6)]


def test_decodes_in_the_order_of_the_names(tmp_path: Path, names: list[str]) -> None:
    told: list[tuple[int, int | None]] = []
    decoded = decode_images(
        tmp_path, names[::-1], 16, progress=lambda done, total: told.append((done, total))
    )
    assert decoded.images.shape == (6, 1, 16, 16)
    assert decoded.kept.tolist() == list(range(6))
    for name, image in zip(names[::-1], decoded.images, strict=True):
        assert np.array_equal(image, decode_image(tmp_path / name, 1, (16, 16)))
    assert told == [(i, 6) for i in range(1, 7)]
    assert decoded.note() == []


def test_is_decoded_once(tmp_path: Path, names: list[str], count_decoded: list[str]) -> None:
    first = decode_images(tmp_path, names, 16)
    again = decode_images(tmp_path, names, 16)
    assert len(count_decoded) == 6
    assert np.array_equal(first.images, again.images)


@pytest.mark.parametrize("change", ["size", "channels", "names", "date", "content"])
def test_any_change_decodes_again(
    tmp_path: Path, names: list[str], paint: Paint, change: str, count_decoded: list[str]
) -> None:
    decode_images(tmp_path, names, 16)
    count_decoded.clear()
    if change == "date":
        os.utime(tmp_path / names[0], ns=(1, 1))
    if change == "content":
        paint(tmp_path / names[0], np.full((3, 3), 9, np.uint8))
    decoded = decode_images(
        tmp_path,
        names[1:] if change == "names" else names,
        17 if change == "size" else 16,
        3 if change == "channels" else None,
    )
    assert len(count_decoded) == len(decoded.images)
    if change == "content":
        assert (decoded.images[0] == 9).all()


@pytest.mark.parametrize("damage", ["cut", "foreign"])
def test_a_damaged_cache_is_made_anew(
    tmp_path: Path, names: list[str], cache_dir: Path, damage: str
) -> None:
    first = decode_images(tmp_path, names, 16)
    (kept,) = (cache_dir / "prepared").iterdir()
    if damage == "cut":
        kept.write_bytes(kept.read_bytes()[:900])
    else:
        np.savez(kept, images=np.zeros((5, 1, 16, 16), np.uint8), kept=np.arange(6), reasons=[])
    assert np.array_equal(decode_images(tmp_path, names, 16).images, first.images)


def test_bad_files_are_skipped_and_named_with_and_without_the_cache(
    tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / names[1]).write_text("no image")
    (tmp_path / names[4]).write_bytes(b"")
    for _ in range(2):
        decoded = decode_images(tmp_path, names, 16)
        assert decoded.kept.tolist() == [0, 2, 3, 5]
        assert len(decoded.images) == 4
        assert [name for name, _ in decoded.skipped] == ["in/1.png", "in/4.png"]
        (note,) = decoded.note()
        assert "2 of 6 images could not be read: in/1.png (it is not an image" in note
        assert "in/4.png (the file is empty)" in note


def test_a_long_list_of_bad_files_is_shortened(tmp_path: Path, paint: Paint) -> None:
    paint(tmp_path / "good.png")
    for i in range(15):
        (tmp_path / f"bad{i:02d}.png").write_text("no image")
    decoded = decode_images(tmp_path, ["good.png", *(f"bad{i:02d}.png" for i in range(15))], 16)
    (note,) = decoded.note()
    assert "15 of 16" in note and "bad09.png" in note and "bad10.png" not in note
    assert note.endswith("and 5 more.")


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(DataError, match=r"no image in .* can be read. 1 of 1 .* a.png"):
        decode_images(
            tmp_path,
            [
                "a.png",
            ],
            16,
        )


@pytest.mark.parametrize(("coloured", "channels"), [(0, 1), (1, 1), (3, 3), (20, 3)])
def test_keeps_colours_where_a_share_of_the_images_shows_some(
    tmp_path: Path, paint: Paint, coloured: int, channels: int
) -> None:
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 256, (20, 20, 1), dtype=np.uint8), 3, axis=2)
    colour = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    names = [f"{i}.png" for i in range(20)]
    for i, name in enumerate(names):
        paint(tmp_path / name, colour if i < coloured else grey)
    assert decode_images(tmp_path, names, 16).images.shape[1] == channels


@pytest.mark.parametrize("size", [7, 1025, 28.0])
def test_refuses_odd_sizes(tmp_path: Path, size: object) -> None:
    with pytest.raises(ArgumentError, match="size is"):
        decode_images(tmp_path, ["a.png"], size)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="channels is 2"):
        decode_images(tmp_path, ["a.png"], 28, 2)


def test_works_where_nothing_can_be_cached(
    tmp_path: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setenv("MINICNN_DATA_DIR", str(tmp_path / "cache" / "below"))
    monkeypatch.setattr("minicnn.data.cache._usual_dir", lambda: tmp_path / "cache" / "too")
    assert len(decode_images(tmp_path, names, 16).images) == 6
