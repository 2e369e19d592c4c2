"""A student's page: what each exercise earned, what was seen, what to try.

The page is one HTML file with no script and nothing from elsewhere. All that a student wrote or
printed is escaped; of rich output only PNG pictures are shown. Hidden tests never appear: a test
cell shows only the part that was released.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template

from autograder.grading import CellGrade, NotebookResult, Result, exercises_of
from autograder.notebooks import Cell

# What one output, and one page's outputs together, may show (characters; base64 for a picture).
MAX_TEXT = 10_000
MAX_IMAGE = 400_000
MAX_PAGE = 2_000_000

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Part:
    """One cell on the page."""

    anchor: str = ""
    heading: str = ""
    verdict: str = ""
    tone: str = ""
    text: str = ""
    folded: bool = False
    outputs: list[dict[str, str]] = field(default_factory=list)


def feedback_pages(result: Result, penalty: float = 0.0) -> dict[str, str]:
    """Write the pages of a submission.

    Args:
        result: what grading said.
        penalty: points taken off for handing in late.

    Returns:
        One page of HTML a notebook, by notebook name; for a submission that could not be graded
        one page under the assignment's name that says why.
    """
    if not result.notebooks:
        return {result.assignment: _render(result, NotebookResult(result.assignment), 0.0)}
    return {
        notebook.name: _render(result, notebook, penalty if position == 0 else 0.0)
        for position, notebook in enumerate(result.notebooks)
    }


def shown_points(value: float) -> str:
    """Points as people write them: 2, 0.5, 1.33."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _render(result: Result, notebook: NotebookResult, penalty: float) -> str:
    grades = notebook.grades
    return template("feedback.html").render(
        assignment=result.assignment,
        notebook=notebook.name,
        student=result.student,
        reason=result.reason,
        grades=grades,
        score=sum(grade.score or 0.0 for grade in grades),
        max_score=sum(grade.points for grade in grades),
        waiting=sum(grade.score is None for grade in grades),
        penalty=penalty,
        exercises=exercises_of(grades),
        notes=notebook.notes,
        parts=_parts(notebook),
    )


def _parts(notebook: NotebookResult) -> list[Part]:
    grades = {grade.cell_id: grade for grade in notebook.grades}
    parts = []
    room_left = MAX_PAGE
    for position, cell in enumerate(notebook.cells):
        outcome = notebook.outcomes.get(position)
        outputs = _outputs(outcome.outputs if outcome else [], room_left)
        room_left -= sum(len(value) for output in outputs for value in output.values())
        part = _part(cell, outputs, grades)
        if outcome and outcome.message and cell.source is None:
            part.verdict = outcome.message
        if part.text or part.verdict or part.outputs:
            parts.append(part)
    return parts


def _part(cell: Cell, outputs: list[dict[str, str]], grades: Mapping[str, CellGrade]) -> Part:
    meant = cell.source
    text = printable(cell.text)[: 4 * MAX_TEXT]
    if meant is None:
        return Part(text=text if cell.cell_type == "code" else "", outputs=outputs)
    if meant.is_test:
        grade = grades[meant.id]
        return Part(
            anchor=meant.id,
            heading=f"{meant.id}: {_earned(grade)}",
            verdict=grade.message or ("Holds." if grade.score == grade.points else ""),
            tone="earned" if grade.score == grade.points else "lost",
            text=printable(meant.released),
            folded=True,
            outputs=outputs,
        )
    if meant.is_fixed or meant.is_task:
        return Part()
    grade_given = grades.get(meant.id)
    heading = f"Your answer to {meant.id}"
    return Part(
        anchor=meant.id,
        heading=f"{heading}: {_earned(grade_given)}" if grade_given else heading,
        verdict=grade_given.message if grade_given else "",
        text=text,
        outputs=outputs,
    )


def _earned(grade: CellGrade) -> str:
    if grade.score is None:
        return f"a person will grade it ({shown_points(grade.points)} points)"
    return f"{shown_points(grade.score)} of {shown_points(grade.points)} points"


def _outputs(outputs: Sequence[Mapping[str, Any]], room_left: int) -> list[dict[str, str]]:
    shown: list[dict[str, str]] = []
    for output in outputs:
        data = output.get("data")
        image = _png(data.get("image/png")) if isinstance(data, dict) else ""
        text = "" if image else printable(_text_of(output))
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT] + "\n… the rest is left out"
        size = len(image) + len(text)
        if size > room_left:
            shown.append({"text": "… further output is left out"})
            break
        room_left -= size
        if image or text.strip():
            shown.append({"image": image, "text": text})
    return shown


def _text_of(output: Mapping[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        lines = output.get("traceback")
        lines = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
        return "\n".join(lines) or f"{output.get('ename', '')}: {output.get('evalue', '')}"
    data = output.get("data")
    return _joined(data.get("text/plain")) if isinstance(data, dict) else ""


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def printable(text: str) -> str:
    """The text without colours and control characters."""
    return _CONTROL.sub("", _ANSI.sub("", text))


def _png(encoded: Any) -> str:
    """The picture as base64 if it is a PNG of acceptable size, else ""."""
    encoded = _joined(encoded)
    if not 0 < len(encoded) <= MAX_IMAGE:
        return ""
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(data).decode() if data.startswith(_PNG) else ""


@cache
def template(name: str) -> Template:
    """A template of this folder; it escapes all that is put into it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = shown_points
    return environment.get_template(name)
