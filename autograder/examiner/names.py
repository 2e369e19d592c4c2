"""Which names are the examiner's own and which the student's, read from the source notebook.

The source's text alone decides; nothing that is in a submission does.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

from autograder.examiner.operators import WHERE_DEFINED

BUILTINS = frozenset(vars(builtins))
# As nbgrader's ClearHiddenTests marks them.
BEGIN_HIDDEN = re.compile(r"###\s*BEGIN HIDDEN TESTS")
END_HIDDEN = re.compile(r"###\s*END HIDDEN TESTS")


@dataclass(frozen=True)
class SourceCell:
    """A code cell of the source notebook.

    Attributes:
        cell_id: Its `grade_id` or notebook cell id, as in the steps.
        source: Its whole text, solutions and hidden tests included.
        grade: nbgrader's `grade`.
        solution: nbgrader's `solution`.
    """

    cell_id: str
    source: str
    grade: bool = False
    solution: bool = False


@dataclass(frozen=True)
class SourceNames:
    """What the source binds, and what of it the examiner runs for itself.

    Attributes:
        definitions: Cell id to the imports, `def`s, classes and seeds of that cell which the
            examiner runs too, as text; cells with none are left out.
        student: Names that the room's cells of the source bind, but for the examiner's own.
        own: Names that `definitions` binds.
        shared_classes: Classes among `own` that are the same on both sides, so that their objects
            cross whole.
        operators: Dunder methods that the source's own classes define.
    """

    definitions: dict[str, str] = field(default_factory=dict)
    student: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    shared_classes: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()


def is_test(cell: SourceCell) -> bool:
    """Whether the cell runs in the examiner: graded, and no part of it is the student's."""
    return cell.grade and not cell.solution


def parse_cell(source: str) -> ast.Module:
    """The syntax tree of a cell, magics turned into calls.

    Raises:
        SyntaxError: The cell is not Python even then.
    """
    if any(sign in source for sign in "%!?"):
        source = TransformerManager().transform_cell(source)
    return ast.parse(source)


def source_names(cells: Sequence[SourceCell]) -> SourceNames:
    """Sort the names that the source binds.

    An import is always the examiner's own, wherever it stands: its numpy is as good as the
    student's, and cannot be tampered with. A `def` or `class` is its own if it stands outside
    solution cells and no solution cell binds the name. All else is the student's.

    Args:
        cells: The source's code cells in order. One that does not parse binds nothing.
    """
    trees: list[tuple[SourceCell, ast.Module]] = []
    for cell in cells:
        if is_test(cell):
            continue
        try:
            trees.append((cell, parse_cell(cell.source)))
        except SyntaxError:
            continue
    solution_bound = {
        name
        for cell, tree in trees
        if cell.solution
        for name in bound_names(tree.body, imports=False)
    }
    definitions: dict[str, str] = {}
    own: set[str] = set()
    shared: set[str] = set()
    for cell, tree in trees:
        kept = [
            statement
            for statement in tree.body
            if _is_own(statement, cell.solution, solution_bound)
        ]
        if kept:
            definitions[cell.cell_id] = ast.unparse(ast.Module(kept, []))
            own |= set(bound_names(kept))
            shared |= {s.name for s in kept if isinstance(s, ast.ClassDef)}
    bound = {name for _, tree in trees for name in bound_names(tree.body)}
    return SourceNames(
        definitions=definitions,
        student=frozenset(bound - own),
        own=frozenset(own),
        shared_classes=frozenset(shared),
        operators=frozenset(_operators(tree for _, tree in trees)),
    )


def _is_own(statement: ast.stmt, in_solution: bool, solution_bound: set[str]) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return not solution_bound & set(bound_names([statement]))
    if in_solution:
        return False
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name not in solution_bound
    if isinstance(statement, ast.Try | ast.If):
        inner = [s for s in ast.walk(statement) if isinstance(s, ast.stmt) and s is not statement]
        imports = all(isinstance(s, ast.Import | ast.ImportFrom | ast.Pass) for s in inner)
        return imports and not solution_bound & set(bound_names([statement]))
    return _is_seeding(statement)


def _is_seeding(statement: ast.stmt) -> bool:
    """`random.seed(1)` or `np.random.seed(1)`: it acts in both rooms."""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    call = statement.value
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "seed"
        and ast.unparse(call.func.value) in ("random", "np.random", "numpy.random")
        and all(isinstance(argument, ast.Constant) for argument in call.args)
        and not call.keywords
    )


def bound_names(statements: Sequence[ast.stmt], *, imports: bool = True) -> Iterator[str]:
    """The names that these statements bind in the notebook's namespace."""
    for statement in statements:
        yield from _bound(statement, imports)


def _bound(node: ast.AST, imports: bool) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        yield from _declared_global(node)
        return
    if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        yield from (
            inner.target.id for inner in ast.walk(node)
            if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
        )  # fmt: skip
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        if imports:
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif (isinstance(node, ast.ExceptHandler) and node.name) or (
        isinstance(node, ast.MatchAs | ast.MatchStar) and node.name
    ):
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    for child in ast.iter_child_nodes(node):
        yield from _bound(child, imports)


def _declared_global(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Global):
            yield from inner.names


def _operators(trees: Iterator[ast.Module]) -> Iterator[str]:
    """Operators that the source's classes have, by method or by decorator."""
    for tree in trees:
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name in WHERE_DEFINED:
                    yield member.name
                if isinstance(member, ast.Assign):
                    for target in member.targets:
                        if isinstance(target, ast.Name) and target.id in WHERE_DEFINED:
                            yield target.id
            decorators = " ".join(ast.unparse(d) for d in node.decorator_list)
            if "total_ordering" in decorators or "order=True" in decorators:
                yield from ("__lt__", "__le__", "__gt__", "__ge__")


def mentioned_names(tree: ast.AST) -> set[str]:
    """Every name that the code reads, writes or deletes, inner functions included."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | set(_declared_global(tree))


def global_names_read(tree: ast.Module) -> set[str]:
    """The names that the code, inner functions included, reads from its module or the builtins."""
    module = symtable.symtable(ast.unparse(tree), "<test>", "exec")
    read: set[str] = set()
    scopes = [module]
    for scope in scopes:
        scopes += scope.get_children()
        read |= {
            symbol.get_name()
            for symbol in scope.get_symbols()
            if symbol.is_referenced() and (scope is module or symbol.is_global())
        }
    return read


def hidden_lines(source: str) -> set[int]:
    """Line numbers, from 1, of the hidden tests in a test cell's source."""
    hidden: set[int] = set()
    inside = False
    for number, line in enumerate(source.splitlines(), 1):
        if BEGIN_HIDDEN.search(line):
            inside = True
        if inside:
            hidden.add(number)
        if END_HIDDEN.search(line):
            inside = False
    return hidden
