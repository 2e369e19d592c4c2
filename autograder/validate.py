"""Holds every exercise against its answers before students see it.

The answers lie beside the sources and are never released::

    answers/NN-slug/<exercise>/right_<name>.py    another right answer
    answers/NN-slug/<exercise>/wrong_<name>.py    a wrong answer, named after its misconception

An exercise is the cells whose `grade_id` has one stem: solution cell `NAME`, prompt
`NAME-prompt`, visible check `NAME-check`, hidden tests `NAME-hidden` (or a hidden region within
the check). A file is the code that replaces the solution cell of its exercise; the other
exercises keep the reference solution. It begins with comment lines `# key: value`:

`expected`
    Points that the answer earns and those of the exercise, as `1/4`. A right answer earns all of
    them and may leave the line out.
`hint`
    For a wrong answer: text that must occur in its feedback (spaces and line breaks aside).
`misconception`
    For a wrong answer: the thought behind it, for the class report.
`method`
    For a right answer: how it differs from the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.assignment import Assignment, Submission, exercise_of
from autograder.cells import Limits
from autograder.course import Course
from autograder.executors import Run
from autograder.grading import CellGrade, Result
from autograder.mutants import mutants_of
from autograder.notebooks import Cell, SourceCell, autograded_notebook, write_notebook

# Seconds that a mutant has for a cell, and for all its cells: if one loops in its first test, it
# would loop in the others, too. More where the reference takes long: on a busy machine a limit that
# is too short would stop every mutant, and each would count as noticed.
MUTANT_CELL_S, MUTANT_S = 0.7, 1.0
MUTANT_TIMES = 5
LEAST_RIGHT = 2
LEAST_WRONG = 3
REFERENCE, RELEASE = "reference", "release"


@dataclass(frozen=True)
class Finding:
    """Something to correct: where (file and line) and what, in one line."""

    where: str
    text: str

    def __str__(self) -> str:
        """The finding in one line."""
        return f"{self.where}: {self.text}"


@dataclass(frozen=True)
class Answer:
    """One file of answers/ (see the module's docstring)."""

    path: Path
    exercise: str
    code: str
    keys: Mapping[str, str]

    @property
    def is_right(self) -> bool:
        """True for another right answer, False for a wrong one."""
        return self.path.name.startswith("right_")

    @property
    def name(self) -> str:
        """The name by which it is graded: exercise and file."""
        return f"{self.exercise}/{self.path.name}"

    @property
    def expected(self) -> tuple[float, float] | None:
        """Points earned and points of the exercise, if the file says so and rightly."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*", self.key("expected"))
        return (float(match[1]), float(match[2])) if match else None

    def key(self, name: str) -> str:
        """The value of a `# key: value` line, or ""."""
        return self.keys.get(name, "")


@dataclass
class Report:
    """What validating an assignment showed.

    Attributes:
        findings: what has to be corrected.
        graded: how many answers were graded.
        mutants: how many faults were put into the reference solutions.
        survivors: those that no test noticed; each is a gap in the tests or changes nothing.
        differences: where stock nbgrader gives another score.
    """

    assignment: str
    findings: list[Finding] = field(default_factory=list)
    graded: int = 0
    mutants: int = 0
    survivors: list[Finding] = field(default_factory=list)
    differences: list[Finding] = field(default_factory=list)


def read_answer(path: Path) -> Answer:
    """Read one file of answers/; its folder names the exercise."""
    code = path.read_text(encoding="utf-8")
    keys = {}
    for line in code.splitlines():
        match = re.fullmatch(r"#\s*([a-z]+):\s*(.*?)\s*", line)
        if match is None:
            break
        keys[match[1]] = match[2]
    return Answer(path, path.parent.name, code, keys)


def answers_of(course: Course, assignment: str) -> list[Answer]:
    """All answers to an assignment, in order of exercise and file name."""
    folder = course.root / "answers" / assignment
    return [read_answer(path) for path in sorted(folder.glob("*/*.py"))]


def solution_cell(assignment: Assignment, exercise: str) -> str:
    """The id of the cell that holds the answer to an exercise."""
    return next(
        cell.id
        for notebook in assignment.notebooks
        for cell in notebook.cells
        if cell.is_solution and exercise_of(cell.id) == exercise
    )


def answered(
    assignment: Assignment, name: str, answers: Mapping[str, str], *, reference: bool = True
) -> Submission:
    """A submission with these answers.

    Args:
        assignment: what is answered.
        name: the student.
        answers: code or text by cell id.
        reference: the other cells hold the reference solution, else the stub as released.
    """
    notebooks = {}
    for source in assignment.notebooks:
        cells = []
        for cell in source.cells:
            rest = cell.written if reference and cell.is_solution else cell.released
            text = answers.get(cell.id, rest) if cell.id else rest
            cells.append(Cell(cell, cell.cell_type, text))
        notebooks[source.name] = write_notebook(autograded_notebook(source, cells, {})).encode()
    return Submission(name, assignment.name, name, notebooks, dict(assignment.files))


def validate(
    course: Course, name: str, run: Run, *, mutants: int = 0, stock: bool = False
) -> Report:
    """Grade the reference, the release and every answer of an assignment, and compare.

    Args:
        course: the course.
        name: the assignment.
        run: grades submissions (see `autograder.executors`).
        mutants: put so many faults at most into each reference solution, one at a time.
        stock: have stock nbgrader grade reference, release and answers too, and list where it
            gives another score (it rewards silence and punishes standard error).

    Raises:
        CourseError: if the assignment cannot be read.
    """
    assignment = course.assignment(name)
    answers = answers_of(course, name)
    report = Report(name)
    places = _Places(course, assignment)
    report.findings += _structure(course, assignment, answers, places)
    report.findings += _objectives(assignment, places)
    known = {exercise_of(c.id) for n in assignment.notebooks for c in n.cells if c.is_solution}
    answers = [answer for answer in answers if answer.exercise in known]
    submissions = [
        answered(assignment, REFERENCE, {}),
        answered(assignment, RELEASE, {}, reference=False),
    ]
    results = {r.student: r for r in run(assignment, submissions, course.limits())}
    for exercise in dict.fromkeys(answer.exercise for answer in answers):
        focused = assignment if stock else _with_tests_of(assignment, exercise)
        cell = solution_cell(assignment, exercise)
        own = [
            answered(focused, answer.name, {cell: answer.code})
            for answer in answers
            if answer.exercise == exercise
        ]
        results |= {r.student: r for r in run(focused, own, course.limits())}
        submissions += own
    report.graded = len(results)
    report.findings += _reference_earns_all(results[REFERENCE], places)
    report.findings += _release_earns_nothing(results[RELEASE], places)
    for answer in answers:
        report.findings += _answer_as_expected(course, answer, results[answer.name])
    report.findings += _useless_tests(assignment, answers, results, places)
    if stock:
        report.differences = list(_stock_differences(course, assignment, submissions, results))
    _try_mutants(report, assignment, run, course.limits(), mutants, places)
    return report


class _Places:
    """Says where a cell stands: the text source and line if there is one, else the notebook."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self._where: dict[str, str] = {}
        folder = course.folder("source", ".", assignment.name)
        for notebook in assignment.notebooks:
            path = folder / f"{notebook.name}.ipynb"
            text = path.with_suffix(".md")
            lines = text.read_text(encoding="utf-8").splitlines() if text.exists() else []
            for cell in notebook.cells:
                sign = re.compile(rf"grade_id\W+{re.escape(cell.id)}(?![\w-])")
                line = next((n for n, found in enumerate(lines, 1) if sign.search(found)), 0)
                self._where[cell.id] = (
                    f"{course.shown(text)}:{line}"
                    if line
                    else f"{course.shown(path)} (cell '{cell.id}')"
                )

    def __getitem__(self, cell_id: str) -> str:
        return self._where[cell_id]


def _tests(assignment: Assignment) -> list[SourceCell]:
    return [cell for notebook in assignment.notebooks for cell in notebook.cells if cell.is_test]


def _structure(
    course: Course, assignment: Assignment, answers: Sequence[Answer], places: _Places
) -> Iterator[Finding]:
    """Points and answers that do not add up, before anything is run."""
    for test in _tests(assignment):
        if test.points <= 0:
            yield Finding(places[test.id], "a graded cell worth no points; give it some")
    points: dict[str, float] = {}
    for test in _tests(assignment):
        points[exercise_of(test.id)] = points.get(exercise_of(test.id), 0.0) + test.points
    folder = course.root / "answers" / assignment.name
    if not folder.is_dir():
        return
    for answer in answers:
        where = f"{course.shown(answer.path)}:1"
        if answer.exercise not in points:
            yield Finding(where, f"there is no exercise '{answer.exercise}'; rename the folder")
        elif not answer.path.name.startswith(("right_", "wrong_")):
            yield Finding(where, "the file's name must begin with right_ or wrong_")
        elif answer.expected is None and (not answer.is_right or answer.key("expected")):
            yield Finding(where, "needs a line such as '# expected: 1/4'")
        elif answer.expected and answer.expected[1] != points[answer.exercise]:
            yield Finding(where, f"the exercise is worth {points[answer.exercise]:g} points")
        elif not answer.is_right and not answer.key("hint"):
            yield Finding(where, "needs a line '# hint: …', text that its feedback must hold")
    for exercise in points:
        own = [answer for answer in answers if answer.exercise == exercise]
        right = sum(answer.is_right for answer in own)
        for count, least, kind in (
            (right, LEAST_RIGHT, "right"),
            (len(own) - right, LEAST_WRONG, "wrong"),
        ):
            if count < least:
                yield Finding(
                    f"{course.shown(folder)}/{exercise}",
                    f"{count} {kind} answers; at least {least} are needed",
                )


# A row of the table at the head of a source: exercise, objective, points.
_PROMISED = re.compile(
    r"^\| *`(?P<exercise>\w[\w-]*)` *\| *(?P<objective>LO\d+\.\d+)\b.*?"
    r"\| *(?P<points>[\d.]+|\W) *\|",
    re.MULTILINE,
)
_OBJECTIVE = re.compile(r"\bLO\d+\.\d+")
_POINTS = re.compile(r"(\d+(?:\.\d+)?) points? \(visible (\d+(?:\.\d+)?), hidden (\d+(?:\.\d+)?)\)")


def _objectives(assignment: Assignment, places: _Places) -> Iterator[Finding]:
    """Objectives that no cell exercises, or the other way round, and points told otherwise.

    Only for a source that has a table of exercises, objectives and points at its head.
    """
    cells = [cell for notebook in assignment.notebooks for cell in notebook.cells]
    table = list(_PROMISED.finditer("\n".join(cell.text for cell in cells if not cell.id)))
    if not table:
        return
    promised = {row["exercise"]: row for row in table}
    own: dict[str, list[SourceCell]] = {}
    for cell in cells:
        if cell.id:
            own.setdefault(exercise_of(cell.id), []).append(cell)
    for exercise, row in promised.items():
        if exercise not in own:
            where = f"{assignment.name} ({row['objective']})"
            yield Finding(where, f"the table promises '{exercise}', and there is no such exercise")
    for exercise, group in own.items():
        where = places[group[0].id]
        tests = [cell for cell in group if cell.is_test]
        named = {found for cell in group for found in _OBJECTIVE.findall(cell.text)}
        told = promised.get(exercise)
        if told is None:
            if tests:
                yield Finding(where, f"the table at the head lacks the exercise '{exercise}'")
            continue
        if named != {told["objective"]}:
            yield Finding(
                where,
                f"the table promises {told['objective']} here, and the cells of '{exercise}' name "
                f"{', '.join(sorted(named)) or 'no objective'}",
            )
        points = sum(cell.points for cell in group)
        if tests and told["points"] != f"{points:g}":
            yield Finding(
                where, f"the table says {told['points']} points, the cells are worth {points:g}"
            )
        visible = sum(cell.points for cell in tests if not cell.hides_tests)
        for cell in group:
            for said in _POINTS.finditer(cell.text):
                counted = (f"{points:g}", f"{visible:g}", f"{points - visible:g}")
                if said.groups() != counted:
                    yield Finding(
                        places[cell.id],
                        f"says '{said[0]}', and it is {counted[0]} points (visible {counted[1]}, "
                        f"hidden {counted[2]})",
                    )


def _reference_earns_all(result: Result, places: _Places) -> Iterator[Finding]:
    if not result.notebooks:
        yield Finding(result.assignment, f"the reference cannot be graded: {result.reason}")
    for grade in result.grades:
        if grade.state == "author error":
            yield Finding(places[grade.cell_id], f"the examiner cannot run it: {grade.message}")
        elif grade.score is not None and grade.score < grade.points and grade.state != "no answer":
            yield Finding(
                places[grade.cell_id],
                f"the reference earns {grade.score:g} of {grade.points:g}: {grade.message}",
            )


def _release_earns_nothing(result: Result, places: _Places) -> Iterator[Finding]:
    for grade in result.grades:
        if grade.score:
            yield Finding(
                places[grade.cell_id], f"the untouched release earns {grade.score:g}; must be 0"
            )


def _answer_as_expected(course: Course, answer: Answer, result: Result) -> Iterator[Finding]:
    where = f"{course.shown(answer.path)}:1"
    own = [grade for grade in result.grades if exercise_of(grade.cell_id) == answer.exercise]
    if not own:
        yield Finding(where, f"not graded: {result.reason}")
        return
    got = sum(grade.score or 0.0 for grade in own)
    points = sum(grade.points for grade in own)
    wanted = answer.expected[0] if answer.expected else points
    said = "; ".join(grade.message for grade in own if grade.message)
    if got != wanted:
        yield Finding(where, f"expected {wanted:g}/{points:g}, earned {got:g}: {said or 'no word'}")
    hint = answer.key("hint")
    if hint and _squeezed(hint) not in _squeezed(" ".join(_seen(result, answer.exercise))):
        yield Finding(where, f"its feedback lacks the hint '{hint}'; it says: {said or 'nothing'}")


def _seen(result: Result, exercise: str) -> Iterator[str]:
    """What a student reads of the tests of an exercise: messages and outputs."""
    for notebook in result.notebooks:
        for position, cell in enumerate(notebook.cells):
            if cell.source is None or not cell.source.is_test:
                continue
            if exercise_of(cell.source.id) == exercise:
                outcome = notebook.outcomes[position]
                yield outcome.message
                yield from (str(output) for output in outcome.outputs)


def _useless_tests(
    assignment: Assignment,
    answers: Sequence[Answer],
    results: Mapping[str, Result],
    places: _Places,
) -> Iterator[Finding]:
    """Tests that no answer fails, and hidden ones that fail only where a visible one does."""
    wrong = [results[a.name] for a in answers if not a.is_right]
    if not wrong:
        return
    failing: dict[str, set[str]] = {
        test.id: {
            result.student for result in wrong if not _full(_grade_of(result.grades, test.id))
        }
        for test in _tests(assignment)
    }
    for test in _tests(assignment):
        own = {a.name for a in answers if not a.is_right and a.exercise == exercise_of(test.id)}
        fails = failing[test.id] & own
        if own and not fails:
            yield Finding(places[test.id], "no wrong answer fails this test; sharpen it or add one")
            continue
        visible = {
            name
            for other in _tests(assignment)
            if not other.hides_tests and exercise_of(other.id) == exercise_of(test.id)
            for name in failing[other.id]
        }
        if own and test.hides_tests and fails <= visible:
            yield Finding(
                places[test.id],
                "hidden, but whatever fails it fails a visible test too; test something else",
            )


def _with_tests_of(assignment: Assignment, exercise: str) -> Assignment:
    """The assignment without the tests of its other exercises, which an answer does not need."""
    notebooks = tuple(
        replace(
            notebook,
            cells=tuple(
                cell
                for cell in notebook.cells
                if not cell.is_test or exercise_of(cell.id) == exercise
            ),
        )
        for notebook in assignment.notebooks
    )
    return replace(assignment, notebooks=notebooks)


def _try_mutants(
    report: Report, assignment: Assignment, run: Run, limits: Limits, most: int, places: _Places
) -> None:
    """Grade mutants of each reference solution; those with full marks survive."""
    for exercise in dict.fromkeys(exercise_of(test.id) for test in _tests(assignment)):
        found = {
            f"{cell.id} {number}": (cell, mutant)
            for notebook in assignment.notebooks
            for cell in notebook.cells
            if cell.is_solution and cell.cell_type == "code" and exercise_of(cell.id) == exercise
            for number, mutant in enumerate(mutants_of(cell.written, most))
        }
        focused = _with_tests_of(assignment, exercise)
        (alone,) = run(focused, [answered(focused, REFERENCE, {})], limits)
        long_enough = MUTANT_TIMES * alone.seconds
        quick = replace(
            limits,
            cell_wall_s=min(limits.cell_wall_s, max(MUTANT_CELL_S, long_enough)),
            total_wall_s=min(limits.total_wall_s, max(MUTANT_S, long_enough)),
        )
        if not _passes(alone, exercise):
            text = "its tests need the tests of another exercise; let them stand alone"
            report.findings.append(Finding(places[_tests(focused)[0].id], text))
        submissions = [
            answered(focused, name, {cell.id: mutant.code})
            for name, (cell, mutant) in found.items()
        ]
        report.mutants += len(found)
        for result in run(focused, submissions, quick):
            if _passes(result, exercise):
                cell, mutant = found[result.student]
                text = f"no test notices line {mutant.line} of the solution: {mutant.change}"
                report.survivors.append(Finding(places[cell.id], text))
    report.survivors.sort(key=str)


def _passes(result: Result, exercise: str) -> bool:
    """Whether each test of the exercise has its full points."""
    own = [grade for grade in result.grades if exercise_of(grade.cell_id) == exercise]
    return bool(own) and all(_full(grade) for grade in own)


def _stock_differences(
    course: Course,
    assignment: Assignment,
    submissions: Sequence[Submission],
    results: Mapping[str, Result],
) -> Iterator[Finding]:
    from autograder.stock import StockNbgrader  # it takes long to import

    # A name of ours may be none of a folder.
    named = {f"student{n}": submission for n, submission in enumerate(submissions)}
    handed_in = [replace(submission, student=name) for name, submission in named.items()]
    with StockNbgrader(course, assignment.name, handed_in) as stock:
        for name, submission in named.items():
            stock.grade(name)
            theirs = stock.scores(name)
            for grade in results[submission.student].grades:
                if grade.score != theirs[grade.cell_id]:
                    yield Finding(
                        submission.student,
                        f"cell '{grade.cell_id}' earns {_points(grade.score)} here and "
                        f"{_points(theirs[grade.cell_id])} in stock nbgrader",
                    )


def _points(score: float | None) -> str:
    return "nothing yet" if score is None else f"{score:g}"


def _grade_of(grades: Iterable[CellGrade], cell_id: str) -> CellGrade | None:
    return next((grade for grade in grades if grade.cell_id == cell_id), None)


def _full(grade: CellGrade | None) -> bool:
    return grade is not None and grade.score == grade.points


def _squeezed(text: str) -> str:
    return "".join(text.split())
