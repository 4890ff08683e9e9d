"""Read a folder in the layout of NIH ChestX-ray14: images/ beside Data_Entry_2017*.csv."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset, Splits
from minicnn.data.decode import decode_images
from minicnn.data.image import SUFFIXES
from minicnn.data.progress import Progress
from minicnn.data.splits import VAL_FROM_TRAIN, shared_ids, split_dataset
from minicnn.data.wording import count_of, verb
from minicnn.errors import DataError

DEFAULT_SIZE = 64
TABLE = "Data_Entry_2017*.csv"
OFFICIAL_LISTS = ("train_val_list.txt", "test_list.txt")
COLUMNS = ("Image Index", "Finding Labels", "Patient ID")
NO_FINDING = "No Finding"
FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
)
CREDIT = (
    "NIH ChestX-ray14, provided by the NIH Clinical Center; Wang et al., CVPR 2017. "
    "No restriction on use."
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One image of the table: its file, its findings as zeros and ones, its patient."""

    name: str
    findings: tuple[int, ...]
    patient: str


def is_nih(path: Path) -> bool:
    """Say whether a folder holds the table that marks this layout."""
    return any(path.glob(TABLE))


def read_nih(
    path: str | Path,
    *,
    size: int = DEFAULT_SIZE,
    split_by: str = "patient",
    progress: Progress = False,
) -> Splits:
    """Read images with 14 findings each, split by patient.

    Images lie in ``images/``, or as downloaded in ``images_001/images/`` and so on. Where the
    official lists train_val_list.txt and test_list.txt lie beside the table they decide,
    and val is cut from the first, by patient; otherwise all is split by patient
    (see `minicnn.data.splits`). Rows without an image, images without a row and unreadable
    images are counted in ``notes``.

    Parameters
    ----------
    path
        The folder.
    size
        Height and width to which images are brought.
    split_by
        ``"patient"`` or ``"image"``, as in `minicnn.data.load`.
    progress
        True for a bar, or a callable ``progress(done, total)``.

    Raises
    ------
    DataError
        If the table lacks a column, names an unknown finding or has a malformed row (the
        line is named), or none of its images is there.
    """
    root = Path(path)
    table = max(root.glob(TABLE), default=None, key=lambda one: one.name)
    if table is None:
        raise DataError(f"{root} holds no {TABLE}; the NIH layout has it beside images/")
    rows = {row.name: row for row in read_table(table)}
    files = _find_images(root)
    names = sorted(set(rows) & set(files))
    notes = [
        *_alone("row", f"of {table.name}", "image", rows, files),
        *_alone("image", "", f"row in {table.name}", files, rows),
    ]
    if not names:
        raise DataError(
            f"none of the {len(rows):,} images of {table.name} is in {root / 'images'}; expected "
            f"files such as images/{next(iter(rows), '00000001_000.png')}"
        )
    decoded = decode_images(root, [files[name] for name in names], size, 1, progress)
    notes += decoded.note()
    kept = [rows[names[i]] for i in decoded.kept]
    everything = Dataset(
        decoded.images,
        np.array([row.findings for row in kept], dtype=np.uint8),
        FINDINGS,
        np.array([row.patient for row in kept]),
        np.array([row.name for row in kept]),
    )
    parts, split = _split(everything, root, split_by, notes)
    if decoded.skipped:
        split["skipped"] = [{"name": name, "reason": why} for name, why in decoded.skipped]
    return Splits(**parts, name=root.resolve().name, credit=CREDIT, notes=tuple(notes), split=split)


def read_table(table: Path) -> list[Row]:
    """Read Data_Entry_2017*.csv; errors name the line."""
    rows: dict[str, Row] = {}
    try:
        # The official files begin with or without a byte-order mark.
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [column.strip() for column in next(reader, [])]
            missing = [column for column in COLUMNS if column not in header]
            if missing:
                raise DataError(
                    f"{table} lacks the column {missing[0]!r}; expected {', '.join(COLUMNS)}. "
                    f"Its first line is {','.join(header)[:120]!r}"
                )
            places = [header.index(column) for column in COLUMNS]
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                where = f"{table}, line {reader.line_num}"
                row = _read_row(cells, places, where)
                if row.name in rows:
                    raise DataError(f"{where}: {row.name} has a row already; remove one of the two")
                rows[row.name] = row
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{table} is not a table in UTF-8 text: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {table}: {error.strerror or error}") from error
    if not rows:
        raise DataError(f"{table} holds no rows below its header; expected one per image")
    return list(rows.values())


