from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minicnn import data
from minicnn.data import registry
from minicnn.errors import ArgumentError, DataError, DownloadError, MinicnnError

Paint = Callable[..., Path]


def test_loads_a_registered_set_from_the_cache(cache_dir: Path, registered: bytes) -> None:
    cache_dir.mkdir()
    (cache_dir / "pneumoniamnist.npz").write_bytes(registered)
    splits = data.load("pneumoniamnist")
    assert splits.sizes == {"train": 20, "val": 6, "test": 8}
    assert splits.classes == ("normal", "pneumonia")
    assert splits.name == "pneumoniamnist"
    assert "Kermany" in splits.credit and "CC BY 4.0" in splits.credit
    assert "shares patients" in splits.notes[0]


def test_downloads_a_registered_set_once(
    server: Any, registered: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["pneumoniamnist.npz"] = registered
    monkeypatch.setenv("MINICNN_MIRROR", server.url)
    for _ in range(2):
        assert len(data.load("pneumoniamnist").train) == 20
    assert len(server.requests) == 1


def test_a_file_of_that_name_with_another_md5_is_an_error(
    cache_dir: Path, registered: bytes
) -> None:
    cache_dir.mkdir()
    (cache_dir / "pneumoniamnist.npz").write_bytes(registered[:-5])
    with pytest.raises(DataError, match="not the registered pneumoniamnist.npz"):
        data.load("pneumoniamnist")


def test_loads_an_npz_by_its_path(write_npz: Paint, tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mine.npz")
    for spec in (path, str(path)):
        splits = data.load(spec)
        assert (splits.name, splits.classes, splits.credit) == ("mine", ("0", "1"), "")
    assert len(data.load(path, size=28).train) == 20
    with pytest.raises(ArgumentError, match="size is 64 but .*mine.npz holds images of 28x28"):
        data.load(path, size=64)


@pytest.mark.parametrize(
    ("name", "labels", "classes"),
    [
        ("pneumoniamnist_dev.npz", 1, ("normal", "pneumonia")),
        ("chestmnist-part.npz", 14, registry.CHEST_FINDINGS),
        ("chestmnist-part.npz", 13, tuple(map(str, range(13)))),
        ("chestmnist.npz", 1, ("0", "1")),
        ("pneumonia.npz", 1, ("0", "1")),
    ],
)
def test_the_name_of_a_file_may_tell_its_classes(
    tmp_path: Path, write_npz: Paint, name: str, labels: int, classes: tuple[str, ...]
) -> None:
    splits = data.load(write_npz(tmp_path / name, labels=labels))
    assert splits.classes == splits.test.classes == classes
    told = classes[0] != "0"
    assert any("points to" in note for note in splits.notes) == told
    assert bool(splits.credit) == told


def test_loads_a_folder_of_class_folders(two_classes: Path) -> None:
    assert data.load(two_classes).image_shape == (1, 64, 64)
    splits = data.load(two_classes, size=16, id_pattern=r"(\d)\.png")
    assert splits.image_shape == (1, 16, 16)
    assert splits.split["patients"]


def test_loads_a_folder_in_nih_layout(tmp_path: Path, paint: Paint) -> None:
    rows = ["Image Index,Finding Labels,Patient ID"]
    for i in range(20):
        paint(tmp_path / "images" / f"{i}.png")
        rows.append(f"{i}.png,{'Mass' if i % 2 else 'No Finding'},{i}")
    (tmp_path / "Data_Entry_2017.csv").write_text("\n".join(rows))
    splits = data.load(tmp_path, size=16)
    assert splits.multilabel and splits.image_shape == (1, 16, 16)
    with pytest.raises(ArgumentError, match="id_pattern is .* does not apply .* in its table"):
        data.load(tmp_path, id_pattern="(x)")


def test_a_name_goes_before_a_folder_of_that_name(
    two_classes: Path, registered: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_classes.rename(two_classes.parent / "pneumoniamnist")
    monkeypatch.chdir(two_classes.parent)
    monkeypatch.setattr("minicnn.data.download.download", refuse)
    with pytest.raises(DownloadError, match="no network here"):
        data.load("pneumoniamnist")
    for spec in ("./pneumoniamnist", Path("pneumoniamnist")):
        assert data.load(spec, size=16).classes == ("ill", "well")


def refuse(*args: object, **options: object) -> None:
    raise DownloadError("no network here")


def test_the_home_folder_may_be_a_tilde(two_classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(two_classes.parent))
    assert len(data.load("~/set", size=16).train) == 14


@pytest.mark.parametrize(
    ("spec", "options", "error", "message"),
    [
        ("pneumoniamist", {}, DataError, "neither a registered .* Did you mean pneumoniamnist"),
        ("", {}, DataError, "'' is neither a registered data set"),
        ("no/such/folder", {}, DataError, "'no/such/folder' does not exist .looked for /"),
        ("none.npz", {}, DataError, "'none.npz' does not exist"),
        ("chestmnist-96", {}, ArgumentError, "chestmnist has no images of size 96"),
        ("chestmnist", {"size": 27}, ArgumentError, "it comes in 28, 64, 128, 224 pixels"),
        ("chestmnist", {"count": 5}, ArgumentError, "only the phantoms can be drawn"),
        ("chestmnist", {"id_pattern": "(x)"}, ArgumentError, "chestmnist brings its own split"),
        ("chestmnist", {"size": 0}, ArgumentError, "size is 0"),
        ("phantom", {"size": 28.0}, ArgumentError, "size is 28.0"),
        ("phantom", {"count": 19}, ArgumentError, "count is 19; give at least 20"),
        ("phantom", {"count": 2.5}, ArgumentError, "count is 2.5"),
        ("phantom-64", {"size": 28}, ArgumentError, "names size 64"),
    ],
)
def test_refuses_with_advice(
    spec: str,
    options: dict,
    error: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as caught:
        data.load(spec, **options)
    assert "\n" not in str(caught.value)


def test_refuses_a_file_of_another_kind(write_npz: Paint, tmp_path: Path, paint: Paint) -> None:
    for name in ("a.png", "model.npy", "Makefile"):
        path = paint(tmp_path / name) if name == "a.png" else tmp_path / name
        path.touch()
        with pytest.raises(DataError, match=r"is a file of kind .* expected an .npz file in MedM"):
            data.load(path)
    write_npz(tmp_path / "b.npz")
    with pytest.raises(ArgumentError, match="id_pattern is .* for folders of class folders"):
        data.load(tmp_path / "b.npz", id_pattern="(x)")
    with pytest.raises(ArgumentError, match="count is 5"):
        data.load(tmp_path / "b.npz", count=5)


def test_refuses_no_path_at_all() -> None:
    for spec in (None, 5):
        with pytest.raises(MinicnnError, match="spec is"):
            data.load(spec)  # type: ignore[arg-type]


def test_loads_real_x_rays(real_data: Path) -> None:
    splits = data.load(real_data / "pneumoniamnist_dev.npz")
    assert splits.sizes == {"train": 4236, "val": 524, "test": 472}
    assert splits.classes == ("normal", "pneumonia")
