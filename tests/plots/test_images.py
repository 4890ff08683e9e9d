"""Grids of images."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from minicnn.errors import ShapeError
from minicnn.plots.images import for_display, plot_images

Draw = Callable[..., np.ndarray]


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (7, 3, 40, 32), (12, 1, 224, 224)])
def test_images(shape: tuple[int, ...], draw: Draw, odd_names: list[str]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    captions = [[name, "second"] for name in (odd_names * 2)[: shape[0]]]
    draw(plot_images, images, captions)
    draw(plot_images, images, captions, title="$100", columns=3)


def test_images_need_a_caption_each() -> None:
    with pytest.raises(ShapeError, match="one caption each"):
        plot_images(np.zeros((2, 1, 4, 4), np.uint8), [["a"]], io.BytesIO())
    with pytest.raises(ShapeError, match="K at least 1"):
        plot_images(np.zeros((0, 1, 4, 4), np.uint8), [], io.BytesIO())


def test_display_keeps_pixels_and_stretches_what_is_out_of_range() -> None:
    assert for_display(np.array([[[0, 255]]], np.uint8)).tolist() == [[0.0, 1.0]]
    assert for_display(np.array([[[0.2, 0.4]]])).tolist() == [[0.2, 0.4]]
    assert for_display(np.array([[[-1.0, 3.0]]])).tolist() == [[0.0, 1.0]]
    assert for_display(np.full((1, 2, 2), 7.0)).tolist() == [[0.0, 0.0]] * 2
    assert for_display(np.zeros((3, 4, 5), np.uint8)).shape == (4, 5, 3)
