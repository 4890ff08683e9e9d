"""What the tests of pictures share: drawing into memory, and finding a colour there."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image


def _draw(function: Any, *args: Any, **options: Any) -> np.ndarray:
    file = io.BytesIO()
    function(*args, file, **options)
    with Image.open(file) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def _share_of(pixels: np.ndarray, color: str) -> float:
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(pixels - wanted).max(axis=-1) < 12).mean())


@pytest.fixture
def draw() -> Callable[..., np.ndarray]:
    """Return a function that draws and returns the pixels (H, W, 3)."""
    return _draw


@pytest.fixture
def share_of() -> Callable[[np.ndarray, str], float]:
    """Return a function that measures the share of pixels of about one colour."""
    return _share_of


@pytest.fixture
def odd_names() -> list[str]:
    """Return names that have broken pictures before."""
    return ["a $b_1$ c", "two\nlines", "肺炎", "", "x" * 60, "<b>"]
