"""Puts the two rooms into nbgrader itself.

`nbgrader_config.py` names these preprocessors, so that `nbgrader autograde` and Formgrader's
button grade as `autograder grade` does, and Formgrader's feedback shows no hidden test::

    c.Autograde.sanitize_preprocessors = ["nbgrader.preprocessors.ClearOutput"]
    c.Autograde.autograde_preprocessors = [
        "autograder.nbgrader_plugin.GradeInTwoRooms",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "autograder.nbgrader_plugin.HideHiddenTests",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode, from_dict, writes
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool

from autograder.assignment import Assignment
from autograder.course import Course
from autograder.executors import grade_one
from autograder.grading import NotebookResult, State


class GradeInTwoRooms(NbGraderPreprocessor):
    """Runs a submitted notebook in the two rooms and saves what it earned.

    Stands in for nbgrader's `DeduplicateIds`, `OverwriteKernelspec`, `OverwriteCells`, `Execute`,
    `IgnorePattern`, `LimitOutput` and `SaveAutoGrades` together.
    """

    unsafe_no_sandbox = Bool(
        False, help="Run submissions without walls, where the host cannot build them."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Grade the notebook, and return it with its outputs."""
        about = resources["nbgrader"]
        # Nbgrader converts with the course as the current folder.
        course = Course(Path.cwd())
        assignment = _assignment(course, about["assignment"], about["notebook"])
        submission = replace(
            course.submission(about["student"], about["assignment"]),
            notebooks={about["notebook"]: writes(nb).encode()},
        )
        result = grade_one(assignment, submission, course.limits(), self.unsafe_no_sandbox)
        for note in result.notes:
            self.log.warning("%s", note)
        if result.state == State.NOT_GRADED:
            raise NbGraderException(f"Not graded: {result.reason}")
        (graded,) = result.notebooks
        assert graded.document is not None
        _save(graded, about)
        return from_dict(graded.document), resources


class HideHiddenTests(NbGraderPreprocessor):
    """Leaves in a student's feedback of each test cell only what was released."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Put the released text in place of each cell that hides tests."""
        about = resources["nbgrader"]
        (source,) = _assignment(
            Course(Path.cwd()), about["assignment"], about["notebook"]
        ).notebooks
        for cell in nb.cells:
            meant = source.by_id.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            if meant is not None and meant.hides_tests:
                cell.source = meant.released
        return nb, resources


def _assignment(course: Course, name: str, notebook: str) -> Assignment:
    """The assignment with this one of its notebooks."""
    stamps = tuple(
        path.stat().st_mtime_ns
        for path in [
            course.root / "nbgrader_config.py",
            *sorted(course.folder("source", ".", name).rglob("*")),
        ]
        if path.is_file()
    )
    whole = _read_assignment(str(course.root), name, stamps)
    return replace(whole, notebooks=tuple(n for n in whole.notebooks if n.name == notebook))


@lru_cache(maxsize=4)
def _read_assignment(root: str, name: str, stamps: tuple[int, ...]) -> Assignment:
    """Read the assignment once for a class; `stamps` are its files' times of change."""
    return Course(root).assignment(name)


def _save(graded: NotebookResult, about: dict[str, str]) -> None:
    """Save grades and comments as nbgrader's `SaveAutoGrades` does."""
    where = (graded.name, about["assignment"], about["student"])
    with Gradebook(about["db_url"]) as gradebook:
        for given in graded.grades:
            grade = gradebook.find_grade(given.cell_id, *where)
            grade.auto_score = given.score
            grade.needs_manual_grade = given.score is None or grade.manual_score is not None
        for cell in graded.cells:
            if cell.source is not None and (cell.source.is_solution or cell.source.is_task):
                comment = gradebook.find_comment(cell.source.id, *where)
                unanswered = cell.source.id in graded.unanswered
                comment.auto_comment = "No response." if unanswered else None
        gradebook.db.commit()
