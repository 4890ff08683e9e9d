from __future__ import annotations

import sys

import pytest

from minicnn import backends, current_backend, use_backend
from minicnn.errors import ArgumentError


def test_compiled_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_current", None)
    assert current_backend() == "compiled"


def test_a_call_lasts_and_a_block_ends() -> None:
    use_backend("vectorized")
    with use_backend("loops"):
        assert backends.kernels("linear").__name__ == "minicnn.backends.loops.linear"
    assert current_backend() == "vectorized"
    with pytest.raises(ZeroDivisionError), use_backend("loops"):
        raise ZeroDivisionError
    assert current_backend() == "vectorized"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'loop'.*'loops', 'vectorized', 'compiled'"):
        use_backend("loop")


@pytest.mark.parametrize("obstacle", ["numba cannot be imported", "NUMBA_DISABLE_JIT"])
def test_where_nothing_can_be_compiled_the_vectorized_backend_steps_in(
    monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    if obstacle == "NUMBA_DISABLE_JIT":
        monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    else:
        monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(backends, "_current", None)
    with pytest.warns(UserWarning, match=obstacle):
        assert current_backend() == "vectorized"
    with pytest.raises(ArgumentError, match=obstacle):
        use_backend("compiled")


def test_a_block_can_be_entered_again() -> None:
    use_backend("vectorized")
    loops = use_backend("loops")
    for _ in range(2):
        with loops:
            assert current_backend() == "loops"
        assert current_backend() == "vectorized"
