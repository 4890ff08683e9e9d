"""The worst mistakes, surest first."""

from __future__ import annotations

import numpy as np

from minicnn.evaluation.mistakes import Mistake, worst_mistakes


def test_surest_first_and_no_right_answers() -> None:
    p = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.45, 0.55]])
    found = worst_mistakes([0, 0, 0, 1], p, ("normal", "pneumonia"))
    assert found == [Mistake(2, "normal", "pneumonia", 0.8), Mistake(1, "normal", "pneumonia", 0.7)]
    assert worst_mistakes([0, 0, 0, 1], p, ("normal", "pneumonia"), count=1) == found[:1]


def test_more_classes_are_ordered_by_what_was_left_for_the_truth() -> None:
    p = np.array([[0.30, 0.36, 0.34], [0.05, 0.55, 0.40]])
    found = worst_mistakes([0, 0], p, "abc")
    assert [m.index for m in found] == [1, 0]
    assert (found[0].called, found[0].probability) == ("b", 0.55)


def test_of_several_labels_only_the_worst_of_an_image() -> None:
    labels = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    p = np.array([[0.4, 0.99, 0.1], [0.1, 0.1, 0.05], [0.2, 0.9, 0.3]])
    found = worst_mistakes(labels, p, ("edema", "mass", "hernia"))
    assert [(m.index, m.truth, m.called) for m in found] == [
        (0, "no mass", "mass"),
        (1, "hernia", "no hernia"),
    ]
    np.testing.assert_allclose([m.probability for m in found], [0.99, 0.95])


def test_none_is_an_empty_list() -> None:
    assert worst_mistakes([1], np.array([[0.0, 1.0]]), "ab") == []
