from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minicnn.data import Splits, folder
from minicnn.data.folder import read_folder
from minicnn.data.image import read_image
from minicnn.errors import ArgumentError, DataError

Paint = Callable[..., Path]


def where(splits: Splits) -> dict[str, str]:
    """Map each file to its part."""
    return {name: part for part in splits.sizes for name in splits.part(part).names.tolist()}


def test_reads_class_folders(two_classes: Path) -> None:
    splits = read_folder(two_classes, size=16)
    assert splits.classes == ("ill", "well")
    assert splits.image_shape == (1, 16, 16)
    assert splits.sizes == {"train": 14, "val": 3, "test": 3}
    assert splits.name == "set"
    assert splits.notes == ()
    everything = splits.part("all")
    assert everything.ids is None
    for image, label, name in zip(
        everything.images, everything.labels, everything.names.tolist(), strict=True
    ):
        assert name.startswith(splits.classes[label] + "/")
        assert np.array_equal(image, read_image(two_classes / name, 1, 16))
    assert splits.split["rule"] == "fixed by the data: by image, stratified by class"
    assert read_folder(two_classes).image_shape == (1, 64, 64)


def test_the_split_knows_neither_place_nor_order(two_classes: Path, tmp_path: Path) -> None:
    first = read_folder(two_classes, size=16)
    moved = shutil.copytree(two_classes, tmp_path / "elsewhere" / "set")
    second = read_folder(moved, size=28)
    assert where(first) == where(second)
    assert first.split == second.split


def test_finds_images_at_any_depth_and_of_any_kind(tmp_path: Path, paint: Paint) -> None:
    for i in range(4):
        paint(tmp_path / "b" / f"{i}.JPG")
        paint(tmp_path / "b" / "deep" / "deeper" / f"{i}.png")
        paint(tmp_path / "a" / f"{i}.tif")
    paint(tmp_path / "a" / ".hidden.png")
    paint(tmp_path / ".git" / "x.png")
    paint(tmp_path / "__MACOSX" / "x.png")
    splits = read_folder(tmp_path, size=16)
    assert splits.classes == ("a", "b")
    names = sorted(where(splits))
    assert len(names) == 12
    assert "b/deep/deeper/0.png" in names and "b/3.JPG" in names


