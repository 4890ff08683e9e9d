from __future__ import annotations

import ast

from minicnn.selfcheck.mutations import mutations

SOURCE = '''
def f_dx(dy: int, x: int, *, p=1.0):
    """Say what it does."""
    check_shape(dy - x)
    if p < 0:
        raise ValueError(f"{p + 1}")
    total: int = (dy * x).sum(axis=(0, 2))
    for i in range(len(x)):
        total[i, 1:] += -dy[i]
    return total, dy
'''


def tree(source: str) -> ast.FunctionDef:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function


def changes(source: str) -> set[tuple[str, str]]:
    return {(m.operator, m.after) for m in mutations(tree(source))}


def test_every_kind_of_change_is_made() -> None:
    found = changes(SOURCE)
    for change in [
        ("drop a factor", "total = dy.sum(axis=(0, 2))"),
        ("swap + and *", "total = (dy + x).sum(axis=(0, 2))"),
        ("exchange a name", "total = (x * x).sum(axis=(0, 2))"),
        ("work in place", "total = np.multiply(dy, x, out=dy).sum(axis=(0, 2))"),
        ("swap sum and mean", "total = (dy * x).mean(axis=(0, 2))"),
        ("cut a sum", "total = (dy * x)[:-1].sum(axis=(0, 2))"),
        ("change an axis", "total = (dy * x).sum(axis=(0, 1))"),
        ("change an axis", "total = (dy * x).sum(axis=(2,))"),
        ("change an axis", "total = (dy * x).sum()"),
        ("cut a loop", "for i in range(1, len(x)):"),
        ("cut a loop", "for i in range(0, len(x) - 1):"),
        ("flip a sign", "total[i, 1:] += dy[i]"),
        ("flip a sign", "total[i, 1:] -= -dy[i]"),
        ("set, not add", "total[i, 1:] = -dy[i]"),
        ("drop a statement", "pass"),
        ("change a slice", "total[i, 2:] += -dy[i]"),
        ("change an index", "total[i, 1:] += -dy[i - 1]"),
        ("swap indices", "total[1:, i] += -dy[i]"),
        ("swap results", "return (dy, total)"),
        ("turn a comparison", "if p >= 0:"),
        ("move a border", "if p <= 0:"),
        ("take one branch", "if True:"),
        ("change a constant", "if p < 1:"),
    ]:
        assert change in found, change


def test_a_transpose_a_product_and_a_choice() -> None:
    found = changes("def f(dy, x):\n    return np.where(x > 0, dy.T @ x, 0.5)")
    assert ("drop a transpose", "return np.where(x > 0, dy @ x, 0.5)") in found
    assert ("swap arguments", "return np.where(x > 0, x @ dy.T, 0.5)") in found
    assert ("swap arguments", "return np.where(x > 0, 0.5, dy.T @ x)") in found
    assert ("change a constant", "return np.where(x > 0, dy.T @ x, 1.0)") in found
