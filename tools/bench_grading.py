"""Measures how fast a class is graded: stock nbgrader, ours with one and two processes, the limit.

The class is made from an assignment's own answers, right and wrong, and the untouched release.
All conditions grade it in interleaved rounds, each round in shuffled order, and must give the same
scores; stock nbgrader, whose cost does not depend on the size of the class, grades a sample of it.

The limit is the same cells in a bare fork of a warm IPython process: no walls, no examiner, no
gradebook. Between the limit and ours stand the rooms alone: what they cost more than the limit is
walls and examination, what ours costs more than they is gradebook, feedback and files.

With `--flat N` a class of N is graded between two of 50, and time and memory are compared. Several
assignments, or `--all` of the course's, are a line each, without `--flat`; the last line is all.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from tabulate import tabulate

from autograder.assignment import Assignment, Submission
from autograder.batch import Row, grade_class
from autograder.course import Course
from autograder.executors import Run, executor
from autograder.gradebook import Gradebook
from autograder.notebooks import read_notebook, reconcile
from autograder.sandbox.scratch import owned_name
from autograder.stock import StockNbgrader
from autograder.validate import answered, answers_of, solution_cell

ROOT = Path(__file__).resolve().parents[1]
STOCK, ONE, TWO = "stock nbgrader", "autograder, 1 process", "autograder, 2 processes"
ROOMS, BARE = "rooms alone, 1 process", "bare fork"
LEAST, MOST = "≥", "≤"
TIMES, SCALES, WALLS, BOOKS = (
    "stock / ours",
    "one / two processes",
    "walls and examination, CPU ms",
    "gradebook and feedback, CPU ms",
)
EACH = (TIMES, SCALES, WALLS, BOOKS)  # of these there is one an assignment
# What the issue about the autograder asks for.
BOUNDS = {
    TIMES: (LEAST, 20.0),
    SCALES: (LEAST, 1.8),
    WALLS: (MOST, 20.0),
    BOOKS: (MOST, 15.0),
    "time at N / time at 50": (MOST, 1.10),
    "memory at N / memory at 50": (MOST, 1.10),
}
SMALL = 50


@dataclass
class Condition:
    """One way to grade, and what it cost in each round.

    Attributes:
        sample: how many of the class it grades; None for all.
        wall_s: seconds a submission, one value a round.
        cpu_s: seconds of CPU a submission, of this process and all that it started.
    """

    name: str
    grade: Callable[[Sequence[Submission]], object]
    sample: int | None = None
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def measure(self, submissions: Sequence[Submission]) -> None:
        """Grade the submissions, or the sample of them, once."""
        submissions = submissions[: self.sample]
        cpu, start = cpu_time(), time.perf_counter()
        self.grade(submissions)
        self.wall_s.append((time.perf_counter() - start) / len(submissions))
        self.cpu_s.append((cpu_time() - cpu) / len(submissions))


def cpu_time() -> float:
    """Seconds of CPU used by this process and its descendants, those waited for included."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def class_of(course: Course, assignment: Assignment, size: int) -> list[Submission]:
    """A class of that size: answers in turn, each exercise's answer chosen on its own."""
    chooser = random.Random(1)
    by_cell: dict[str, list[str]] = {}
    for answer in answers_of(course, assignment.name):
        by_cell.setdefault(solution_cell(assignment, answer.exercise), []).append(answer.code)
    made = [answered(assignment, "", {}), answered(assignment, "", {}, reference=False)]
    while len(made) < size:
        chosen = {cell: chooser.choice(codes) for cell, codes in by_cell.items()}
        made.append(answered(assignment, "", chosen))
    return [replace(made[n], student=f"student{n:04}") for n in range(size)]