def test_bad_files_are_named_and_counted(two_classes: Path) -> None:
    whole = (two_classes / "ill" / "ill0.png").read_bytes()
    (two_classes / "ill" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (two_classes / "ill" / "text.png").write_text("I am no picture")
    (two_classes / "well" / "empty.jpeg").write_bytes(b"")
    splits = read_folder(two_classes, size=16)
    assert sum(splits.sizes.values()) == 20
    (note,) = splits.notes
    assert note.startswith("3 of 23 images could not be read: ill/cut.png (it is damaged or cut")
    assert "ill/text.png (it is not an image" in note
    assert "well/empty.jpeg (the file is empty)" in note
    assert [entry["name"] for entry in splits.split["skipped"]] == [
        "ill/cut.png",
        "ill/text.png",
        "well/empty.jpeg",
    ]


def test_files_that_are_no_images_by_name_are_counted(two_classes: Path) -> None:
    for name in ("ill/a.txt", "ill/b.dcm", "well/README"):
        (two_classes / name).write_text("x")
    (two_classes / "notes.txt").write_text("beside the classes: nobody's image")
    (note,) = read_folder(two_classes, size=16).notes
    assert note == (
        "3 files are no images by their names and were passed over (.dcm, .txt, no suffix)."
    )


def test_known_patients_stay_together(tmp_path: Path, paint: Paint) -> None:
    for person in range(20):
        for i in range(3):
            paint(tmp_path / "PNEUMONIA" / f"person{person}_virus_{i}.jpeg")
            paint(tmp_path / "NORMAL" / f"IM-{person:04d}-000{i}.jpeg")
    splits = read_folder(tmp_path, size=16)
    owners = [set(splits.part(part).ids.tolist()) for part in ("train", "val", "test")]
    assert sum(map(len, owners)) == 40
    assert splits.sizes == {"train": 84, "val": 18, "test": 18}
    assert splits.split["patients"] == {"train": 28, "val": 6, "test": 6}
    assert "by patient" in splits.split["rule"]
    assert splits.notes == ("40 patients were told from the file names by a known pattern.",)
    assert "CC BY 4.0" in splits.credit


def test_a_patient_may_be_told_by_a_pattern(tmp_path: Path, paint: Paint) -> None:
    for person in range(10):
        for label in ("before", "after"):
            paint(tmp_path / label / f"p{person}" / f"{label}{person}.png")
    splits = read_folder(tmp_path, size=16, id_pattern=r"^(p\d+)/")
    assert splits.classes == ("after", "before")
    owners = [set(splits.part(part).ids.tolist()) for part in ("train", "val", "test")]
    assert sum(map(len, owners)) == 10  # both images of each on one side
    with pytest.raises(ArgumentError, match="no regular expression"):
        read_folder(tmp_path, size=16, id_pattern="(")


@pytest.fixture
def three_parts(tmp_path: Path, paint: Paint) -> Path:
    root = tmp_path / "given"
    for part, count in (("train", 12), ("val", 3), ("test", 4)):
        for label in ("ill", "well"):
            for i in range(count):
                paint(root / part / label / f"{part}{i}.png")
    return root


def test_train_val_and_test_folders_are_kept(three_parts: Path) -> None:
    splits = read_folder(three_parts, size=16)
    assert splits.sizes == {"train": 24, "val": 6, "test": 8}
    assert splits.classes == ("ill", "well")
    assert all(name.startswith(f"{part}/") for name, part in where(splits).items())
    assert splits.split["rule"] == "as given by the folders"


def test_val_is_cut_from_train_where_it_is_missing(three_parts: Path) -> None:
    shutil.rmtree(three_parts / "val")
    splits = read_folder(three_parts, size=16)
    assert splits.sizes == {"train": 20, "val": 4, "test": 8}
    assert "There is no val folder: 4 images of train became val." in splits.notes
    assert "val from train fixed by the data" in splits.split["rule"]
    assert read_folder(three_parts, size=16).split == splits.split


def test_other_names_of_parts_and_folders_beside_them(three_parts: Path, paint: Paint) -> None:
    (three_parts / "val").rename(three_parts / "Validation")
    paint(three_parts / "docs" / "figures" / "x.png")
    splits = read_folder(three_parts, size=16)
    assert splits.sizes["val"] == 6
    assert "The folder docs beside train and test was passed over." in splits.notes


def test_patients_on_two_sides_of_a_given_split_are_told(tmp_path: Path, paint: Paint) -> None:
    for part in ("train", "val", "test"):
        for label, name in (("N", "IM-{}-0001.png"), ("P", "person{}_virus_1.png")):
            for i in range(3):
                shared = i == 0 and label == "P" and part != "val"
                number = "7" if shared else f"{part}{i}".encode().hex().translate(DIGITS)
                paint(tmp_path / part / label / name.format(number))
    notes = read_folder(tmp_path, size=16).notes
    assert any(
        "1 patient name occurs in both train and test (the first is person7)" in n for n in notes
    )


DIGITS = str.maketrans("abcdef", "123456")


def test_classes_called_like_parts_are_still_classes(tmp_path: Path, paint: Paint) -> None:
    for label in ("test", "train"):
        for i in range(10):
            paint(tmp_path / label / f"{label}{i}.png")
    assert read_folder(tmp_path, size=16).classes == ("test", "train")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_are_followed_but_not_for_ever(two_classes: Path, tmp_path: Path) -> None:
    (two_classes / "ill" / "loop").symlink_to(two_classes / "ill", target_is_directory=True)
    (two_classes / "ill" / "up").symlink_to(two_classes, target_is_directory=True)
    (two_classes / "well" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "away").mkdir()
    (two_classes / "well" / "well9.png").rename(tmp_path / "away" / "well9.png")
    (two_classes / "well" / "linked").symlink_to(tmp_path / "away", target_is_directory=True)
    splits = read_folder(two_classes, size=16)
    names = where(splits)
    assert "well/linked/well9.png" in names
    # `up` leads to both classes once more, then the loops are known.
    assert len(names) <= 20 + 20
    assert any("well/broken.png (there is no such file)" in note for note in splits.notes)


def test_names_in_any_script(tmp_path: Path, paint: Paint) -> None:
    composed, apart = "Lungenentz\u00fcndung", "gesu\u0308nd"
    for i in range(5):
        paint(tmp_path / composed / f"Röntgen {i} 肺.png")
        paint(tmp_path / apart / f"{i}.png")
    splits = read_folder(tmp_path, size=16)
    assert splits.classes == ("Lungenentz\u00fcndung", "ges\u00fcnd")
    assert f"{composed}/Röntgen 0 肺.png" in where(splits)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems store names as text")
def test_names_that_are_no_text(two_classes: Path) -> None:
    os.rename(  # noqa: PTH104  (bytes)
        os.fsencode(two_classes / "ill" / "ill0.png"), os.fsencode(two_classes) + b"/ill/\xff.png"
    )
    (name,) = (
        name for name in where(read_folder(two_classes, size=16)) if "xff" in name or "udc" in name
    )
    name.encode("utf-8")


def test_colour_is_kept_and_said(tmp_path: Path, paint: Paint) -> None:
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        for i in range(5):
            paint(tmp_path / label / f"{i}.png", rng.integers(0, 256, (9, 9, 3), np.uint8))
    splits = read_folder(tmp_path, size=16)
    assert splits.image_shape == (3, 16, 16)
    assert splits.notes == ("The images are read in colour, because a sample of them shows some.",)
    assert read_folder(tmp_path, size=16, channels=1).image_shape == (1, 16, 16)


def only(root: Path, *kept: str) -> None:
    for child in root.iterdir():
        if child.name not in kept:
            shutil.rmtree(child)


def test_one_class_is_an_error(two_classes: Path) -> None:
    only(two_classes, "ill")
    with pytest.raises(DataError, match=r"set holds one class, 'ill'; expected one folder of im"):
        read_folder(two_classes, size=16)
    (two_classes / "empty").mkdir()
    with pytest.raises(DataError, match=r"one class, 'ill' \(empty without images\)"):
        read_folder(two_classes, size=16)


def test_an_empty_folder_beside_two_classes_is_passed_over(two_classes: Path) -> None:
    (two_classes / "empty").mkdir()
    splits = read_folder(two_classes, size=16)
    assert splits.classes == ("ill", "well")
    assert splits.notes == ("Class folders without images were passed over: empty.",)


def test_no_images_is_an_error(tmp_path: Path, paint: Paint) -> None:
    root = tmp_path / "none"
    (root / "a").mkdir(parents=True)
    (root / "b").mkdir()
    with pytest.raises(DataError, match="none holds no images; expected one folder of images per"):
        read_folder(root)
    paint(root / "loose.png")
    with pytest.raises(DataError, match="none has images but no class folders"):
        read_folder(root)
    with pytest.raises(DataError, match="cannot read the folder .*nowhere: No such"):
        read_folder(tmp_path / "nowhere")


def test_a_class_without_one_readable_image_is_an_error(two_classes: Path) -> None:
    for path in (two_classes / "well").iterdir():
        path.write_text("no image")
    with pytest.raises(DataError, match=r"no image of class 'well' .* 10 of 20 .* well/well0.png"):
        read_folder(two_classes, size=16)


def test_a_train_folder_without_test_is_an_error(three_parts: Path) -> None:
    shutil.rmtree(three_parts / "test")
    with pytest.raises(DataError, match="images in train but none in test; add given/test/CLASS/"):
        read_folder(three_parts)


def test_a_class_that_only_test_has_is_an_error(three_parts: Path, paint: Paint) -> None:
    paint(three_parts / "test" / "third" / "x.png")
    with pytest.raises(DataError, match="no train images of class 'third'"):
        read_folder(three_parts)


def test_too_few_images_is_an_error(tmp_path: Path, paint: Paint) -> None:
    paint(tmp_path / "a" / "1.png")
    paint(tmp_path / "b" / "2.png")
    with pytest.raises(DataError, match="2 images cannot be divided into train, val, test"):
        read_folder(tmp_path, size=16)


def test_reads_real_x_rays(real_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "chest_xray"
    for label in ("NORMAL", "PNEUMONIA"):
        (root / label).mkdir(parents=True)
        for path in sorted((real_data / "chest_xray" / label).iterdir())[:120]:
            shutil.copy(path, root / label / path.name)
    splits = read_folder(root)
    assert splits.image_shape == (1, 64, 64)  # stored as RGB, but grey
    assert splits.classes == ("NORMAL", "PNEUMONIA")
    assert sum(splits.sizes.values()) == 240
    owners = [set(splits.part(part).ids.tolist()) for part in ("train", "val", "test")]
    assert sum(map(len, owners)) == len(set().union(*owners)) < 240
    assert 60 < splits.train.images.mean() < 180


def test_one_file_is_not_called_files(two_classes: Path) -> None:
    (two_classes / "ill" / "notes.txt").write_text("")
    notes = read_folder(two_classes, size=16).notes
    assert notes == ("1 file is no image by its name and was passed over (.txt).",)


def test_a_folder_too_far_up_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 20)
    for number in range(30):
        place = tmp_path / "disk" / f"{number:02d}" / "deeper"
        place.mkdir(parents=True)
        (place / "file.txt").write_text("")
    listed: list[Path] = []
    listing = folder._list
    monkeypatch.setattr(folder, "_list", lambda place: listed.append(place) or listing(place))
    with pytest.raises(DataError, match="first 21 files 0 are images by name; give the folder"):
        read_folder(tmp_path / "disk")
    assert len(listed) == 1 + 2 * 21


def test_many_other_files_among_many_images_are_borne(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 5)
    for number in range(15):
        (two_classes / "well" / f"{number}.txt").write_text("")
    assert read_folder(two_classes, size=16).sizes["train"] == 14
