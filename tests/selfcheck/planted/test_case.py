import numpy as np
import pytest

from minicnn.selfcheck.planted.case import Family


def setting(kind):
    """Two ones."""
    return kind(), (np.ones(2),)


def test_a_class_becomes_a_case_with_its_docstring_as_the_reason():
    family = Family("things")

    @family.wrong("sign", on=setting)
    class TurnedAroundTwice2d:
        """It is turned
        around twice.
        """

    (case,) = family.cases
    assert case.name == "things/turned-around-twice2d"
    assert case.why == "It is turned around twice."
    assert case.wrong
    assert case.slugs == ("sign",)
    one, other = case.make(), case.make()
    assert isinstance(one[0], TurnedAroundTwice2d)
    assert one[0] is not other[0]


def test_a_function_can_be_right_and_can_have_a_name_of_its_own():
    family = Family("things")

    @family.right(on=setting, name="by-another-name")
    def some_backward():
        """Right."""

    assert [case.name for case in family.cases] == ["things/by-another-name"]
    assert not family.cases[0].wrong
    assert family.cases[0].why == "Right. Two ones."


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("MSELoss", "mse-loss"),
        ("LeakyReLU", "leaky-relu"),
        ("ReLUWithOne", "relu-with-one"),
        ("Conv2d", "conv2d"),
        ("WithACircle", "with-a-circle"),
        ("_some_function", "some-function"),
    ],
)
def test_names(written, read):
    family = Family("f")
    family.right(on=setting)(type(written, (), {}))
    assert family.cases[0].name == f"f/{read}"


def test_a_wrong_case_needs_a_slug():
    with pytest.raises(ValueError, match="at least one slug"):
        Family("things").wrong(on=setting)
