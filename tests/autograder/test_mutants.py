from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.mutants import mutants_of


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("x = a < b", {"a < b → a <= b"}),
        ("x = a == b != c", {"a == b != c → a != b != c", "a == b != c → a == b == c"}),
        ("x = a + b", {"a + b → a - b"}),
        ("x += 1", {"x += 1 → x -= 1", "x += 1 → pass", "1 → 2"}),
        ("x = a and b", {"a and b → a or b"}),
        ("x = not a", {"not a → a"}),
        ("x = True", {"True → False"}),
        ("def f():\n    return a", {"return a → return None"}),
        ("def f():\n    return None", set()),
        ("for x in y:\n    break", {"break → continue"}),
        ("f(x)", {"f(x) → pass"}),
        ("x = max(y)", {"max → min"}),
        ("x = math.ceil(y)", {"math.ceil → math.floor"}),
        ("if a:\n    b = c", {"if a: → if not a:"}),
        ("x = 'text'", set()),
        ("'docstring'", set()),
        ("%magic", set()),
    ],
)
def test_each_operator_changes_one_thing(code, changes):
    assert {mutant.change for mutant in mutants_of(code, 100)} == changes


def test_only_the_solution_is_changed():
    cell = "n = 1\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION\ny = 3"
    assert [(m.line, m.change) for m in mutants_of(cell, 9)] == [(3, "2 → 3")]


def test_at_most_so_many_spread_over_the_cell():
    cell = "\n".join(f"x{n} = {n}" for n in range(100))
    lines = [mutant.line for mutant in mutants_of(cell, 10)]
    assert len(lines) == 10
    assert max(lines) > 80


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abc<>=+-*/%() 01\n:&|").map(str), max_size=40).map("".join))
def test_every_mutant_is_python_and_differs(code):
    for mutant in mutants_of(code, 50):
        ast.parse(mutant.code)
        assert mutant.code != ast.unparse(ast.parse(code))
        assert 1 <= mutant.line <= code.count("\n") + 1