@contextmanager
def bare_forks(assignment: Assignment) -> Iterator[Callable[[Sequence[Submission]], object]]:
    """The limit: each submission's cells run in a fork of a warm IPython process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve_forks, args=(theirs,), daemon=True)
    server.start()

    def cells(submission: Submission) -> list[str]:
        return [
            cell.text
            for source in assignment.notebooks
            for cell in reconcile(
                source, read_notebook(submission.notebooks[source.name], "x"), "x"
            ).cells
            if cell.cell_type == "code"
        ]

    def grade(submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            ours.send(cells(submission))
            ours.recv()

    try:
        ours.recv()
        yield grade
    finally:
        ours.send(None)
        server.join()


def serve_forks(end: Connection) -> None:
    """Fork for each list of cells, run them with IPython, and tell when they are done."""
    import matplotlib as mpl
    import numpy as np
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    assert np is not None
    assert pd is not None
    mpl.use("agg")
    shell = InteractiveShell.instance()
    # The examiner makes no coloured traceback of a failing check, so the limit makes none either.
    setattr(shell, "showtraceback", lambda *_, **__: None)  # noqa: B010
    null = os.open(os.devnull, os.O_WRONLY)
    end.send("ready")
    while (cells := end.recv()) is not None:
        pid = os.fork()
        if pid == 0:
            os.dup2(null, 1)
            os.dup2(null, 2)
            for cell in cells:
                shell.run_cell(cell)
            os._exit(0)
        os.waitpid(pid, 0)
        end.send("done")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0 if all bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assignments", nargs="*", default=["01-what-is-virtualization"])
    parser.add_argument("--all", action="store_true", help="every assignment of the course")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's folder")
    parser.add_argument("--students", type=int, default=40, help="submissions a round")
    parser.add_argument("--sample", type=int, default=6, help="those that stock nbgrader grades")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--flat", type=int, default=2000, metavar="N", help="of one assignment; 0 leaves it out"
    )
    parser.add_argument("--only-flat", action="store_true", help="nothing but that")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    names = Course(arguments.root).assignments() if arguments.all else arguments.assignments
    if len(names) > 1:
        if arguments.only_flat:
            parser.error("--only-flat takes one assignment")
        return measure_all(names, arguments)
    found: dict = {"conditions": {}, "figures": {}, "same_scores": True, "steps_cpu_ms": {}}
    if not arguments.only_flat:
        found |= measure(names[0], arguments)
    if arguments.flat:
        found["figures"] |= flatness(names[0], arguments)
    found["holds"] = {name: holds(name, value) for name, value in found["figures"].items()}
    found["load"] = os.getloadavg()[0]
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if found["same_scores"] and all(found["holds"].values()) else 1


def measure_all(names: Sequence[str], arguments: argparse.Namespace) -> int:
    """Measure one assignment after the other; 0 if all bounds hold for all of them together.

    One after the other, since each needs a course of stock nbgrader's; what is compared is measured
    side by side all the same.
    """
    lines: list[tuple[str, dict[str, float]]] = []
    same_scores = True
    for name in names:
        found = measure(name, arguments)
        same_scores &= found["same_scores"]
        wall = {condition: c["wall_ms"] for condition, c in found["conditions"].items()}
        cpu = {figure: found["figures"][figure] for figure in (WALLS, BOOKS)}
        lines.append((name, wall | cpu))
        seen = ", ".join(f"{what} {figure_of(what, wall | cpu):.1f}" for what in EACH)
        differ = "" if found["same_scores"] else "; scores differ from stock nbgrader's"
        print(f"{name}: {seen}{differ}", file=sys.stderr)
    mean = {column: statistics.mean(line[column] for _, line in lines) for column in lines[0][1]}
    figures = {name: figure_of(name, mean) for name in EACH}
    held = {name: holds(name, value) for name, value in figures.items()}
    if arguments.json:
        found = {"assignments": dict(lines), "figures": figures, "holds": held}
        print(json.dumps(found | {"same_scores": same_scores}, indent=2))
    else:
        show_all([*lines, ("all", mean)], same_scores=same_scores)
    return 0 if same_scores and all(held.values()) else 1


def figure_of(name: str, line: Mapping[str, float]) -> float:
    """One of the figures that have a bound, from a line of milliseconds a submission."""
    if name == TIMES:
        return line[STOCK] / line[ONE]
    return line[ONE] / line[TWO] if name == SCALES else line[name]


def show_all(lines: Sequence[tuple[str, Mapping[str, float]]], *, same_scores: bool) -> None:
    """Print a line an assignment; what breaks its bound bears a mark."""
    conditions = [STOCK, ONE, TWO, ROOMS, BARE]
    rows = []
    for name, line in lines:
        row = [name, *(f"{line[condition]:.0f}" for condition in conditions)]
        for bound in EACH:
            value = figure_of(bound, line)
            row.append(f"{value:.1f}" + ("" if holds(bound, value) else " !"))
        rows.append(row)
    headers = ["ms a submission", *conditions, *EACH]
    right = ("left", *["right"] * (len(headers) - 1))
    print(tabulate(rows, headers, maxheadercolwidths=12, disable_numparse=True, colalign=right))
    print(f"\nSame scores: {same_scores}. !: beyond its bound.")


def measure(name: str, arguments: argparse.Namespace) -> dict:
    """Grade the class under every condition in every round."""
    original = Course(arguments.root)
    assignment = original.assignment(name)
    submissions = class_of(original, assignment, arguments.students)
    order = random.Random(arguments.seed)
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix=f"{owned_name()}bench-")
        scratch = Path(stack.enter_context(folder))
        sample = submissions[: arguments.sample]
        stock = stack.enter_context(StockNbgrader(original, assignment.name, sample))
        rows: dict[str, list[Row]] = {}

        def ours(name: str, run: Run) -> Condition:
            course = copy_of(original, assignment.name, scratch / str(len(rows)), submissions)
            rows[name] = []

            def grade(_: Sequence[Submission]) -> None:
                rows[name] = list(grade_class(course, assignment, run, force=True))

            return Condition(name, grade)

        def grade_stock(these: Sequence[Submission]) -> None:
            for submission in these:
                stock.grade(submission.student)
                stock.feedback(submission.student)

        conditions = [
            Condition(STOCK, grade_stock, len(sample)),
            ours(ONE, stack.enter_context(executor(1))),
            ours(TWO, stack.enter_context(executor(2))),
            rooms_alone(original, assignment, stack.enter_context(executor(1))),
            Condition(BARE, stack.enter_context(bare_forks(assignment))),
        ]
        for condition in conditions[1:]:  # warm-up: processes, imports, gradebooks
            condition.grade(submissions)
        for _ in range(arguments.rounds):
            for condition in order.sample(conditions, len(conditions)):
                condition.measure(submissions)
        theirs = {s.student: sum(v or 0 for v in stock.scores(s.student).values()) for s in sample}
        steps = cost_of_steps(original, assignment, submissions, scratch / "steps")
    return summarize(conditions, rows, theirs, steps)


def rooms_alone(course: Course, assignment: Assignment, run: Run) -> Condition:
    """Grading with neither gradebook nor feedback nor files."""

    def grade(these: Sequence[Submission]) -> None:
        for result in run(assignment, these, course.limits()):
            assert result.notebooks

    return Condition(ROOMS, grade)


def holds(name: str, value: float) -> bool:
    """Whether a figure keeps its bound."""
    sign, bound = BOUNDS[name]
    return value >= bound if sign == LEAST else value <= bound


def flatness(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Time a submission and memory of the grader for a large class, over those for one of 50."""
    original = Course(arguments.root)
    assignment = original.assignment(name)
    large = class_of(original, assignment, arguments.flat)
    memory: dict[int, int] = {}
    seconds: dict[int, list[float]] = {SMALL: [], arguments.flat: []}
    with (
        tempfile.TemporaryDirectory(prefix=f"{owned_name()}bench-") as folder,
        executor(1) as run,
    ):
        courses = {
            size: copy_of(original, assignment.name, Path(folder) / str(size), large[:size])
            for size in (SMALL, arguments.flat)
        }
        del large
        for size in (SMALL, arguments.flat, SMALL):
            start = time.perf_counter()
            for number, _ in enumerate(grade_class(courses[size], assignment, run, force=True), 1):
                if number == size:
                    memory[size] = memory_now()
            seconds[size].append((time.perf_counter() - start) / size)
    small = statistics.mean(seconds[SMALL])
    print(
        f"{SMALL} submissions: {1000 * small:.1f} ms each "
        f"({', '.join(f'{1000 * value:.1f}' for value in seconds[SMALL])}), "
        f"{memory[SMALL] / 2**20:.0f} MiB; {arguments.flat}: "
        f"{1000 * seconds[arguments.flat][0]:.1f} ms each, "
        f"{memory[arguments.flat] / 2**20:.0f} MiB\n",
        file=sys.stderr,
    )
    return {
        "time at N / time at 50": seconds[arguments.flat][0] / small,
        "memory at N / memory at 50": memory[arguments.flat] / memory[SMALL],
    }


