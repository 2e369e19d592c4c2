"""The `autograder` command."""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from autograder.batch import Row

# What `main` returns: every submission graded; something could not be; stopped by the user.
DONE, PROBLEM, STOPPED = 0, 1, 130
# With more exercises than this the table shows their sum only; csv and json show all.
MOST_COLUMNS = 6
# So many assignments are validated at a time.
SIDE_BY_SIDE = 2
UNSAFE = (
    "run submissions without walls, where the host cannot build them; "
    "only for notebooks that you trust"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; those of the process if None.

    Returns:
        The exit code: 0 when all went well, 1 when anything could not be done.
    """
    arguments = _parser().parse_args(argv)
    # Jsonschema reads a grammar of web addresses when it is imported, for a second of CPU, to check
    # a format that no notebook has; it does without where there is none.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # Nbgrader logs tracebacks of what we report in one line.
    for name in ("traitlets", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = arguments.command(arguments)
    except KeyboardInterrupt:
        _say("stopped; what is graded is kept, and the next run goes on from there")
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PROBLEM
    except Exception as error:
        if not _foreseen(error):
            raise
        _say(str(error))
        return PROBLEM
    finally:
        signal.signal(signal.SIGTERM, previous)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograder",
        description="Grade nbgrader submissions in two rooms: the student's code in one, "
        "the tests in another.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    grade = _add(commands, "grade", _grade, "grade the submissions of an assignment")
    grade.add_argument("assignment", metavar="ASSIGNMENT")
    _add_course(grade)
    grade.add_argument(
        "--student",
        metavar="S",
        nargs="+",
        action="extend",
        default=[],
        help="only these students",
    )
    _add_rooms(grade)
    grade.add_argument(
        "--scheduler", metavar="ADDRESS", default="", help="grade on the Dask cluster at ADDRESS"
    )
    grade.add_argument("--force", action="store_true", help="grade again what is graded already")
    grade.add_argument("--format", choices=("table", "json", "csv"), default="table")

    release = _add(commands, "release", _release, "make release/ from source/; refuse a leak")
    release.add_argument("assignments", metavar="ASSIGNMENT", nargs="*", help="default: all")
    _add_course(release)

    validate = _add(
        commands,
        "validate",
        _validate,
        "hold every exercise against its right and wrong answers in answers/",
    )
    validate.add_argument("assignments", metavar="ASSIGNMENT", nargs="*", help="default: all")
    validate.add_argument(
        "--mutants",
        metavar="N",
        type=int,
        default=20,
        help="put up to N small faults into each reference solution, and list those that no "
        "test notices (default 20)",
    )
    validate.add_argument(
        "--stock",
        action="store_true",
        help="also have stock nbgrader grade the answers, without walls, and list differences",
    )
    _add_rooms(validate)
    _add_course(validate)

    check = _add(
        commands,
        "check",
        _check,
        "grade one notebook of the course and write nothing down",
    )
    check.add_argument("notebook", metavar="NOTEBOOK", type=Path)
    check.add_argument("--format", choices=("table", "json"), default="table")
    check.add_argument("--unsafe-no-sandbox", action="store_true", help=UNSAFE)
    _add_course(check)

    collect = _add(
        commands, "collect", _collect, "put a zip file from Canvas or Moodle into submitted/"
    )
    collect.add_argument("assignment", metavar="ASSIGNMENT")
    collect.add_argument("archive", metavar="ZIP", type=Path, help="as the platform gave it")
    _add_course(collect)

    export = _add(
        commands, "export", _export, "fill the scores into a table of Canvas's or Moodle's"
    )
    export.add_argument("assignment", metavar="ASSIGNMENT")
    export.add_argument(
        "sheet",
        metavar="CSV",
        type=Path,
        help="Canvas's exported gradebook or Moodle's grading worksheet; it stays as it is, and "
        "the filled one goes to standard output",
    )
    export.add_argument(
        "--column", metavar="TITLE", default="", help="the column to fill, if it has another title"
    )
    _add_course(export)

    report = _add(
        commands,
        "report",
        _report,
        "write the class report for the instructor: scores, exercises, wrong answers, who needs "
        "help; grade nothing",
    )
    report.add_argument(
        "assignments", metavar="ASSIGNMENT", nargs="*", help="default: all that are graded"
    )
    report.add_argument(
        "--to",
        metavar="FILE.html",
        type=Path,
        help="the file to write (default: class-report.html in the course folder)",
    )
    _add_course(report)

    new = _add(commands, "new", _new, "make the skeleton of an assignment that already validates")
    new.add_argument("name", metavar="NN-SLUG")
    _add_course(new)

    _add(commands, "doctor", _doctor, "say whether this host can build rooms, and how to make it")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    return parser


def _add_course(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--course",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="the course folder (default: this folder)",
    )


def _add_rooms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_count,
        default=1,
        help="grade in N processes at a time (default 1)",
    )
    parser.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help=UNSAFE,
    )


def _grade(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from autograder.batch import grade_class
    from autograder.course import Course
    from autograder.executors import executor
    from autograder.gradebook import course_lock

    rows = []
    with executor(arguments.jobs, arguments.scheduler, arguments.unsafe_no_sandbox) as run:
        course = Course(arguments.course)
        assignment = course.assignment(arguments.assignment)
        if not arguments.student and not course.students(assignment.name):
            where = course.shown(course.folder("submitted", "STUDENT", assignment.name))
            _say(f"{where}: no submission of this assignment; collect them first")
            return PROBLEM
        with (
            course_lock(course, _say),
            tqdm(unit=" submissions", disable=None, file=sys.stderr) as progress,
        ):
            for row in grade_class(
                course,
                assignment,
                run,
                students=arguments.student,
                force=arguments.force,
                started=progress.reset,
            ):
                rows.append(row)
                progress.update()
                for line in [*row.notes, *([] if row.graded else [row.state])]:
                    progress.write(f"{row.student}: {line}", file=sys.stderr)
    _print_rows(sorted(rows, key=lambda row: row.student), arguments.format)
    return DONE if all(row.graded for row in rows) else PROBLEM


def _release(arguments: argparse.Namespace) -> int:
    from autograder.course import Course
    from autograder.release import release

    course = Course(arguments.course)
    names = arguments.assignments or course.assignments()
    if not names:
        _say(f"{course.root}: no assignment in source/; run `make build`, or give --course DIR")
        return PROBLEM
    problems = 0
    for name in names:
        try:
            print(f"{course.shown(release(course, name))}: released")
        except Exception as error:
            if not _foreseen(error):
                raise
            problems += 1
            _say(str(error))
    return PROBLEM if problems else DONE


def _validate(arguments: argparse.Namespace) -> int:
    from autograder.course import Course
    from autograder.executors import executor
    from autograder.validate import validate

    course = Course(arguments.course)
    names = arguments.assignments or course.assignments()
    if not names:
        _say(f"{course.root}: no assignment in source/; run `make build`, or give --course DIR")
        return PROBLEM
    reports = []
    with executor(arguments.jobs, unsafe=arguments.unsafe_no_sandbox) as run, ExitStack() as stack:
        # While the last submissions of one are graded, the next begins; but stock nbgrader, which
        # runs in this process, is for one at a time.
        threads = ThreadPoolExecutor(1 if arguments.stock else SIDE_BY_SIDE)
        stack.callback(threads.shutdown, cancel_futures=True)
        one = partial(validate, course, run=run, mutants=arguments.mutants, stock=arguments.stock)
        for name, report in zip(names, threads.map(one, names), strict=True):
            reports.append(report)
            for line in [*report.findings, *report.survivors, *report.differences]:
                print(line)
            print(f"{name}: {report.graded} submissions graded, {len(report.findings)} findings")
            if report.mutants:
                killed = report.mutants - len(report.survivors)
                print(f"{name}: {killed} of {report.mutants} mutants noticed by a test")
    return PROBLEM if any(report.findings for report in reports) else DONE


def _check(arguments: argparse.Namespace) -> int:
    from autograder.batch import row_of
    from autograder.course import Course
    from autograder.executors import executor
    from autograder.grading import exercises_of

    course = Course(arguments.course)
    assignment, submission = course.single(arguments.notebook)
    with executor(unsafe=arguments.unsafe_no_sandbox) as run:
        (result,) = run(assignment, [submission], course.limits())
    row = row_of(result)
    for note in row.notes:
        _say(note)
    if not row.graded:
        _say(row.state)
    if arguments.format == "json":
        print(json.dumps(row.as_json(), indent=2, ensure_ascii=False))
    elif row.graded:
        from tabulate import tabulate

        from autograder.feedback import shown_points

        print(
            tabulate(
                [
                    (
                        exercise.name,
                        "open" if exercise.score is None else shown_points(exercise.score),
                        shown_points(exercise.max_score),
                        exercise.message,
                    )
                    for exercise in exercises_of(result.grades)
                ],
                ["exercise", "score", "max_score", "what was seen"],
                disable_numparse=True,
                maxcolwidths=[None, None, None, 70],
            )
        )
        print(f"\n{shown_points(row.score or 0.0)} of {shown_points(row.max_score)} points")
    return DONE if row.graded else PROBLEM


def _collect(arguments: argparse.Namespace) -> int:
    from collections import Counter

    from autograder.course import Course
    from autograder.gradebook import course_lock
    from autograder.platforms import collect

    course = Course(arguments.course)
    assignment = course.assignment(arguments.assignment)
    states: Counter[str] = Counter()
    with course_lock(course, _say):
        for collected in collect(course, assignment, arguments.archive):
            states[collected.state] += 1
            for note in collected.notes:
                _say(f"{collected.student}: {note}")
    print(", ".join(f"{states[state]} {state}" for state in sorted(states)))
    print(f"\nNow: autograder grade {assignment.name}")
    return PROBLEM if states["left out"] else DONE


def _export(arguments: argparse.Namespace) -> int:
    from autograder.course import Course
    from autograder.gradebook import course_lock
    from autograder.platforms import export

    course = Course(arguments.course)
    assignment = course.assignment(arguments.assignment)
    with course_lock(course, _say):
        table = export(course, assignment, arguments.sheet, arguments.column)
    csv.writer(sys.stdout, lineterminator="\n").writerows(table.rows)
    for student, why in table.open.items():
        _say(f"{student}: {why}")
    return DONE


def _report(arguments: argparse.Namespace) -> int:
    from autograder.class_report import class_report, write_report
    from autograder.course import Course
    from autograder.gradebook import course_lock

    course = Course(arguments.course)
    path = arguments.to or course.root / "class-report.html"
    with course_lock(course, _say):
        parts, page = class_report(course, arguments.assignments)
    write_report(path, page)
    for part in parts:
        print(f"{part.name}: {part.graded} graded, {len(part.help)} to look at")
    print(f"\n{course.shown(path)}: names and scores of students; keep it where they are")
    return DONE


def _new(arguments: argparse.Namespace) -> int:
    from autograder.course import Course
    from autograder.new import new_assignment

    course = Course(arguments.course)
    for path in new_assignment(course, arguments.name):
        print(course.shown(path))
    print(f"\nNow: autograder validate {arguments.name}")
    return DONE


def _doctor(arguments: argparse.Namespace) -> int:
    from tabulate import tabulate

    from autograder.sandbox import doctor

    checks = doctor()
    print(
        tabulate(
            [(check, "yes" if ok else "no", why, remedy) for check, ok, why, remedy in checks],
            ["needed", "here", "why", "what to do"],
            maxcolwidths=[None, None, 50, 50],
        )
    )
    able = all(ok for _, ok, _, _ in checks)
    print("\nThis host can grade." if able else "\nThis host cannot grade safely yet.")
    return DONE if able else PROBLEM


def _print_rows(rows: Sequence[Row], form: str) -> None:
    if form == "json":
        print(json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False))
        return
    names = list(dict.fromkeys(exercise.name for row in rows for exercise in row.exercises))
    head = ["student", "score", "max_score", *names, "late_penalty", "state"]
    lines = [_line(row, names) for row in rows]
    if form == "csv":
        changed = [[_shown(row.before), _changed(row)] for row in rows]
        both = [line + more for line, more in zip(lines, changed, strict=True)]
        csv.writer(sys.stdout, lineterminator="\n").writerows([[*head, "before", "changed"], *both])
        return
    from tabulate import tabulate

    if len(names) > MOST_COLUMNS:
        head = [*head[:3], *head[-2:]]
        lines = [[*line[:3], *line[-2:]] for line in lines]
    print(tabulate(lines, head, missingval="", disable_numparse=True))
    left = sum(not row.graded for row in rows)
    kept = sum(row.kept for row in rows)
    print(
        f"\n{len(rows) - left} of {len(rows)} graded"
        + (f", {kept} of them before (--force grades them again)" if kept else "")
    )
    again = sum(row.before is not None and not row.kept for row in rows)
    different = [
        (row.student, _shown(row.before), _shown(row.score), _changed(row))
        for row in rows
        if row.changes
    ]
    if again:
        print(f"{len(different)} of {again} graded again have changed")
    if different:
        print(f"\n{tabulate(different, ['student', 'before', 'now', 'by'], disable_numparse=True)}")


def _line(row: Row, names: Sequence[str]) -> list[str | None]:
    earned = {exercise.name: exercise.score for exercise in row.exercises}
    return [
        row.student,
        _shown(row.score),
        _shown(row.max_score),
        *(_shown(earned.get(name)) for name in names),
        _shown(row.late_penalty or None),
        row.state,
    ]


def _changed(row: Row) -> str:
    """By which exercises a score changed, as `double 3 -> 1`."""
    return ", ".join(
        f"{change.name} {_shown(change.before) or 'open'} -> {_shown(change.now) or 'open'}"
        for change in row.changes
    )


def _shown(points: float | None) -> str | None:
    from autograder.feedback import shown_points

    return None if points is None else shown_points(points)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _foreseen(error: Exception) -> bool:
    """True for an error whose text is one line for the user."""
    from autograder.class_report import ReportError
    from autograder.course import CourseError
    from autograder.executors import ExecutorError
    from autograder.gradebook import GradebookError
    from autograder.notebooks import NotebookError
    from autograder.platforms import PlatformError
    from autograder.release import LeakError
    from autograder.sandbox import SandboxUnavailable
    from autograder.stock import StockError

    return isinstance(
        error,
        CourseError
        | ExecutorError
        | GradebookError
        | LeakError
        | NotebookError
        | PlatformError
        | ReportError
        | SandboxUnavailable
        | StockError,
    )


def _say(line: str) -> None:
    print(f"autograder: {line}", file=sys.stderr)


def _terminate(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
