from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minicnn.data.nih import FINDINGS, is_nih, read_nih, read_table
from minicnn.errors import DataError

Paint = Callable[..., Path]

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
LABELS = ("No Finding", "Cardiomegaly|Emphysema", "Pleural_Thickening", "Effusion")


def line(patient: int, visit: int) -> str:
    labels = LABELS[patient % len(LABELS)]
    return f"{patient:08d}_{visit:03d}.png,{labels},{visit},{patient},58,M,PA,2682,2749,0.1,0.1"


@pytest.fixture
def nih(tmp_path: Path, paint: Paint) -> Path:
    """Write 20 patients with 3 images each."""
    root = tmp_path / "nih"
    lines = [HEADER]
    for patient in range(1, 21):
        for visit in range(3):
            lines.append(line(patient, visit))
            paint(root / "images" / f"{patient:08d}_{visit:03d}.png")
    (root / "Data_Entry_2017_v2020.csv").write_text("\n".join(lines) + "\n")
    return root


def edit(root: Path, change: Callable[[list[str]], object]) -> None:
    table = root / "Data_Entry_2017_v2020.csv"
    lines = table.read_text().splitlines()
    change(lines)
    table.write_text("\n".join(lines) + "\n")


def test_reads_14_findings_and_patients(nih: Path) -> None:
    assert is_nih(nih) and not is_nih(nih / "images")
    splits = read_nih(nih, size=16)
    assert splits.classes == FINDINGS == tuple(sorted(FINDINGS)) and len(FINDINGS) == 14
    assert splits.multilabel and splits.image_shape == (1, 16, 16)
    assert splits.sizes == {"train": 42, "val": 9, "test": 9}
    assert splits.notes == ()
    assert "NIH Clinical Center" in splits.credit
    everything = splits.part("all")
    for labels, patient, name in zip(
        everything.labels, everything.ids.tolist(), everything.names.tolist(), strict=True
    ):
        assert int(name[:8]) == int(patient)
        found = {FINDINGS[k] for k in np.flatnonzero(labels)}
        assert found == set(LABELS[int(patient) % 4].split("|")) - {"No Finding"}
    owners = [set(splits.part(part).ids.tolist()) for part in ("train", "val", "test")]
    assert sum(map(len, owners)) == 20


def test_rows_without_image_and_images_without_row_are_counted(nih: Path, paint: Paint) -> None:
    for visit in range(2):
        (nih / "images" / f"00000003_00{visit}.png").unlink()
    paint(nih / "images" / "extra.png")
    (nih / "images" / "00000004_001.png").write_text("no image")
    splits = read_nih(nih, size=16)
    assert sum(splits.sizes.values()) == 57
    assert splits.notes[0] == (
        "2 rows of Data_Entry_2017_v2020.csv have no image (the first is 00000003_000.png); they "
        "were passed over."
    )
    assert (
        "1 image has no row in Data_Entry_2017_v2020.csv (the first is extra.png)"
        in (splits.notes[1])
    )
    assert "1 of 58 images could not be read: images/00000004_001.png" in splits.notes[2]
    assert splits.split["skipped"][0]["name"] == "images/00000004_001.png"


def test_images_in_the_folders_of_the_download(nih: Path) -> None:
    for number in (1, 2):
        (nih / f"images_{number:03d}" / "images").mkdir(parents=True)
    for path in sorted((nih / "images").iterdir()):
        path.rename(nih / f"images_{1 + int(path.name[:8]) % 2:03d}" / "images" / path.name)
    (nih / "images").rmdir()
    assert sum(read_nih(nih, size=16).sizes.values()) == 60