def memory_now() -> int:
    """Bytes that this process and its descendants hold, shared pages counted once."""
    found = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(process.memory_full_info().pss for process in found)


def copy_of(course: Course, assignment: str, to: Path, submissions: Sequence[Submission]) -> Course:
    """A course with this one assignment and these submissions."""
    source = course.folder("source", ".", assignment)
    shutil.copytree(source, to / "source" / assignment)
    shutil.copy(course.root / "nbgrader_config.py", to)
    for submission in submissions:
        folder = to / "submitted" / submission.student / assignment
        folder.mkdir(parents=True)
        for name, data in submission.notebooks.items():
            (folder / f"{name}.ipynb").write_bytes(data)
    return Course(to)


def cost_of_steps(
    course: Course, assignment: Assignment, submissions: Sequence[Submission], to: Path
) -> dict[str, float]:
    """CPU milliseconds a submission of the gradebook and of the feedback page."""
    from autograder.feedback import feedback_pages

    copy = copy_of(course, assignment.name, to, submissions)
    spent = {"gradebook": 0.0, "feedback": 0.0}
    with executor(1) as run, Gradebook(copy, assignment) as gradebook:
        for result in run(assignment, submissions, copy.limits()):
            submission = next(s for s in submissions if s.student == result.student)
            for name, step in (
                ("gradebook", lambda r=result, s=submission: gradebook.save(r, s)),
                ("feedback", lambda r=result: feedback_pages(r)),
            ):
                start = time.process_time()
                step()
                spent[name] += time.process_time() - start
    return {name: 1000 * used / len(submissions) for name, used in spent.items()}


