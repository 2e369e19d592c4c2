"""A course of one small assignment, with our own configuration of nbgrader."""

from __future__ import annotations

from pathlib import Path

import nbformat

SOLUTION = "### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
HIDDEN = """### BEGIN HIDDEN TESTS
assert double(-7) == -14, "so do negative ones"
### END HIDDEN TESTS"""


def cell(kind: str, source: str, name: str, **flags: object) -> nbformat.NotebookNode:
    """A cell that nbgrader knows."""
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    made = make(source, id=name)
    plain = {"grade": False, "locked": False, "solution": False, "task": False}
    made.metadata["nbgrader"] = {"grade_id": name, "schema_version": 3, **plain, **flags}
    return made


def write_notebook(path: Path, cells: list[nbformat.NotebookNode]) -> None:
    """Writes a notebook of these cells, and the folders above it."""
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "P", "language": "python", "name": "python3"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def write_assignment(course: Path, config: str) -> list[nbformat.NotebookNode]:
    """Writes a course with the assignment `ps`: 3 points by tests, 2 by a person.

    Returns:
        The cells of its notebook: solution, visible test, hidden test, answer in words.
    """
    cells = [
        cell("code", f"def double(x):\n    {SOLUTION}", "double", solution=True),
        cell("code", "assert double(2) == 4", "seen", grade=True, locked=True, points=1),
        cell("code", HIDDEN, "hidden", grade=True, locked=True, points=2),
        cell("markdown", "because", "why", grade=True, solution=True, points=2),
    ]
    write_notebook(course / "source/ps/ps.ipynb", cells)
    (course / "nbgrader_config.py").write_text(config)
    return cells
