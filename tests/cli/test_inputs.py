"""What somebody names: found in order, decoded in threads, any number of them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.cli import inputs
from minicnn.cli.inputs import Item, list_inputs, read_inputs, survey
from minicnn.data import image

SHAPE = (1, 4, 4)


def make(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path)
    return path


def test_files_come_in_the_order_of_their_paths_parts(tmp_path: Path) -> None:
    names = [
        "a/b.png",
        "a.png",
        "a-b.png",
        "a/a/c.png",
        "B.png",
        "a b/x.png",
        "z.jpeg",
        "a/.h/y.png",
    ]
    for name in names:
        make(tmp_path / name)
    make(tmp_path / ".hidden.png")
    (tmp_path / "text.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    found = list(list_inputs([str(tmp_path)]))
    assert found == sorted(tmp_path / name for name in names)


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_folders_that_are_links_are_not_entered(tmp_path: Path) -> None:
    make(tmp_path / "deep" / "a.png")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "deep" / "b.png").symlink_to(tmp_path / "deep" / "a.png")
    (tmp_path / "deep" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = list(list_inputs([str(tmp_path)]))
    assert found == [tmp_path / "deep" / "a.png", tmp_path / "deep" / "b.png"]


def test_a_folder_that_cannot_be_read_is_named_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "a" / "x.png")
    make(tmp_path / "b" / "y.png")
    scandir = os.scandir

    def denied(place: Any) -> Any:
        if Path(place).name == "a":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", denied)
    assert list(list_inputs([str(tmp_path)])) == [
        Item(str(tmp_path / "a"), None, "the folder cannot be read (Permission denied)"),
        tmp_path / "b" / "y.png",
    ]


def test_the_survey_counts_and_measures_what_is_listed(tmp_path: Path) -> None:
    make(tmp_path / "a.png")
    longest = make(tmp_path / "deep" / "longer name.png")
    assert survey([str(tmp_path), "missing.png"]) == (3, len(str(longest)))
    assert survey([]) == (0, 0)
    assert survey(["x"], lambda name: name * 3) == (1, 3)


def test_the_listing_is_lazy(tmp_path: Path) -> None:
    make(tmp_path / "a.png")
    places = iter([str(tmp_path), 5])
    assert next(list_inputs(places)) == tmp_path / "a.png"  # type: ignore[arg-type]
    assert next(places) == 5


def test_images_come_in_order_with_the_reasons_of_bad_ones_in_their_places(tmp_path: Path) -> None:
    sources: list[Path | Item] = []
    for i in range(200):
        sources.append(make(tmp_path / f"{i:03}.png", i))
    (tmp_path / "050.png").write_bytes(b"")
    np.save(tmp_path / "array.npy", np.arange(32, dtype=np.uint8).reshape(2, 4, 4))
    sources[100:100] = [Item("named", None, "for nothing"), tmp_path / "array.npy"]
    counted: list[int] = []
    items = list(read_inputs(iter(sources), SHAPE, counted.append))
    assert len(items) == 203
    assert counted == [1] * 202
    assert items[50] == Item(str(tmp_path / "050.png"), None, "the file is empty")
    assert items[100] == Item("named", None, "for nothing")
    assert [i.name for i in items[101:103]] == [f"{tmp_path / 'array.npy'}[{i}]" for i in (0, 1)]
    images = [i for i in items[:100] + items[103:] if i.image is not None]
    values = [int(i.image[0, 0, 0]) for i in images if i.image is not None]
    assert values == [i for i in range(200) if i != 50]
    assert all(i.image is not None and i.image.shape == SHAPE for i in images)


def test_decoding_runs_in_threads_and_never_far_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "a.png", 7)
    names, given = set(), 0

    def endless() -> Any:
        nonlocal given
        while True:
            given += 1
            yield path

    decode = image.decode_image

    def watched(*args: Any) -> Any:
        names.add(threading.current_thread().name)
        return decode(*args)

    monkeypatch.setattr(image, "decode_image", watched)
    items = read_inputs(endless(), SHAPE)
    for count in range(1, 300):
        assert next(items).image is not None
        assert given <= count + inputs.WINDOW
    items.close()
    assert names and all(name.startswith("minicnn-work") for name in names)
    assert not any(t.name.startswith("minicnn-work") for t in threading.enumerate())


def test_a_model_of_two_channels_takes_no_image_files(tmp_path: Path) -> None:
    (item,) = read_inputs([make(tmp_path / "a.png")], (2, 4, 4))
    assert item.image is None and "channels is 2" in item.reason