def summarize(
    conditions: Sequence[Condition],
    rows: Mapping[str, Sequence[Row]],
    theirs: Mapping[str, float],
    steps: Mapping[str, float],
) -> dict:
    """Medians, ratios paired by round, and whether the bounds hold."""
    by_name = {condition.name: condition for condition in conditions}

    def ratio(slow: str, fast: str) -> float:
        pairs = zip(by_name[slow].wall_s, by_name[fast].wall_s, strict=True)
        return statistics.median(a / b for a, b in pairs)

    def more_cpu_ms(with_it: str, without: str) -> float:
        pairs = zip(by_name[with_it].cpu_s, by_name[without].cpu_s, strict=True)
        return 1000 * statistics.median(a - b for a, b in pairs)

    figures = {
        TIMES: ratio(STOCK, ONE),
        SCALES: ratio(ONE, TWO),
        WALLS: more_cpu_ms(ROOMS, BARE),
        BOOKS: more_cpu_ms(ONE, ROOMS),
    }
    return {
        "conditions": {
            c.name: {
                "wall_ms": 1000 * statistics.median(c.wall_s),
                "cpu_ms": 1000 * statistics.median(c.cpu_s),
                "per_second": 1 / statistics.median(c.wall_s),
                "rounds": len(c.wall_s),
            }
            for c in conditions
        },
        "steps_cpu_ms": dict(steps),
        "figures": figures,
        "same_scores": all(
            {row.student: row.score for row in graded if row.student in theirs} == theirs
            for graded in rows.values()
        ),
    }


def show(found: Mapping) -> None:
    """Print the tables."""
    print(
        tabulate(
            [
                (name, f"{c['wall_ms']:.0f}", f"{c['cpu_ms']:.0f}", f"{c['per_second']:.2f}")
                for name, c in found["conditions"].items()
            ],
            ["condition", "ms a submission", "CPU ms", "submissions a second"],
        )
    )
    print(
        "\n"
        + tabulate(
            [
                (name, f"{value:.2f}", "{} {:g}".format(*BOUNDS[name]),
                 "yes" if found["holds"][name] else "no")
                for name, value in found["figures"].items()
            ],
            ["figure", "measured", "bound", "holds"],
        )
    )  # fmt: skip
    steps = ", ".join(f"{name} {value:.1f} ms" for name, value in found["steps_cpu_ms"].items())
    print(
        f"\nCPU of steps: {steps}. Same scores: {found['same_scores']}. Load: {found['load']:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