def _read_row(cells: list[str], places: list[int], where: str) -> Row:
    if len(cells) <= max(places):
        raise DataError(
            f"{where}: {len(cells)} cells where at least {max(places) + 1} are needed; "
            f"the line is cut short: {','.join(cells)[:80]!r}"
        )
    name, labels, patient = (cells[place].strip() for place in places)
    if not name or not patient:
        raise DataError(f"{where}: the {COLUMNS[0] if not name else COLUMNS[2]} is empty")
    found = [label.strip() for label in labels.split("|")]
    if found == [NO_FINDING]:
        return Row(name, (0,) * len(FINDINGS), patient)
    for label in found:
        if label not in FINDINGS:
            expected = f"one of {', '.join(FINDINGS)}, separated by |, or {NO_FINDING} alone"
            raise DataError(f"{where}: unknown finding {label!r}; expected {expected}")
    return Row(name, tuple(int(finding in found) for finding in FINDINGS), patient)


def _find_images(root: Path) -> dict[str, str]:
    """Map each image's file name to its path below the root."""
    folders = [root / "images", *sorted(root.glob("images_*/images"))]
    files: dict[str, str] = {}
    try:
        for folder in folders:
            if folder.is_dir():
                for file in sorted(folder.iterdir()):
                    if file.suffix.lower() in SUFFIXES and not file.name.startswith("."):
                        files.setdefault(file.name, file.relative_to(root).as_posix())
    except OSError as error:
        raise DataError(f"cannot read {root / 'images'}: {error.strerror or error}") from error
    return files


def _split(
    everything: Dataset, root: Path, split_by: str, notes: list[str]
) -> tuple[dict[str, Dataset], dict[str, Any]]:
    assert everything.names is not None
    lists = [root / name for name in OFFICIAL_LISTS]
    if not all(one.is_file() for one in lists):
        parts, split = split_dataset(everything, split_by=split_by)
        notes += shared_ids({part: dataset.ids for part, dataset in parts.items()})
        return parts, split
    try:
        learn, judge = (one.read_text(encoding="utf-8").split() for one in lists)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {' and '.join(OFFICIAL_LISTS)} in {root}: {error}") from error
    train = everything.subset(np.isin(everything.names, learn))
    test = everything.subset(np.isin(everything.names, judge))
    if not len(train) or not len(test):
        raise DataError(
            f"the official lists in {root} name {len(train)} of the images for train and val and "
            f"{len(test)} for test; both need some. Remove {' and '.join(OFFICIAL_LISTS)} to split "
            f"by patient instead"
        )
    left_out = len(everything) - len(train) - len(test)
    if left_out:
        are, were = verb(left_out, "is", "are"), verb(left_out, "was", "were")
        number = count_of(left_out, "image")
        notes.append(f"{number} {are} in neither official list and {were} left out.")
    parts, split = split_dataset(train, VAL_FROM_TRAIN, split_by)
    parts["test"] = test
    split["rule"] = f"train and test by the official lists, val from train {split['rule']}"
    split["images"]["test"] = len(test)
    notes += shared_ids({part: dataset.ids for part, dataset in parts.items()})
    return parts, split


def _alone(
    noun: str, where: str, lack: str, these: dict[str, Any], those: dict[str, Any]
) -> list[str]:
    """Say which of these are not among those."""
    alone = set(these) - set(those)
    if not alone:
        return []
    number = len(alone)
    subject = f"{count_of(number, noun)} {where}".strip()
    return [
        f"{subject} {verb(number, 'has', 'have')} no {lack} (the first is {min(alone)}); "
        f"{verb(number, 'it was', 'they were')} passed over."
    ]
