"""What a tired programmer might have written instead: one operator for each kind of slip.

An operator looks at one node of a syntax tree and yields changed nodes, each with the name of
the kind of change. `mutations` puts them into the function.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = tuple[str, ast.AST]


@dataclass(frozen=True)
class Place:
    """Where a node stands: what an operator may want to know besides the node."""

    parents: tuple[ast.AST, ...]
    names: tuple[str, ...]  # the arguments of the function, ``self`` aside
    locals: frozenset[str]

    @property
    def in_axis(self) -> bool:
        """Whether the node says over which axes something runs."""
        return any(
            isinstance(p, ast.keyword) and p.arg in ("axis", "axes", "dim") for p in self.parents
        )

    @property
    def in_index(self) -> bool:
        """Whether the node is part of an index."""
        return any(
            isinstance(p, ast.Subscript) and child is p.slice
            for p, child in zip(self.parents, (*self.parents[1:], None), strict=True)
        )


def changes(node: ast.AST, place: Place) -> Iterator[Change]:
    """Yield every change of one node."""
    for operator in OPERATORS:
        yield from operator(node, place)


def _number(value: float) -> ast.Constant:
    return ast.Constant(value)


def _plus(node: ast.expr, step: int) -> ast.expr:
    """Add a small integer to an expression; a constant is changed itself."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return _number(node.value + step)
    return ast.BinOp(node, ast.Add() if step > 0 else ast.Sub(), _number(abs(step)))


