from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.data import Dataset, Splits, load
from minicnn.data.audit import audit
from minicnn.data.pair_sheet import pair_sheet, save_pair_sheet
from minicnn.errors import ArgumentError

RNG = np.random.default_rng
SIZES = {"train": 20, "val": 8, "test": 10}


def parts(**changes: Any) -> Splits:
    """Noise in three parts, every image of its own patient, classes in turn."""
    rng, made, start = RNG(0), {}, 0
    for part, count in SIZES.items():
        made[part] = {
            "images": rng.integers(0, 256, (count, 1, 32, 32)).astype(np.uint8),
            "labels": np.arange(count) % 2,
            "classes": ("well", "ill"),
            "ids": np.array([f"p{start + i}" for i in range(count)]),
            "names": np.array([f"{start + i}.png" for i in range(count)]),
        }
        start += count
    for change in changes.values():
        change(made)
    return Splits(**{part: Dataset(**values) for part, values in made.items()}, name="noise")


def test_a_clean_split_is_clean() -> None:
    found = audit(parts())
    assert not found.leaks and found.pairs == [] and found.striking() == []
    assert all(s.patients == s.images == 0 for s in found.shared.values())
    assert len(found.closest) == 24 and not any(p.exact for p in found.closest)


def test_duplicates_are_found_in_every_two_parts() -> None:
    def plant(made: dict) -> None:
        made["val"]["images"][2] = made["train"]["images"][7]
        made["test"]["images"][9] = made["train"]["images"][1]
        made["test"]["images"][4] = made["val"]["images"][5] // 2 + 40  # fainter, not the same

    found = audit(parts(plant=plant))
    assert found.leaks
    where = {(p.parts, p.first, p.second, p.exact) for p in found.pairs}
    assert where == {
        (("train", "val"), 7, 2, True),
        (("train", "test"), 1, 9, True),
        (("val", "test"), 5, 4, False),
    }
    counts = {k: (s.exact, s.near) for k, s in found.shared.items()}
    assert counts == {("train", "val"): (1, 0), ("train", "test"): (1, 0), ("val", "test"): (0, 1)}
    assert found.describe(found.pairs[0])["images"][0]["name"].endswith(".png")
    json.dumps(found.to_json(), allow_nan=False)


def test_the_threshold_decides() -> None:
    def plant(made: dict) -> None:
        noise = RNG(1).normal(0, 40, (1, 32, 32))
        made["val"]["images"][2] = np.clip(made["train"]["images"][7] + noise, 0, 255)

    splits = parts(plant=plant)
    assert len(audit(splits, 0.8).pairs) == 1
    assert len(audit(splits, 0.999).pairs) == 0
    for bad in (0, -1, 1.5, float("nan"), "0.9"):
        with pytest.raises(ArgumentError, match="near is"):
            audit(splits, bad)  # type: ignore[arg-type]


def test_patients_in_two_parts_leak() -> None:
    def plant(made: dict) -> None:
        made["test"]["ids"][[0, 1, 2]] = ["p3", "p3", "p4"]

    found = audit(parts(plant=plant))
    shared = found.shared["train", "test"]
    assert (shared.patients, shared.images) == (2, 3)
    assert found.leaks and found.pairs == []


def test_what_a_split_by_image_would_do_is_counted() -> None:
    def pair_up(made: dict) -> None:
        start = 0
        for part in made.values():  # two images of every patient, both in one part
            part["ids"] = np.array([f"p{start + i // 2}" for i in range(len(part["ids"]))])
            start += len(part["ids"])

    found = audit(parts(pair_up=pair_up))
    assert not found.leaks
    assert found.by_image is not None and found.by_image["train", "test"] >= 2

    def forget(made: dict) -> None:
        for part in made.values():
            part["ids"] = None

    found = audit(parts(forget=forget))
    assert found.by_image is None and not found.leaks


def test_a_class_that_is_commoner_in_one_part_is_named() -> None:
    def tilt(made: dict) -> None:
        for part in made.values():
            part["labels"][:] = 0
        made["test"]["labels"][:8] = 1

    found = audit(parts(tilt=tilt))
    assert {(part, name) for part, name, _, _ in found.striking()} >= {("test", "ill")}
    share, errors = found.balance["test"]["ill"]
    # The usual test of two proportions, 8 of 10 against 0 of 28.
    pooled = 8 / 38
    assert share == 0.8
    assert errors == pytest.approx(0.8 / (pooled * (1 - pooled) * (1 / 10 + 1 / 28)) ** 0.5)
    assert not found.leaks  # said, but no leak


def test_repeats_within_a_part_are_counted_and_no_leak() -> None:
    def plant(made: dict) -> None:
        made["train"]["images"][3] = made["train"]["images"][4] = made["train"]["images"][5]

    found = audit(parts(plant=plant))
    assert found.repeats == {"train": 2, "val": 0, "test": 0} and not found.leaks


def test_several_labels_colour_and_blank_images(tmp_path) -> None:
    def plant(made: dict) -> None:
        for part in made.values():
            part["images"] = np.repeat(part["images"], 3, axis=1)
            part["images"][:2] = 0  # black ones are the same wherever they are
            part["labels"] = np.stack([part["labels"], part["labels"] * 0], axis=1)
            part["classes"] = ("mass", "hernia")

    found = audit(parts(plant=plant))
    assert found.shared["train", "val"].exact == 2
    sheet = pair_sheet(found, found.closest)
    assert sheet.shape[2] == 3 and sheet.dtype == np.uint8
    save_pair_sheet(found, found.pairs, tmp_path / "pairs.png")
    with Image.open(tmp_path / "pairs.png") as image:
        assert image.size[0] > 4 * 96
    with pytest.raises(ArgumentError, match="no pair"):
        pair_sheet(found, [])


def test_the_sheet_shows_both_images() -> None:
    def plant(made: dict) -> None:
        made["val"]["images"][2] = made["train"]["images"][7]

    found = audit(parts(plant=plant))
    sheet = pair_sheet(found, found.pairs)
    image = found.splits.train.images[7, 0].repeat(3, 0).repeat(3, 1)  # 32 -> 96 pixels
    np.testing.assert_array_equal(sheet[10:106, 10:106, 0], image)
    np.testing.assert_array_equal(sheet[10:106, 108:204, 0], image)


@pytest.mark.parametrize(
    ("split_by", "patients"), [("patient", [0, 0, 0]), ("image", [54, 53, 36])]
)
def test_real_patients_leak_through_a_naive_split(
    real_data: Path, split_by: str, patients: list[int]
) -> None:
    found = audit(load(real_data / "nih_sample", split_by=split_by))
    assert [s.patients for s in found.shared.values()] == patients
    assert found.leaks == (split_by == "image")
    if split_by == "patient":
        assert found.by_image is not None and list(found.by_image.values()) == [54, 53, 36]
