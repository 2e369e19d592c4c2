"""Small faults put into a reference solution, to see whether the tests notice them.

Each mutant differs from the solution in one place, by an operator of the usual set for mutation
testing (DeMillo, Lipton and Sayward 1978: comparisons, arithmetic, logic, constants, returned
values, statements left out). One that no test notices shows a gap in the tests, or changes
nothing that matters; a person has to say which.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}


@dataclass(frozen=True)
class Mutant:
    """A solution with one fault.

    Attributes:
        line: the line of the cell that differs, counted from 1.
        change: what was there and what is there now, as code.
        code: the whole cell.
    """

    line: int
    change: str
    code: str


def mutants_of(cell: str, most: int) -> list[Mutant]:
    """Mutants of the solution in a source cell, at most so many, spread evenly over the cell.

    Only what stands between the marks of a solution is changed, or everything if there are none.
    A cell that is not plain Python has no mutants.
    """
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        return []
    lines = _solution_lines(cell)
    every = list(_unique(_mutate(tree, lines), ast.unparse(tree)))
    if len(every) <= most:
        return every
    return [every[position * len(every) // most] for position in range(most)]


def _solution_lines(cell: str) -> set[int]:
    inside: set[int] = set()
    within = False
    for number, line in enumerate(cell.splitlines(), start=1):
        if re.search(r"#.*BEGIN SOLUTION", line):
            within = True
        elif re.search(r"#.*END SOLUTION", line):
            within = False
        elif within:
            inside.add(number)
    return inside or set(range(1, cell.count("\n") + 2))


def _unique(mutants: Iterator[Mutant], original: str) -> Iterator[Mutant]:
    seen = {original}
    for mutant in mutants:
        if mutant.code not in seen:
            seen.add(mutant.code)
            yield mutant


def _mutate(tree: ast.Module, lines: set[int]) -> Iterator[Mutant]:
    """Change one node after the other in a copy of the tree."""
    nodes = list(ast.walk(tree))
    order = sorted(
        (n for n, node in enumerate(nodes) if getattr(node, "lineno", 0) in lines),
        key=lambda n: (nodes[n].lineno, nodes[n].col_offset),  # type: ignore[attr-defined]
    )
    for number in order:
        for choice in range(len(_replacements(nodes[number]))):
            changed = copy.deepcopy(tree)
            node = list(ast.walk(changed))[number]
            new = _replacements(node)[choice]
            before = ast.unparse(node)
            _Replace(node, new).visit(changed)
            ast.fix_missing_locations(changed)
            after = ast.unparse(new)
            yield Mutant(
                node.lineno,  # type: ignore[attr-defined]
                f"{_short(before)} → {_short(after)}",
                ast.unparse(changed),
            )


class _Replace(ast.NodeTransformer):
    """Puts a new node in the place of one."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old = old
        self._new = new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return self._new
        return self.generic_visit(node)


def _replacements(node: ast.AST) -> Sequence[ast.AST]:
    """What may stand in the node's place."""
    if isinstance(node, ast.Compare):
        return [
            ast.Compare(
                node.left,
                [*node.ops[:at], _COMPARISONS[type(op)](), *node.ops[at + 1 :]],
                node.comparators,
            )
            for at, op in enumerate(node.ops)
        ]
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return [ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)]
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        return [
            ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value),
            ast.Pass(),
        ]
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return [ast.BoolOp(other, node.values)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [node.operand]
    if isinstance(node, ast.Constant):
        return _other_constants(node.value)
    if isinstance(node, ast.Return) and node.value is not None:
        return [] if _is_none(node.value) else [ast.Return(ast.Constant(None))]
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return _with_other_test(node)
    if isinstance(node, ast.Break):
        return [ast.Continue()]
    if isinstance(node, ast.Continue):
        return [ast.Break()]
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        return [ast.Pass()]
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return [ast.Name(_NAMES[node.id], node.ctx)]
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        return [ast.Attribute(node.value, _NAMES[node.attr], node.ctx)]
    return []


def _other_constants(value: object) -> list[ast.AST]:
    if isinstance(value, bool):
        return [ast.Constant(not value)]
    if isinstance(value, int | float):
        return [ast.Constant(value + 1)]
    return []


def _with_other_test(node: ast.If | ast.While | ast.IfExp) -> list[ast.AST]:
    """The same statement with its condition the other way round."""
    if isinstance(node.test, ast.Constant | ast.Compare):
        return []
    turned = copy.copy(node)
    turned.test = ast.UnaryOp(ast.Not(), node.test)
    return [turned]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _short(code: str) -> str:
    first = code.splitlines()[0]
    return first if len(first) <= 50 else first[:47] + "…"
