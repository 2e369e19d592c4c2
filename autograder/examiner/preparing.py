"""What can be known of a test cell before there is a submission: worked out once for a class.

The grader does it, and sends it to each examiner along with the request. Only the source's text
goes in.
"""

from __future__ import annotations

import ast
import base64
import marshal
import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from autograder.examiner.names import (
    bound_names,
    global_names_read,
    hidden_lines,
    mentioned_names,
    parse_cell,
)

# What a test may patch: the examiner looks these up again when the student's code asks.
_PATCHABLE = ("__main__.", "builtins.input", "sys.stdin", "sys.stdout", "sys.stderr")


class CannotWork(Exception):
    """The test cell uses what cannot work in two rooms; the message names the construct."""


@lru_cache(maxsize=1024)
def prepared_test(source: str, filename: str, student_names: frozenset[str]) -> dict[str, Any]:
    """A test cell as the examiner's request holds it; not to be changed.

    Args:
        source: The cell's text in the source notebook.
        filename: What its code is called, by which its lines are told from others.
        student_names: Names that are the student's.

    Returns:
        `hidden`: line numbers; `refused`: why it cannot be run, for the author ("" if it can);
        `names`: those it mentions; `sentences`: what it prints as it is written; `code` and
        `last`: its statements and its last expression, compiled ("" if there is none).
    """
    hidden = hidden_lines(source)
    prepared = {
        "filename": filename,
        "hidden": sorted(hidden),
        "refused": "",
        "names": [],
        "sentences": [],
        "code": "",
        "last": "",
    }
    try:
        tree = parse_cell(source)
        refuse_what_cannot_work(tree, student_names)
    except SyntaxError as error:
        refused = f"the test cell is not Python: {error.msg} (line {error.lineno})"
        return prepared | {"refused": refused}
    except CannotWork as error:
        return prepared | {"refused": str(error)}
    prepared["names"] = sorted(mentioned_names(tree))
    prepared["sentences"] = sorted(set(_sentences(tree, hidden)))
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
        prepared["last"] = _packed(compile(last, filename, "eval"))
    prepared["code"] = _packed(compile(tree, filename, "exec"))
    return prepared


@lru_cache(maxsize=1024)
def prepared_definitions(text: str) -> dict[str, Any]:
    """What the source gives to both sides in one cell, as the examiner's request holds it.

    Returns:
        `names`: those it mentions and does not bind; `parts`: each statement's code and the names
        that it binds.
    """
    tree = ast.parse(text)
    parts = []
    for statement in _one_by_one(tree.body):
        part = ast.Module([statement], [])
        parts.append((_packed(compile(part, "<given>", "exec")), sorted(stored(part))))
    return {"names": sorted(mentioned_names(tree) - stored(tree)), "parts": parts}


def unpacked(packed: str) -> types.CodeType:
    """The code that `prepared_test` and `prepared_definitions` compiled."""
    code: types.CodeType = marshal.loads(base64.b64decode(packed))
    return code


def _packed(code: types.CodeType) -> str:
    return base64.b64encode(marshal.dumps(code)).decode()


def stored(tree: ast.Module) -> set[str]:
    """The names that the code binds."""
    return set(bound_names(tree.body))


def refuse_what_cannot_work(tree: ast.Module, student_names: frozenset[str]) -> None:
    """Name the constructs of a test cell that have no effect, or none that is right, in two rooms.

    Raises:
        CannotWork: There is one.
    """
    read = global_names_read(tree) - stored(tree)
    for name in ("_", "__", "___", "In", "Out"):
        if name in read and name not in student_names:
            raise CannotWork(f"a test cell cannot use IPython's {name}")
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        called, target = ast.unparse(node.func).rpartition(".")[2], node.args[0]
        if called == "patch" and isinstance(target, ast.Constant):
            patched = str(target.value)
            if not patched.startswith(_PATCHABLE):
                raise CannotWork(
                    f"patching {patched} in a test cell does not reach the student's code"
                )


def _sentences(tree: ast.Module, hidden: set[int]) -> Iterator[str]:
    """The strings that a test cell prints as they are written, hidden lines left out."""
    for statement in tree.body:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
            continue
        if not (isinstance(statement.value.func, ast.Name) and statement.value.func.id == "print"):
            continue
        yield from (
            argument.value
            for argument in statement.value.args
            if isinstance(argument, ast.Constant)
            and isinstance(argument.value, str)
            and argument.lineno not in hidden
        )


def _one_by_one(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, `import a, b` as two, so that only what cannot be had is missing."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield ast.copy_location(ast.Import([alias]), statement)
        else:
            yield statement
