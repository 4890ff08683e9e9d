from __future__ import annotations

import ast

from minicnn.selfcheck.mutations import bare, mutations

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


def test_checks_messages_and_docstrings_stay_as_they_are() -> None:
    for mutation in mutations(tree(SOURCE)):
        assert "check_shape(dy - x)" in mutation.source
        assert "raise ValueError(f'{p + 1}')" in mutation.source
        assert "Say what" not in mutation.source


def test_each_mutation_is_another_function_that_compiles() -> None:
    listed = mutations(tree(SOURCE))
    sources = [mutation.source for mutation in listed]
    assert len(set(sources)) == len(sources)
    assert ast.unparse(bare(tree(SOURCE))) not in sources
    for source in sources:
        compile(source, "mutant", "exec")
    for mutation in listed:
        assert mutation.before != mutation.after


def test_the_list_is_the_same_every_time() -> None:
    assert mutations(tree(SOURCE)) == mutations(tree(SOURCE))
