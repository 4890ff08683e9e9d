from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

from minicnn import checking
from minicnn.checking.numerical import numerical_gradient


def test_a_square_has_the_derivative_everybody_knows() -> None:
    # One well-known course shipped d(x^2)/dx = 9 at x = 3.
    assert numerical_gradient(lambda x: x**2, 3.0) == pytest.approx(6.0, rel=1e-9)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 1, 3, 2)])
def test_smooth_functions(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=shape), rng.normal(size=shape)
    gradient = numerical_gradient(lambda x: float((v * np.sin(x) * np.exp(x)).sum()), x)
    assert gradient.shape == shape
    assert gradient.dtype == np.float64
    expected = v * np.exp(x) * (np.sin(x) + np.cos(x))
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-9)


def test_the_step_grows_with_large_entries() -> None:
    # With the plain step 6e-6, rounding alone would cost four digits here.
    x = np.array([1e6, -3e8])
    gradient = numerical_gradient(lambda x: float(np.log(np.abs(x)).sum()), x)
    np.testing.assert_allclose(gradient, 1 / x, rtol=1e-8)


def test_the_error_falls_as_the_square_of_the_step() -> None:
    errors = [abs(float(numerical_gradient(np.exp, 0.0, h=h)) - 1) for h in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.01)


def test_the_array_itself_moves_so_that_closures_see_it() -> None:
    w = np.array([1.0, -2.0, 3.0])
    before = w.copy()
    gradient = numerical_gradient(lambda _: float((w**3).sum()), w)
    np.testing.assert_allclose(gradient, 3 * before**2, rtol=1e-8)
    assert (w == before).all()


def test_every_other_row_of_an_array_is_perturbed_in_place_too() -> None:
    whole = np.arange(12.0).reshape(4, 3)
    before = whole.copy()
    gradient = numerical_gradient(lambda _: float((whole**2).sum()), whole[::2].T)
    np.testing.assert_allclose(gradient, 2 * before[::2].T, atol=1e-8)
    assert (whole == before).all()


def test_x_is_restored_when_f_fails() -> None:
    x = np.array([1.0, 2.0])
    calls = 0

    def f(x: np.ndarray) -> float:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise RuntimeError("no more")
        return float(x.sum())

    with pytest.raises(RuntimeError, match="no more"):
        numerical_gradient(f, x)
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "x", [[1, 2], np.array([1, 2], np.int64), np.array([1, 2], np.float32), [True, 2]]
)
def test_other_dtypes_are_differentiated_in_float64(x: object) -> None:
    seen = []

    def f(x: np.ndarray) -> float:
        seen.append(x.dtype)
        return float((x**2).sum())

    np.testing.assert_allclose(numerical_gradient(f, x), 2 * np.asarray(x), rtol=1e-9)
    assert set(seen) == {np.dtype(np.float64)}


def test_a_read_only_array_is_left_alone() -> None:
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    np.testing.assert_allclose(numerical_gradient(lambda x: float((x**2).sum()), x), [2, 4])


def test_what_cannot_be_differentiated_is_said() -> None:
    with pytest.raises(ValueError, match="one number"):
        numerical_gradient(lambda x: x, np.ones(3))  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="complex"):
        numerical_gradient(lambda x: float(abs(x).sum()), np.ones(3) * 1j)
    for h in (0, -1e-5, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="h is"):
            numerical_gradient(lambda x: float(x.sum()), np.ones(3), h)


def test_nan_is_passed_on_and_nothing_is_invented() -> None:
    assert np.isnan(numerical_gradient(lambda x: float("nan"), np.ones(2))).all()
    assert numerical_gradient(lambda x: 7.0, np.ones((2, 0))).shape == (2, 0)


def test_it_imports_numpy_alone() -> None:
    known = {"minicnn.checking", "numpy", *sys.stdlib_module_names}
    folder = Path(checking.__file__).parent
    files = sorted(folder.rglob("*.py"))
    assert folder / "promises" / "__init__.py" in files
    drawing = 0
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module is not None
                names = [node.module]
            for name in names:
                parts = name.split(".")
                # Drawing a report is the one thing that needs more; it is imported when asked for.
                if (path.name, name) == ("report.py", "minicnn.plots.gradients"):
                    assert node.col_offset > 0
                    drawing += 1
                    continue
                assert parts[0] in known or ".".join(parts[:2]) in known, f"{path.name}: {name}"
    assert drawing == 1
