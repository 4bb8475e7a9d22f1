"""The small faults that may be put into a module: which tests should notice each of them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED: dict[type, tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
COUNTED: dict[type, type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "ceil": "floor", "floor": "ceil", "any": "all", "all": "any"}
SKIPPED = ("annotation", "returns", "decorator_list", "bases")
Place = tuple[ast.AST, str, int | None, ast.AST, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: in `top`, a statement of the module, `parent.field[index]` becomes `to`."""

    module: ast.Module
    top: ast.stmt
    parent: ast.AST
    field: str
    index: int | None
    to: ast.AST
    text: str

    def put(self) -> None:
        """Put it into the tree; the child that does so has the tree to itself."""
        if self.index is None:
            setattr(self.parent, self.field, self.to)
        else:
            getattr(self.parent, self.field)[self.index] = self.to


def compared(node: ast.Compare) -> Iterator[ast.AST]:
    """`<=` and `>=` for `<`, and so on; one comparison of a chain at a time."""
    for n, op in enumerate(node.ops):
        for other in COMPARED[type(op)]:
            changed = copy.deepcopy(node)
            changed.ops[n] = other()
            yield changed


def counted(node: ast.BinOp | ast.AugAssign) -> Iterator[ast.AST]:
    """`-` for `+`, `/` for `*`, and so on; no `+=` at all."""
    if type(node.op) in COUNTED:
        changed = copy.deepcopy(node)
        changed.op = COUNTED[type(node.op)]()
        yield changed
    if isinstance(node, ast.AugAssign):
        yield ast.Pass()


def constant(node: ast.Constant) -> Iterator[ast.AST]:
    """One more and one less; a float twice and half as much, 1 for 0; no strings."""
    value = node.value
    found: tuple[int | float, ...] = ()
    if isinstance(value, bool):
        found = (not value,)
    elif isinstance(value, int):
        found = (value + 1, value - 1)
    elif isinstance(value, float):
        found = (value * 2, value / 2) if value else (1.0,)
    yield from (ast.Constant(v) for v in found)


def called(node: ast.Call) -> Iterator[ast.AST]:
    """`max` for `min` and so on; one argument alone of `min`, `max` and `abs`."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in ("min", "max", "abs"):
        yield from node.args
    if name in NAMES:
        changed = copy.deepcopy(node)
        setattr(changed.func, "id" if isinstance(node.func, ast.Name) else "attr", NAMES[name])
        yield changed


def boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    """`and` for `or`, and with each operand left out."""
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for n in range(len(node.values)):
        rest = node.values[:n] + node.values[n + 1 :]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def simple(node: ast.AST, within: bool) -> Iterator[ast.AST]:
    """Without a sign or a `not`; one arm of two; without the statement (`within` a function)."""
    if isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Assign | ast.Expr) and within:
        yield ast.Pass()


def swaps(node: ast.AST, within: bool) -> Iterator[ast.AST]:
    """What may stand in a node's place: the operators. `within`: inside of a function."""
    if isinstance(node, ast.Compare):
        yield from compared(node)
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        yield from counted(node)
    elif isinstance(node, ast.Constant):
        yield from constant(node)
    elif isinstance(node, ast.Call):
        yield from called(node)
    elif isinstance(node, ast.BoolOp):
        yield from boolean(node)
    else:
        yield from simple(node, within)


def faults(tree: ast.Module) -> Iterator[Fault]:
    """Every fault there is for the module."""
    for top in tree.body:
        for found in _below(top, isinstance(top, ast.FunctionDef)):
            yield Fault(tree, top, *found)


def _below(parent: ast.AST, within: bool) -> Iterator[Place]:
    for field, value in ast.iter_fields(parent):
        listed = isinstance(value, list)
        for n, node in enumerate(value if listed else [value]):
            if not isinstance(node, ast.AST) or field in SKIPPED or _docstring(node):
                continue
            index = n if listed else None
            choices = list(swaps(node, within))
            if field == "test" and isinstance(parent, ast.If | ast.While):
                choices += [ast.Constant(True), ast.Constant(False)]
            for to in choices:
                text = f"{node.lineno}: {_words(node)} -> {_words(to)}"  # type: ignore[attr-defined]
                yield parent, field, index, to, text
            yield from _below(node, within or isinstance(node, ast.FunctionDef))


def _docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _words(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())[:90]
