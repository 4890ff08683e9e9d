from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from minicnn.data import duplicates
from minicnn.data.duplicates import NEAR, fingerprints, nearest
from minicnn.data.phantom import make_phantoms

PHANTOMS = make_phantoms(24, 64, rng=np.random.default_rng(3))[0]  # (24, 1, 64, 64)


def compressed(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image[0]).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))[None]


def turned(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image[0]).rotate(1, Image.Resampling.BILINEAR))[None]


def through_a_smaller_size(image: np.ndarray) -> np.ndarray:
    small = Image.fromarray(image[0]).resize((48, 48), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((64, 64), Image.Resampling.BICUBIC))[None]


CHANGES = {
    "compressed": compressed,
    "turned by a degree": turned,
    "resized": through_a_smaller_size,
    "brighter": lambda image: np.clip(image * 1.1 + 10, 0, 255).astype(np.uint8),
    "noisy": lambda image: np.clip(
        image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255
    ).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change: str) -> None:
    copies = np.stack([CHANGES[change](image) for image in PHANTOMS[:6]])
    found = nearest(copies, PHANTOMS)
    assert found.index.tolist() == list(range(6))
    assert (found.similarity > NEAR).all()
    assert not found.exact.any()
    assert (nearest(copies, PHANTOMS[6:]).similarity < NEAR).all()


def test_equal_pixels_are_exact_and_blank_images_resemble_only_themselves() -> None:
    blank = np.zeros((2, 1, 64, 64), np.uint8)
    blank[1] = 255
    found = nearest(np.concatenate([PHANTOMS[3:5], blank[:1]]), np.concatenate([PHANTOMS, blank]))
    assert found.exact.all() and found.index.tolist() == [3, 4, 24]
    found = nearest(blank[:1], np.concatenate([PHANTOMS, blank[1:]]))
    assert not found.exact.any() and found.similarity[0] == pytest.approx(0)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = nearest(PHANTOMS[:10], PHANTOMS[10:])
    monkeypatch.setattr(duplicates, "FEW", 4)
    monkeypatch.setattr(duplicates, "MANY", 3)
    told: list[int] = []
    blocks = nearest(PHANTOMS[:10], PHANTOMS[10:], told.append)
    np.testing.assert_array_equal(whole.index, blocks.index)
    np.testing.assert_allclose(whole.similarity, blocks.similarity, atol=1e-6)
    assert told == [3, 3, 3, 1]


def test_a_fingerprint_is_the_normed_differences_of_block_means() -> None:
    x = np.random.default_rng(0).uniform(0, 1, (2, 3, 45, 33)).astype(np.float32)
    got = fingerprints(x)
    rows = [np.arange(45)[r * 45 // 32 : (r + 1) * 45 // 32] for r in range(32)]
    columns = [np.arange(33)[c * 33 // 32 : (c + 1) * 33 // 32] for c in range(32)]
    grey = x.mean(axis=1)
    small = np.array([[[g[np.ix_(r, c)].mean() for c in columns] for r in rows] for g in grey])
    edges = [np.diff(s, axis=a).ravel() for s in small for a in (0, 1)]
    for k in range(2):
        want = np.concatenate(edges[2 * k : 2 * k + 2])
        np.testing.assert_allclose(got[k], want / np.linalg.norm(want), atol=1e-5)
