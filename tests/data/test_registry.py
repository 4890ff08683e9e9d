from __future__ import annotations

import pytest

from minicnn.data import registry
from minicnn.errors import ArgumentError, DataError


@pytest.mark.parametrize(
    ("name", "size", "family", "pixels", "canonical"),
    [
        ("phantom", None, "phantom", 28, "phantom"),
        ("phantom-64", None, "phantom", 64, "phantom-64"),
        ("phantom-14", None, "phantom-14", 28, "phantom-14"),
        ("phantom-14-64", None, "phantom-14", 64, "phantom-14-64"),
        ("phantom-100", None, "phantom", 100, "phantom-100"),
        ("PneumoniaMNIST", None, "pneumoniamnist", 28, "pneumoniamnist"),
        ("pneumoniamnist-28", None, "pneumoniamnist", 28, "pneumoniamnist"),
        ("pneumoniamnist", 224, "pneumoniamnist", 224, "pneumoniamnist-224"),
        ("chestmnist-128", 128, "chestmnist", 128, "chestmnist-128"),
    ],
)
def test_a_name_is_a_family_and_a_size(
    name: str, size: int | None, family: str, pixels: int, canonical: str
) -> None:
    found = registry.find(name, size)
    assert found is not None
    assert (found.family.name, found.size, found.name) == (family, pixels, canonical)


@pytest.mark.parametrize("name", ["lenet", "pneumonia", "phantom-", "phantom-x", "mnist-64", ""])
def test_other_names_are_not_registered(name: str) -> None:
    assert registry.find(name) is None


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("chestmnist-96", None, "no images of size 96; it comes in 28, 64, 128, 224"),
        ("phantom-20", None, "no images of size 20; it comes in 28 to 512"),
        ("phantom", 0, "no images of size 0"),
        ("phantom", 513, "no images of size 513"),
        ("chestmnist-64", 128, "size is 128 but 'chestmnist-64' names size 64"),
    ],
)
def test_refuses_sizes_that_are_not_offered(name: str, size: int | None, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        registry.find(name, size)


def test_an_unknown_name_brings_near_ones() -> None:
    message = str(registry.unknown_name("chestminst"))
    assert "'chestminst' is neither" in message
    assert "Did you mean chestmnist" in message
    assert all(family in message for family in registry.FAMILIES)
    assert "Did you mean" not in str(registry.unknown_name("qqq"))


def test_every_listed_name_can_be_found() -> None:
    names = registry.known_names()
    assert len(set(names)) == len(names)
    for name in names:
        found = registry.find(name)
        assert found is not None and found.name == name


def test_files_are_told_apart_by_size() -> None:
    sizes = registry.FAMILIES["pneumoniamnist"].files
    assert {size: file.name for size, file in sizes.items()} == {
        28: "pneumoniamnist.npz",
        64: "pneumoniamnist_64.npz",
        128: "pneumoniamnist_128.npz",
        224: "pneumoniamnist_224.npz",
    }
    every = [file for family in registry.FAMILIES.values() for file in family.files.values()]
    assert len({file.md5 for file in every}) == len(every) == 8
    assert all(len(file.md5) == 32 for file in every)
    phantom = registry.find("phantom")
    assert phantom is not None
    with pytest.raises(DataError, match="generated"):
        _ = phantom.file


@pytest.mark.parametrize(
    ("stem", "family"),
    [
        ("pneumoniamnist_dev", "pneumoniamnist"),
        ("ChestMNIST-small", "chestmnist"),
        ("chestmnist", "chestmnist"),
        ("chestmnist2", None),
        ("my_chestmnist", None),
        ("phantom", None),
    ],
)
def test_a_file_name_points_to_a_family(stem: str, family: str | None) -> None:
    found = registry.family_of_file(stem)
    assert (found.name if found else None) == family