def terms(node: ast.AST, place: Place) -> Iterator[Change]:
    """Drop a term of a sum, or a factor of a product; turn a sign; take another operation."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        if not isinstance(node.operand, ast.Constant):
            yield "flip a sign", node.operand
        return
    if not isinstance(node, ast.BinOp):
        return
    left, right, op = node.left, node.right, node.op
    if isinstance(op, ast.Add | ast.Sub):
        yield "drop a term", left
        yield "drop a term", right if isinstance(op, ast.Add) else ast.UnaryOp(ast.USub(), right)
        other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
        yield "flip a sign", ast.BinOp(left, other, right)
        yield "swap + and *", ast.BinOp(left, ast.Mult(), right)
    elif isinstance(op, ast.Mult):
        yield "drop a factor", left
        yield "drop a factor", right
        yield "swap + and *", ast.BinOp(left, ast.Add(), right)
        yield "swap * and /", ast.BinOp(left, ast.Div(), right)
    elif isinstance(op, ast.Div):
        yield "drop a factor", left
        yield "swap * and /", ast.BinOp(left, ast.Mult(), right)
    elif isinstance(op, ast.MatMult):
        yield "swap arguments", ast.BinOp(right, op, left)


def axes(node: ast.AST, place: Place) -> Iterator[Change]:
    """Take another axis, or leave one out."""
    if isinstance(node, ast.keyword) and node.arg in ("axis", "axes") and place.parents:
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, int):
            for other in (value.value + 1, value.value - 1):
                yield "change an axis", ast.keyword(node.arg, _number(other))
        elif isinstance(value, ast.Tuple):
            for i in range(len(value.elts)):
                rest = [*value.elts[:i], *value.elts[i + 1 :]]
                yield "change an axis", ast.keyword(node.arg, ast.Tuple(rest, ast.Load()))
                moved = [*value.elts[:i], _plus(value.elts[i], -1), *value.elts[i + 1 :]]
                yield "change an axis", ast.keyword(node.arg, ast.Tuple(moved, ast.Load()))
        elif isinstance(value, ast.Name):
            for cut in (ast.Slice(_number(1)), ast.Slice(None, _number(-1))):
                yield "change an axis", ast.keyword(node.arg, ast.Subscript(value, cut, ast.Load()))
    elif isinstance(node, ast.Name) and node.id == "PLANES" and not place.in_axis:
        for cut in (ast.Slice(_number(1)), ast.Slice(None, _number(-1))):
            yield "change an axis", ast.Subscript(node, cut, ast.Load())


def indices(node: ast.AST, place: Place) -> Iterator[Change]:
    """Be off by one in an index or in a bound of a slice; swap two indices."""
    if not isinstance(node, ast.Subscript):
        return

    def with_slice(new: ast.expr) -> ast.AST:
        return ast.Subscript(node.value, new, node.ctx)

    whole = node.slice
    parts = whole.elts if isinstance(whole, ast.Tuple) else [whole]

    def with_part(i: int, new: ast.expr) -> ast.AST:
        if not isinstance(whole, ast.Tuple):
            return with_slice(new)
        return with_slice(ast.Tuple([*parts[:i], new, *parts[i + 1 :]], ast.Load()))

    for i, part in enumerate(parts):
        if isinstance(part, ast.Slice):
            lower, upper = part.lower, part.upper
            for step in (1, -1):
                if lower is not None or step == 1:
                    moved = _plus(lower or _number(0), step)
                    yield "change a slice", with_part(i, ast.Slice(moved, upper, part.step))
                if upper is not None:
                    moved = _plus(upper, step)
                    yield "change a slice", with_part(i, ast.Slice(lower, moved, part.step))
        elif isinstance(part, ast.Constant) and isinstance(part.value, str | type(None)):
            continue
        elif isinstance(part, ast.Constant) and isinstance(part.value, int):
            other = {0: 1, 1: 0}.get(part.value, part.value - 1)
            yield "change an index", with_part(i, _number(other))
        elif isinstance(part, ast.Name | ast.BinOp):
            yield "change an index", with_part(i, _plus(part, -1))
    for i in range(len(parts) - 1):
        one, two = parts[i], parts[i + 1]
        if ast.dump(one) != ast.dump(two):
            swapped = [*parts[:i], two, one, *parts[i + 2 :]]
            yield "swap indices", with_slice(ast.Tuple(swapped, ast.Load()))


def sums(node: ast.AST, place: Place) -> Iterator[Change]:
    """Cut a sum short, or take the mean for it; let a loop miss its first or last turn."""
    if not isinstance(node, ast.Call):
        return
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in ("sum", "mean"):
        other = {"sum": "mean", "mean": "sum"}[called.attr]
        yield "swap sum and mean", _called(node, ast.Attribute(called.value, other, ast.Load()))
        for cut in (ast.Slice(None, _number(-1)), ast.Slice(None, _number(1))):
            short = ast.Subscript(called.value, cut, ast.Load())
            yield "cut a sum", _called(node, ast.Attribute(short, called.attr, ast.Load()))
    if isinstance(called, ast.Name) and called.id == "range":
        bounds = node.args if len(node.args) > 1 else [_number(0), *node.args]
        first, last, step = bounds[0], bounds[1], bounds[2:]
        yield "cut a loop", ast.Call(called, [_plus(first, 1), last, *step], [])
        yield "cut a loop", ast.Call(called, [first, _plus(last, -1), *step], [])


def _called(node: ast.Call, function: ast.expr) -> ast.Call:
    return ast.Call(function, node.args, node.keywords)


def calls(node: ast.AST, place: Place) -> Iterator[Change]:
    """Swap two arguments, leave a call out, transpose otherwise or not at all."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "drop a transpose", node.value
    if not isinstance(node, ast.Call):
        return
    args, keywords, called = node.args, node.keywords, node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    for i in range(len(args) - 1):
        if ast.dump(args[i]) != ast.dump(args[i + 1]):
            swapped = [*args[:i], args[i + 1], args[i], *args[i + 2 :]]
            yield "swap arguments", ast.Call(called, swapped, keywords)
    for i in range(len(keywords) - 1):
        one, two = keywords[i], keywords[i + 1]
        if name == "set_grads":
            swapped_words = [ast.keyword(one.arg, two.value), ast.keyword(two.arg, one.value)]
            rest = [*keywords[:i], *swapped_words, *keywords[i + 2 :]]
            yield "swap arguments", ast.Call(called, args, rest)
    for i, word in enumerate(keywords):
        operator = "change an axis" if word.arg == "axis" else "drop an option"
        yield operator, ast.Call(called, args, [*keywords[:i], *keywords[i + 1 :]])
    if isinstance(called, ast.Attribute):
        if name in ("transpose", "copy", "astype"):
            yield "drop a transpose" if name == "transpose" else "drop a call", called.value
        opposite = {"maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max"}
        if name in opposite:
            yield (
                "swap min and max",
                _called(node, ast.Attribute(called.value, opposite[name], ast.Load())),
            )
    if len(args) == 1 and name not in ("range", "zeros", "len", "list", "tuple", "reversed"):
        yield "drop a call", args[0]
    if name == "reversed":
        yield "drop a call", args[0]


