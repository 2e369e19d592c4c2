"""What is graded, as plain data that crosses to another process or machine.

An `Assignment` is source notebooks made ready for grading; a `Submission` is the bytes a student
handed in. `autograder.course` reads both from a course folder.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property

from autograder.notebooks import SourceNotebook


@dataclass(frozen=True)
class Assignment:
    """An assignment: notebooks and the files beside them (paths relative to its folder)."""

    name: str
    notebooks: tuple[SourceNotebook, ...]
    files: dict[str, bytes] = field(repr=False)
    keep_files: frozenset[str] = frozenset()

    @property
    def points(self) -> float:
        """The most that a submission can earn."""
        return sum(notebook.points for notebook in self.notebooks)

    @cached_property
    def digest(self) -> str:
        """A hash of everything that decides a score: two equal assignments grade alike."""
        whole = hashlib.sha256(self.name.encode())
        for notebook in self.notebooks:
            whole.update(notebook.name.encode() + b"\0")
            for cell in notebook.cells:
                whole.update(json.dumps([cell.id, cell.text, cell.points]).encode())
        for name, data in sorted(self.files.items()):
            whole.update(name.encode() + b"\0" + data)
        return whole.hexdigest()


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment.

    Attributes:
        notebooks: the bytes of each `.ipynb` at the top of the folder, by file name without suffix.
        files: the other files, by path relative to the folder.
        timestamp: when it was handed in (UTC, from `timestamp.txt`), if known.
        notes: one line for each thing that was left out or looks odd.
        refused: why it cannot be graded at all; empty if it can.
    """

    student: str
    assignment: str
    where: str
    notebooks: dict[str, bytes] = field(default_factory=dict, repr=False)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    timestamp: datetime.datetime | None = None
    notes: tuple[str, ...] = ()
    refused: str = ""

    @cached_property
    def digest(self) -> str:
        """A hash of all that was handed in."""
        whole = hashlib.sha256()
        for name, data in sorted([*self.notebooks.items(), *self.files.items()]):
            whole.update(name.encode("utf-8", "surrogateescape") + b"\0")
            whole.update(hashlib.sha256(data).digest())
        whole.update(str(self.timestamp).encode())
        return whole.hexdigest()


def exercise_of(cell_id: str) -> str:
    """The exercise a cell belongs to: `NAME` of `NAME`, `NAME-check`, `NAME-hidden`, …."""
    return re.sub(r"-(prompt|check|hidden)(-?\d+)?$", "", cell_id)