def test_the_official_lists_decide(nih: Path) -> None:
    names = sorted(path.name for path in (nih / "images").iterdir())
    (nih / "train_val_list.txt").write_text("\n".join(names[:45]))
    (nih / "test_list.txt").write_text("\n".join([*names[48:], "not_here.png"]))
    splits = read_nih(nih, size=16)
    assert splits.test.names.tolist() == names[48:]
    assert len(splits.train) + len(splits.val) == 45
    assert not set(splits.train.ids.tolist()) & set(splits.val.ids.tolist())
    assert splits.notes == ("3 images are in neither official list and were left out.",)
    assert splits.split["rule"].startswith("train and test by the official lists, val from train")
    assert splits.split["images"] == splits.sizes
    (nih / "test_list.txt").write_text("elsewhere.png")
    with pytest.raises(DataError, match="name 45 of the images for train and val and 0 for test"):
        read_nih(nih, size=16)


def test_the_newer_table_goes_first(nih: Path) -> None:
    (nih / "Data_Entry_2017.csv").write_text("an older table")
    assert sum(read_nih(nih, size=16).sizes.values()) == 60


def test_reads_a_table_with_a_mark_blank_lines_and_other_columns(tmp_path: Path) -> None:
    table = tmp_path / "Data_Entry_2017.csv"
    table.write_bytes(
        b"\xef\xbb\xbfPatient ID, Image Index,Finding Labels,\r\n"
        b"7,a.png,Mass | Nodule,\r\n"
        b"\r\n"
        b"8,b.png,No Finding,\r\n"
    )
    first, second = read_table(table)
    assert (first.name, first.patient, sum(first.findings)) == ("a.png", "7", 2)
    assert (second.name, second.patient, sum(second.findings)) == ("b.png", "8", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda lines: lines.__setitem__(0, lines[0].replace("Patient ID", "Person")),
            "lacks the column 'Patient ID'; expected Image Index, Finding Labels, Patient ID",
        ),
        (
            lambda lines: lines.__setitem__(3, lines[3].replace("Cardiomegaly", "Cardiomegali")),
            r"line 4: unknown finding 'Cardiomegali'; expected one of Atelectasis, .*separated by",
        ),
        (
            lambda lines: lines.__setitem__(3, lines[3].replace("Cardiomegaly", "No Finding")),
            "line 4: unknown finding 'No Finding'; .* or No Finding alone",
        ),
        (
            lambda lines: lines.__setitem__(5, lines[5][:30]),
            "line 6: 2 cells where at least 4 are needed; the line is cut short: '00000002",
        ),
        (lambda lines: lines.append(lines[7]), "line 62: 00000003_000.png has a row already"),
        (
            lambda lines: lines.__setitem__(2, "," + lines[2].partition(",")[2]),
            "line 3: the Image Index is empty",
        ),
        (
            lambda lines: lines.__setitem__(2, lines[2].replace("1,1,58", "1,,58")),
            "line 3: the Patient ID is empty",
        ),
        (lambda lines: lines.__delitem__(slice(1, None)), "holds no rows below its header"),
        (lambda lines: lines.clear(), "lacks the column 'Image Index'"),
    ],
)
def test_a_malformed_table_is_an_error_with_the_line(
    nih: Path, change: Callable[[list[str]], object], message: str
) -> None:
    edit(nih, change)
    with pytest.raises(DataError, match=message) as caught:
        read_nih(nih, size=16)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_no_text(nih: Path) -> None:
    (nih / "Data_Entry_2017_v2020.csv").write_bytes(b"Image Index\xff\xfe\0")
    with pytest.raises(DataError, match="is not a table in UTF-8 text"):
        read_nih(nih)


def test_a_folder_without_table_or_images(nih: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no Data_Entry_2017\*.csv"):
        read_nih(tmp_path / "cache")
    for path in (nih / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"none of the 60 images .* expected files such as images"):
        read_nih(nih)


def test_reads_real_x_rays(real_data: Path) -> None:
    splits = read_nih(real_data / "nih_sample")
    assert sum(splits.sizes.values()) == 800
    assert splits.image_shape == (1, 64, 64)
    counts = dict(zip(splits.classes, splits.part("all").class_counts().tolist(), strict=True))
    assert counts["Effusion"] == 141 and counts["Hernia"] == 9
    owners = [set(splits.part(part).ids.tolist()) for part in ("train", "val", "test")]
    assert sum(map(len, owners)) == len(set().union(*owners)) == 221
    assert min(map(len, owners)) > 25
