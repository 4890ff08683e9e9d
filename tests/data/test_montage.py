from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn.data import Dataset, montage, save_montage
from minicnn.data.montage import choose
from minicnn.errors import ArgumentError


def dataset(count: int = 30, size: int = 28, channels: int = 1, labels: int = 0) -> Dataset:
    images = np.zeros((count, channels, size, size), dtype=np.uint8)
    images += np.arange(count, dtype=np.uint8)[:, None, None, None]
    if labels:
        marks = np.random.default_rng(0).integers(0, 2, (count, labels))
        return Dataset(images, marks, tuple(f"finding {k}" for k in range(labels)))
    return Dataset(images, np.arange(count) % 3 // 2, ("well", "ill"))


def test_the_classes_take_turns_spread_over_the_data() -> None:
    data = dataset(30)
    chosen = choose(data, 6)
    assert data.labels[chosen].tolist() == [0, 1, 0, 1, 0, 1]
    assert chosen.min() <= 2 and chosen.max() >= 28
    assert len(set(chosen.tolist())) == 6
    assert sorted(choose(data, 100).tolist()) == list(range(30))
    # Ten ill ones only: the rest are well.
    assert np.bincount(data.labels[choose(data, 25)]).tolist() == [15, 10]


def test_several_labels_are_spread_over_the_data() -> None:
    assert choose(dataset(31, labels=3), 4).tolist() == [0, 10, 20, 30]


def test_images_lie_in_a_grid_with_their_pixels_unchanged() -> None:
    data = dataset(6)
    sheet = montage(data, 6, columns=3)
    scale, gap, caption = 4, 6, 18  # 28 pixels are enlarged to 112
    cell = 28 * scale
    assert sheet.shape == (gap + 2 * (cell + caption + gap), gap + 3 * (cell + gap))
    assert sheet.dtype == np.uint8
    chosen = choose(data, 6)
    for place, index in enumerate(chosen):
        top = gap + place // 3 * (cell + caption + gap)
        left = gap + place % 3 * (cell + gap)
        assert (sheet[top : top + cell, left : left + cell] == index).all()
        words = sheet[top + cell : top + cell + caption, left : left + cell]
        assert (words == 255).any() and (words < 100).any()


@pytest.mark.parametrize(("count", "columns"), [(24, 6), (12, 4), (1, 1), (7, 4)])
def test_columns_leave_few_gaps(count: int, columns: int) -> None:
    sheet = montage(dataset(count), count)
    assert (sheet.shape[1] - 6) // (112 + 6) == columns


def test_large_images_keep_their_size_and_colours_stay() -> None:
    data = dataset(2, size=120, channels=3)
    sheet = montage(data, 2, columns=2)
    assert sheet.shape == (6 + 120 + 18 + 6, 6 + 2 * (120 + 6), 3)


def test_floats_are_stretched() -> None:
    grey = dataset(2)
    images = np.zeros((2, 1, 28, 28), np.float32)
    images[1] = 3.5
    sheet = montage(Dataset(images, np.array([0, 1]), grey.classes), 2, columns=2)
    assert sheet[10, 10] == 0 and sheet[10, 130] == 255


def test_captions_too_long_are_cut_and_any_script_is_drawn(tmp_path: Path) -> None:
    images = np.zeros((2, 1, 28, 28), np.uint8)
    data = Dataset(images, np.array([[1] * 14, [0] * 14]), tuple(f"Ödem {k} 肺" for k in range(14)))
    sheet = montage(data, 2, columns=2)
    left = sheet[6 + 112 : 6 + 112 + 18, : 6 + 112 + 6]
    assert (left[:, -6:] == 255).all()  # nothing runs into the next image


def test_writes_a_png(tmp_path: Path) -> None:
    save_montage(dataset(), tmp_path / "a.png", 4)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), montage(dataset(), 4))


@pytest.mark.parametrize(("count", "columns"), [(0, None), (4, 0), (1.5, None)])
def test_refuses_odd_counts(count: object, columns: object) -> None:
    with pytest.raises(ArgumentError, match="count is|columns is"):
        montage(dataset(), count, columns)  # type: ignore[arg-type]
