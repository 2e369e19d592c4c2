"""What tests of several chapters read from their text."""

from __future__ import annotations

from pathlib import Path

from tools import build

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MOST_LINES = 40


def built_cell(chapter: str) -> str:
    """The code of the smallest one that the chapter builds; it has 40 lines at the most."""
    notebook = build.from_text((NOTEBOOKS / f"{chapter}.md").read_text(encoding="utf-8"))
    (cell,) = (c for c in notebook.cells if "build-it" in c.metadata.get("tags", []))
    code = str(cell.source)
    assert len([line for line in code.splitlines() if line.strip()]) <= MOST_LINES
    return code
