from __future__ import annotations

import pytest

from minicnn.data.patients import find_patients
from minicnn.errors import ArgumentError, DataError


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person1000_bacteria_2931.jpeg", "person1000"),
        ("person447_virus_921_1.jpeg", "person447"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0429-0001-0002.jpeg", "IM-0429"),
        ("NORMAL2-IM-1419-0001.jpeg", "IM-1419"),
        ("NORMAL2-IM-1103-0001-0001.jpeg", "IM-1103"),
        ("NORMAL-1003233-0001.jpeg", "1003233"),
        ("BACTERIA-1008087-0001.jpeg", "1008087"),
        ("deeper/00000001_013.png", "00000001"),
    ],
)
def test_knows_the_names_of_public_sets(name: str, patient: str) -> None:
    found = find_patients([name])
    assert found.ids is not None
    assert found.ids.tolist() == [patient]
    assert found.credit


def test_normal_and_ill_children_of_kermany_do_not_clash() -> None:
    names = ["IM-0115-0001.jpeg", "person115_virus_1.jpeg", "person115_bacteria_2.jpeg"]
    found = find_patients(names)
    assert found.ids is not None
    assert found.ids.tolist() == ["IM-0115", "person115", "person115"]
    assert found.credit.count("Kermany") == 1
    assert found.note == "2 patients were told from the file names by a known pattern."


def test_names_that_mean_nothing_give_no_patients() -> None:
    assert find_patients(["a.png", "scan12_left.png", "IM-0115.txt.png"]).ids is None
    assert find_patients(["person1_bacteria_2.jpeg", "b.png", "c.png"]).ids is None


def test_a_few_strange_names_count_as_a_patient_each() -> None:
    names = ["person1_bacteria_2.jpeg", "person1_virus_3.jpeg", "b.png"]
    found = find_patients(names)
    assert found.ids is not None
    assert found.ids.tolist() == ["person1", "person1", "/b.png"]
    assert "1 name does not fit and counts" in found.note


def test_a_pattern_of_ones_own_goes_first() -> None:
    found = find_patients(["p7/person1_virus_3.jpeg", "p7/x.png", "q/y.png"], r"^(p\d+)/")
    assert found.ids is not None
    assert found.ids.tolist() == ["p7", "p7", "/q/y.png"]
    assert found.credit == ""


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        ("(p[0-9]+", ArgumentError, "is no regular expression: missing"),
        (r"p\d+", ArgumentError, "has 0 groups; put exactly the patient in round brackets"),
        (r"(p)(\d+)", ArgumentError, "has 2 groups"),
        ("(x+)", DataError, "matches none of 1 file names, such as 'a.png'"),
    ],
)
def test_refuses_patterns_that_do_not_serve(
    pattern: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        find_patients(["a.png"], pattern)
