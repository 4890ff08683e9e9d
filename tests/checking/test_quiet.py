from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from minicnn.checking.quiet import Printed, quietly


def test_prints_are_kept_and_warnings_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    stdout = sys.stdout
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quietly() as printed:
            print("shape", 3)
            warnings.warn("watch out", stacklevel=1)
            assert np.isnan(np.zeros(1) / np.zeros(1)).all()
        assert not caught and printed.text == "shape 3\n"
    assert sys.stdout is stdout and capsys.readouterr() == ("", "")
    with pytest.warns(RuntimeWarning):
        np.zeros(1) / np.zeros(1)


def test_all_comes_back_after_an_exception() -> None:
    stdout, settings = sys.stdout, np.geterr()
    with pytest.raises(ValueError, match="no"), quietly():
        raise ValueError("no")
    assert sys.stdout is stdout and np.geterr() == settings


def test_what_is_too_long_is_forgotten() -> None:
    printed = Printed()
    assert printed.write("ab") == 2 and printed.write("x" * 5000) == 5000
    assert printed.write("more") == 4
    assert printed.text.startswith("abxxx") and len(printed.text) <= 2000
    printed.flush()
