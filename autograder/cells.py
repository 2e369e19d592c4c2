"""What grading runs and what comes of it: steps, limits and outcomes.

One submission is a sequence of steps in the order of the source notebook. `run_steps` (in
`autograder.examiner`) runs them in two rooms and returns one outcome a step, in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

MiB = 1024 * 1024

State = Literal["ok", "failed", "error", "limit", "dead", "not run", "author error"]


class Place(StrEnum):
    """Where a step runs: with the student's code, or where the student's code never is."""

    ROOM = "room"
    EXAMINER = "examiner"


@dataclass(frozen=True)
class Step:
    """One code cell in run order.

    Attributes:
        cell_id: The cell's `grade_id`, or any name unique in the submission.
        source: For `Place.ROOM` the text to run in the room; for `Place.EXAMINER` the text of the
            source notebook (never the submission's), with its hidden tests.
        place: The room or the examiner.
        points: What a test cell is worth; 0 for what is not graded.
    """

    cell_id: str
    source: str
    place: Place
    points: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        memory_bytes: Memory of each process of the room, and of all together where a memory
            cgroup can be made; files in the room's folder and /tmp count up to this as well.
        cell_wall_s: Wall time of one cell, test cells included.
        total_wall_s: Wall time of the whole submission, all cells and repeated runs together.
        cpu_s: CPU time of one process of the room.
        processes: Processes and threads in the room at one time.
        file_bytes: Size of one file, and of all files of the room together.
        open_files: Open files of one process.
        output_bytes: What one cell may print or display; more is cut off.
    """

    memory_bytes: int = 1024 * MiB
    cell_wall_s: float = 30.0
    total_wall_s: float = 180.0
    cpu_s: int = 120
    processes: int = 64
    file_bytes: int = 64 * MiB
    open_files: int = 256
    output_bytes: int = 256 * 1024


@dataclass
class Outcome:
    """What came of one step.

    Attributes:
        cell_id: The step's.
        state: "ok" it ran to its end; "failed" a check did not hold; "error" the student's code
            raised; "limit" it met a limit; "dead" it ended the room's process; "not run" it was
            never started (total time was up); "author error" the test asks for what cannot work.
        outputs: nbformat v4 outputs. They hold nothing that a student must not see.
        message: One line for the student ("" when there is nothing to say); for "author error"
            one line for the author.
        score: Points earned by a test cell; None for a step in the room and for "author error".
    """

    cell_id: str
    state: State
    outputs: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""
    score: float | None = None
