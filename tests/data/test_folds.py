from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.folds import k_folds
from minicnn.errors import ArgumentError, DataError

NAMES = [f"image{i}" for i in range(120)]
IDS = [f"patient{i // 3}" for i in range(120)]
LABELS = np.arange(120) // 3 % 4 // 3  # a quarter of the patients positive


def test_every_image_is_held_out_once_with_its_patient() -> None:
    rounds = k_folds(NAMES, LABELS, IDS, 4)
    assert sorted(np.concatenate([held for _, held in rounds])) == list(range(120))
    for learn, held in rounds:
        assert sorted([*learn, *held]) == list(range(120))
        assert not {IDS[i] for i in learn} & {IDS[i] for i in held}
        assert len(held) == 30
        assert LABELS[held].sum() in (6, 9)  # whole patients of three images


def test_rare_findings_spread_over_the_folds() -> None:
    labels = np.zeros((120, 2), np.uint8)
    labels[:15, 0] = 1  # five patients
    labels[::2, 1] = 1
    held = [labels[held].sum(axis=0) for _, held in k_folds(NAMES, labels, IDS, 5)]
    assert [int(h[0]) for h in held] == [3] * 5
    assert all(10 <= h[1] <= 14 for h in held)


def test_the_folds_do_not_depend_on_the_order_of_the_images() -> None:
    order = np.random.default_rng(0).permutation(120)
    shuffled = k_folds([NAMES[i] for i in order], LABELS[order], [IDS[i] for i in order], 3)
    for (_, held), (_, again) in zip(k_folds(NAMES, LABELS, IDS, 3), shuffled, strict=True):
        assert {NAMES[i] for i in held} == {NAMES[order[i]] for i in again}


@pytest.mark.parametrize("folds", [0, 1, -2, 2.5, True])
def test_impossible_numbers_of_folds_are_refused(folds: object) -> None:
    with pytest.raises(ArgumentError, match="folds is"):
        k_folds(NAMES, LABELS, IDS, folds)  # type: ignore[arg-type]


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(DataError, match="2 patients cannot be divided"):
        k_folds(NAMES[:6], LABELS[:6], IDS[:6], 3)


def test_a_class_of_one_patient_is_refused() -> None:
    labels = np.zeros(120, int)
    labels[:3] = 1
    with pytest.raises(DataError, match="too few to give fold 1|all images of class 1"):
        k_folds(NAMES, labels, IDS, 3)


def test_scikit_learn_takes_the_list() -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    dummy = pytest.importorskip("sklearn.dummy")
    scores = selection.cross_val_score(
        dummy.DummyClassifier(), np.zeros((120, 1)), LABELS, cv=k_folds(NAMES, LABELS, IDS, 4)
    )
    assert scores == pytest.approx(0.75, abs=0.06)