def choices(node: ast.AST, place: Place) -> Iterator[Change]:
    """Turn a comparison around, move its border, or always take the same branch."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        op = type(node.ops[0])
        for other in TURNED.get(op, ()):
            kind = "move a border" if other is BORDER.get(op) else "turn a comparison"
            yield kind, ast.Compare(node.left, [other()], node.comparators)
    if isinstance(node, ast.IfExp):
        yield "take one branch", node.body
        yield "take one branch", node.orelse
    if isinstance(node, ast.If):
        for always in (True, False):
            yield "take one branch", ast.If(ast.Constant(always), node.body, node.orelse)
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield "take one branch", value


TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
BORDER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
}


def constants(node: ast.AST, place: Place) -> Iterator[Change]:
    """Write another number."""
    if place.in_axis or place.in_index or not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield "change a constant", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield "change a constant", _number(node.value + 1)
        if node.value > 0:
            yield "change a constant", _number(node.value - 1)
    elif isinstance(node.value, float):
        yield "change a constant", _number(2 * node.value if node.value else 1.0)


def statements(node: ast.AST, place: Place) -> Iterator[Change]:
    """Leave a statement out; set where it should add; return in another order."""
    if isinstance(node, ast.AugAssign):
        yield "drop a statement", ast.Pass()
        yield "set, not add", ast.Assign([node.target], node.value)
        if isinstance(node.op, ast.Add | ast.Sub):
            other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            yield "flip a sign", ast.AugAssign(node.target, other, node.value)
        if isinstance(node.op, ast.Mult | ast.Div):
            inverse = ast.Div() if isinstance(node.op, ast.Mult) else ast.Mult()
            yield "swap * and /", ast.AugAssign(node.target, inverse, node.value)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "drop a statement", ast.Pass()
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        yield "drop a statement", ast.Pass()
        yield "add, not set", ast.AugAssign(node.targets[0], ast.Add(), node.value)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        elements = node.value.elts
        for i in range(len(elements) - 1):
            swapped = [*elements[:i], elements[i + 1], elements[i], *elements[i + 2 :]]
            yield "swap results", ast.Return(ast.Tuple(swapped, ast.Load()))


ARRAYS = ("dy", "x", "y", "scores", "target", "w")


def names(node: ast.AST, place: Place) -> Iterator[Change]:
    """Mistake one array for another."""
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    if node.id not in place.names and node.id not in place.locals:
        return
    arrays = [name for name in place.names if name in ARRAYS]
    if node.id in arrays:
        others = [name for name in arrays if name != node.id]
    else:
        others = [name for name in place.names if name == "dy"]
    for name in others:
        yield "exchange a name", ast.Name(name, ast.Load())


def in_place(node: ast.AST, place: Place) -> Iterator[Change]:
    """Compute in the caller's memory."""
    functions = {ast.Mult: "multiply", ast.Add: "add", ast.Sub: "subtract", ast.Div: "divide"}
    if not isinstance(node, ast.BinOp) or type(node.op) not in functions:
        return
    left = node.left
    if isinstance(left, ast.Name) and left.id in ("dy", "x", "y"):
        ufunc = ast.Attribute(ast.Name("np", ast.Load()), functions[type(node.op)], ast.Load())
        out = ast.keyword("out", left)
        yield "work in place", ast.Call(ufunc, [left, node.right], [out])


OPERATORS: tuple[Callable[[ast.AST, Place], Iterator[Change]], ...] = (
    terms,
    axes,
    indices,
    sums,
    calls,
    choices,
    constants,
    statements,
    names,
    in_place,
)
