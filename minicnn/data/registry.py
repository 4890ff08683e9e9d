"""The data sets that have a name: what they are, where they lie, whose they are.

A name is ``FAMILY`` or ``FAMILY-SIZE``: ``pneumoniamnist``, ``chestmnist-64``,
``phantom-128``, ``phantom-14-64``. Without a size it means 28 x 28 pixels. The 14 of
``phantom-14`` counts its findings; images are never that small.
"""

from __future__ import annotations

import dataclasses
import difflib

from minicnn.errors import ArgumentError, DataError

DEFAULT_SIZE = 28
SMALLEST_PHANTOM = 28
LARGEST_PHANTOM = 512

# Version 2 of MedMNIST; the mirror variable of minicnn.data.cache replaces this address.
ZENODO = "https://zenodo.org/records/10519652/files/"

# In the order of ChestMNIST's columns.
CHEST_FINDINGS = (
    "atelectasis",
    "cardiomegaly",
    "effusion",
    "infiltration",
    "mass",
    "nodule",
    "pneumonia",
    "pneumothorax",
    "consolidation",
    "edema",
    "emphysema",
    "fibrosis",
    "pleural",
    "hernia",
)


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file to download: its name, its MD5, and its size in bytes where it is known."""

    name: str
    md5: str
    bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class Family:
    """One registered data set in all its sizes.

    ``files`` maps the image size to a file; it is empty for what is generated.
    ``notes`` are sentences that belong under every result on this data.
    """

    name: str
    summary: str
    findings: int
    credit: str
    licence: str
    files: dict[int, RemoteFile] = dataclasses.field(default_factory=dict)
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def generated(self) -> bool:
        """Whether the images are drawn on this computer rather than downloaded."""
        return not self.files

    @property
    def multilabel(self) -> bool:
        """Whether each image carries several labels."""
        return self.findings > 0

    @property
    def sizes(self) -> str:
        """The sizes on offer, in words."""
        if self.generated:
            return f"{SMALLEST_PHANTOM} to {LARGEST_PHANTOM}"
        return ", ".join(map(str, self.files))

    def offers(self, size: int) -> bool:
        """Say whether images of this size exist."""
        if self.generated:
            return SMALLEST_PHANTOM <= size <= LARGEST_PHANTOM
        return size in self.files


@dataclasses.dataclass(frozen=True)
class Registered:
    """A family at one size, which is what a name means."""

    family: Family
    size: int

    @property
    def name(self) -> str:
        """The shortest name that means this: no suffix at 28."""
        suffix = "" if self.size == DEFAULT_SIZE else f"-{self.size}"
        return self.family.name + suffix

    @property
    def file(self) -> RemoteFile:
        """The file that holds it.

        Raises
        ------
        DataError
            If the data are generated and there is no file.
        """
        if self.family.generated:
            raise DataError(f"{self.name} is generated on this computer; there is no file of it")
        return self.family.files[self.size]


_MEDMNIST = "MedMNIST v2, Yang et al., Scientific Data 2023, doi 10.1038/s41597-022-01721-8"

_PHANTOM_NOTE = "Phantoms are drawn by a program: scores on them say nothing about patients."

FAMILIES = {
    family.name: family
    for family in (
        Family(
            name="phantom",
            summary="synthetic chest radiographs, normal or with opacities",
            findings=0,
            credit="Synthetic images drawn by minicnn; they show no patient.",
            licence="MIT",
            notes=(_PHANTOM_NOTE,),
        ),
        Family(
            name="phantom-14",
            summary="synthetic chest radiographs with 14 findings",
            findings=14,
            credit="Synthetic images drawn by minicnn; they show no patient.",
            licence="MIT",
            notes=(_PHANTOM_NOTE,),
        ),
        Family(
            name="pneumoniamnist",
            summary="5,856 chest X-rays of children, normal or pneumonia",
            findings=0,
            credit=f"PneumoniaMNIST from {_MEDMNIST}; images from Kermany et al., Cell 2018, "
            f"Mendeley Data rscbjbr9sj. Licence CC BY 4.0.",
            licence="CC BY 4.0",
            files={
                28: RemoteFile("pneumoniamnist.npz", "28209eda62fecd6e6a2d98b1501bb15f", 4170669),
                64: RemoteFile(
                    "pneumoniamnist_64.npz", "8f4eceb4ccffa70c672198ea285246c6", 20606998
                ),
                128: RemoteFile(
                    "pneumoniamnist_128.npz", "05b46931834c231683c68f40c47b2971", 75506212
                ),
                224: RemoteFile(
                    "pneumoniamnist_224.npz", "d6a3c71de1b945ea11211b03746c1fe1", 214384716
                ),
            },
            classes=("normal", "pneumonia"),
            notes=(
                "The val part of PneumoniaMNIST shares patients with train, so val scores are "
                "optimistic; its test part is harder and holds 62.5 % pneumonia instead of 74.2 %.",
            ),
        ),
        Family(
            name="chestmnist",
            summary="112,120 frontal chest X-rays with 14 findings",
            findings=14,
            credit=f"ChestMNIST from {_MEDMNIST}; images from NIH ChestX-ray14, provided by the "
            f"NIH Clinical Center, Wang et al., CVPR 2017. Licence CC BY 4.0.",
            licence="CC BY 4.0",
            files={
                28: RemoteFile("chestmnist.npz", "02c8a6516a18b556561a56cbdd36c4a8", 82802576),
                64: RemoteFile("chestmnist_64.npz", "9de6cd0b934ebb5b7426cfba5efbae16", 401604127),
                128: RemoteFile("chestmnist_128.npz", "db107e5590b27930b62dbaf558aebee3"),
                224: RemoteFile("chestmnist_224.npz", "45bd33e6f06c3e8cdb481c74a89152aa"),
            },
            classes=CHEST_FINDINGS,
            notes=(
                "The labels of ChestMNIST were mined from written reports and are not all right; "
                "its accuracy says little, because calling every finding absent scores about .947.",
            ),
        ),
    )
}


def known_names() -> tuple[str, ...]:
    """Return every name worth listing; the phantoms come in any size between."""
    names: list[str] = []
    for family in FAMILIES.values():
        sizes = [DEFAULT_SIZE, 64, 128, 224] if family.generated else list(family.files)
        names += [Registered(family, size).name for size in sizes]
    return tuple(names)


def find(name: str, size: int | None = None) -> Registered | None:
    """Look a name up; None where it is not registered.

    Parameters
    ----------
    name
        Such as ``"chestmnist"`` or ``"phantom-14-64"``, in small or capital letters.
    size
        The image size, where the name does not say it.

    Raises
    ------
    ArgumentError
        If the family exists but not in this size, or the name and ``size`` disagree.
    """
    family_name, named_size = _parse(name.strip().lower())
    family = FAMILIES.get(family_name)
    if family is None:
        return None
    if size is not None and named_size is not None and size != named_size:
        raise ArgumentError(
            f"size is {size} but {name!r} names size {named_size}; give one of the two"
        )
    wanted = next((one for one in (named_size, size) if one is not None), DEFAULT_SIZE)
    if not family.offers(wanted):
        raise ArgumentError(
            f"{family.name} has no images of size {wanted}; it comes in {family.sizes} pixels"
        )
    return Registered(family, wanted)


def unknown_name(name: str) -> DataError:
    """Say that a name is not registered, with the names that come near it."""
    names = known_names()
    near = difflib.get_close_matches(name.strip().lower(), names, n=3, cutoff=0.6)
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return DataError(
        f"{name!r} is neither a registered data set nor an existing file or folder.{guess} "
        f"Registered are {', '.join(FAMILIES)}, each also with a size, as in chestmnist-64; or "
        f"give an .npz file in MedMNIST format, a folder with one folder of images per class, or "
        f"a folder in NIH layout"
    )


def family_of_file(stem: str) -> Family | None:
    """Guess the family from a file's name without suffix: ``chestmnist_mine`` is ChestMNIST."""
    for family in FAMILIES.values():
        rest = stem.lower().removeprefix(family.name)
        if not family.generated and rest != stem.lower() and not rest[:1].isalnum():
            return family
    return None


def _parse(name: str) -> tuple[str, int | None]:
    if name in FAMILIES:
        return name, None
    family, dash, size = name.rpartition("-")
    if dash and size.isascii() and size.isdecimal():
        return family, int(size)
    return name, None
