"""Small mistakes made on purpose in the source of a function.

Another sign, another axis, an index off by one, a term left out: the kinds of slips stand in
`operators`. A mutation is the whole function with one of them.

Mutation testing goes back to DeMillo, Lipton and Sayward, "Hints on Test Data Selection: Help
for the Practicing Programmer" (1978).
"""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from minicnn.selfcheck.operators import Place, changes

Path = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Mutation:
    """A function with one change.

    Parameters
    ----------
    operator
        What kind of change.
    source
        The whole changed function.
    before, after
        The line that changed, as it was and as it is.
    """

    operator: str
    source: str
    before: str
    after: str


def mutations(function: ast.FunctionDef) -> list[Mutation]:
    """List every mutation of a function, in the order of its source, without repetitions.

    Parameters
    ----------
    function
        Its definition; docstring and annotations are taken out first.
    """
    plain = bare(function)
    original = ast.unparse(plain)
    arguments = tuple(a.arg for a in plain.args.args if a.arg != "self")
    stored = frozenset(
        n.id for n in ast.walk(plain) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )
    found: dict[str, Mutation] = {}
    for path, parents, node in _places(plain):
        place = Place(parents, arguments, stored)
        for operator, new in changes(node, place):
            source = _with(plain, path, ast.copy_location(new, node))
            if source != original and source not in found:
                found[source] = Mutation(operator, source, *_changed_line(original, source))
    return list(found.values())


def bare(function: ast.FunctionDef) -> ast.FunctionDef:
    """Return a copy without docstring, annotations and decorators."""
    plain = copy.deepcopy(function)
    first = plain.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and plain.body[1:]:
        del plain.body[0]
    plain.returns, plain.decorator_list = None, []
    for argument in (*plain.args.args, *plain.args.kwonlyargs, *plain.args.posonlyargs):
        argument.annotation = None
    plain.body = [_unannotated(statement) for statement in plain.body]
    return plain


def _unannotated(statement: ast.stmt) -> ast.stmt:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return ast.copy_location(ast.Assign([statement.target], statement.value), statement)
    return statement


def _places(tree: ast.FunctionDef) -> Iterator[tuple[Path, tuple[ast.AST, ...], ast.AST]]:
    """Yield each node of the body that may change, with its path and its parents."""

    def visit(
        node: ast.AST, path: Path, parents: tuple[ast.AST, ...]
    ) -> Iterator[tuple[Path, tuple[ast.AST, ...], ast.AST]]:
        if isinstance(node, ast.Raise) or _is_check(node):
            return
        yield path, parents, node
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                yield from visit(value, (*path, (field, None)), (*parents, node))
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield from visit(item, (*path, (field, i)), (*parents, node))

    for i, statement in enumerate(tree.body):
        yield from visit(statement, (("body", i),), (tree,))


def _is_check(node: ast.AST) -> bool:
    """Whether a statement only checks the arguments: it computes nothing."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.lstrip("_").startswith("check")


def _with(tree: ast.FunctionDef, path: Path, new: ast.AST) -> str:
    """Return the source with another node at ``path``; the tree itself is left as it was."""
    holder: ast.AST = tree
    for field, i in path[:-1]:
        value = getattr(holder, field)
        holder = value if i is None else value[i]
    field, i = path[-1]
    value = getattr(holder, field)
    if i is None:
        setattr(holder, field, new)
        source = ast.unparse(tree)
        setattr(holder, field, value)
    else:
        old, value[i] = value[i], new
        source = ast.unparse(tree)
        value[i] = old
    return source


def _changed_line(before: str, after: str) -> tuple[str, str]:
    """Return the first line that differs, without and with the change."""
    old = new = ""
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line.startswith("- ") and not old:
            old = line[2:].strip()
        if line.startswith("+ ") and not new:
            new = line[2:].strip()
    return old, new
