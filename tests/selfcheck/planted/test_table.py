import pytest

from minicnn.checking.slugs import SLUGS
from minicnn.selfcheck.planted import FAMILIES, cases

from .brute_force import objections

CASES = cases()


# Forward adds and subtracts numbers of this size, which its outputs do not show.
INSIDE = {
    "numbers/cross-entropy-confident": 1.0,
    "numbers/layer-norm-far-from-zero": 1e4,
    "numbers/logarithm-of-nearly-one": 1.0,
}
# Derivatives of very different size stand in one array.
OWN_SCALE = {"numbers/square-of-the-small", "numbers/reciprocal"}


def settings(case):
    return {
        "single": case.family == "precision",
        "inside": INSIDE.get(case.name, 0.0),
        "own_scale": case.name in OWN_SCALE,
    }


def test_there_are_as_many_as_promised():
    assert sum(case.wrong for case in CASES) >= 300
    assert sum(not case.wrong for case in CASES) >= 180


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_every_family_has_wrong_and_right_ones():
    for family in FAMILIES:
        assert {case.wrong for case in CASES if case.family == family} == {True, False}, family


def test_every_slug_is_planted():
    assert {slug for case in CASES for slug in case.slugs} == set(SLUGS)


def test_each_case_says_what_it_is():
    for case in CASES:
        assert case.why.endswith("."), case.name
        assert 20 < len(case.why) < 250, case.name
        assert set(case.slugs) <= set(SLUGS), case.name
        assert len(set(case.slugs)) == len(case.slugs), case.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_brute_force_agrees_that_it_is_wrong_or_right(case):
    found = objections(case, **settings(case))
    assert bool(found) == case.wrong, found
