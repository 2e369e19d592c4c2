"""The class report: one page for the instructor, from what grading has written down.

Scores, unanswered cells and waiting ones come from the gradebook, feedback messages from the
outputs of the test cells in `autograded/`. Nothing is graded and nothing is run. The page names
students, so it is none for students: theirs is `feedback/`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from statistics import correlation, fmean, median

from autograder.assignment import Assignment, exercise_of
from autograder.course import Course, CourseError
from autograder.feedback import printable, shown_points, template
from autograder.gradebook import Held, Recorded, read_gradebook
from autograder.grading import Exercise, exercises_of
from autograder.notebooks import NotebookError, grade_id, read_notebook
from autograder.validate import Answer, answers_of

# Who needs help: a share of the points below LOW, or a fall by DROP against the class, to below its
# mean.
LOW = 0.5
DROP = 0.2
# A correlation over fewer students than this is not shown.
FEWEST = 5
HARD, EASY, WEAK = 0.3, 0.9, 0.2
MOST_MESSAGES = 5
MAX_MESSAGE = 300
BINS = 10
_TIME = re.compile(r"\blimit of .*\btime\b", re.IGNORECASE)


class ReportError(Exception):
    """Why there is no report, and what to do, in one line."""


@dataclass(frozen=True)
class Student:
    """One graded submission.

    Attributes:
        score: what counts so far, late penalty taken off.
        decided: points that could be earned so far.
        open: points that a person has still to give.
    """

    name: str
    score: float
    decided: float
    open: float

    @property
    def share(self) -> float | None:
        """The score by the points that are decided; None if none are."""
        return self.score / self.decided if self.decided > 0 else None


@dataclass(frozen=True)
class Item:
    """One exercise over the class; open answers are left out.

    Attributes:
        graded: students with a score in it.
        mean: their mean score; None if there are none.
        difficulty: the mean by the points: 1 is easiest.
        full: students with all points.
        empty: students whose answer is still as released.
        limit: students of whom a cell of it met a limit of time.
        discrimination: the correlation with the rest score; None if it cannot be had.
        remark: what to make of it.
    """

    name: str
    points: float
    graded: int
    mean: float | None
    difficulty: float | None
    full: int
    empty: int
    limit: int
    discrimination: float | None
    remark: str


@dataclass(frozen=True)
class WrongAnswer:
    """A feedback message of one exercise, and how many students got it.

    Attributes:
        thoughts: the misconceptions in answers/ whose feedback this is.
    """

    exercise: str
    message: str
    students: int
    thoughts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Help:
    """A student to look at, and why."""

    student: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Bar:
    """One bar of the distribution: shares from `low` to `high` percent."""

    low: int
    high: int
    students: int
    x: float
    y: float
    width: float
    height: float


@dataclass
class AssignmentReport:
    """What the report says of one assignment.

    Attributes:
        missing: students who handed in nothing.
        not_graded: students who handed in what is not in the gradebook.
        unread: students of whom no graded notebook can be read, so that messages are unknown.
        further: how many messages are left out, by exercise.
    """

    name: str
    points: float
    students: list[Student] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    wrong: list[WrongAnswer] = field(default_factory=list)
    further: dict[str, int] = field(default_factory=dict)
    help: list[Help] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    not_graded: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def graded(self) -> int:
        """How many submissions are in the gradebook."""
        return len(self.students)

    @property
    def shares(self) -> list[float]:
        """The shares of all students who have one."""
        return [student.share for student in self.students if student.share is not None]

    @property
    def waiting(self) -> int:
        """How many submissions wait for a person."""
        return sum(student.open > 0 for student in self.students)

    @property
    def mean(self) -> float | None:
        """The mean share."""
        return fmean(self.shares) if self.shares else None

    @property
    def median(self) -> float | None:
        """The median share."""
        return median(self.shares) if self.shares else None

    @property
    def chance(self) -> float:
        """How far chance alone moves a correlation over so many students."""
        return 2 / sqrt(self.graded) if self.graded else 1.0

    @property
    def bars(self) -> list[Bar]:
        """The distribution of shares in tenths."""
        return bars(self.shares)


@dataclass
class _Seen:
    """What the graded notebooks of a submission show, by exercise."""

    messages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    limits: set[str] = field(default_factory=set)


def class_report(course: Course, names: Sequence[str] = ()) -> tuple[list[AssignmentReport], str]:
    """Write the report.

    Args:
        course: the course; the caller holds its lock.
        names: the assignments; empty means all that are graded.

    Returns:
        What it says of each assignment, and the page.

    Raises:
        CourseError: if there is no such assignment.
        GradebookError: if the gradebook cannot be read.
        ReportError: if nothing is graded.
    """
    wanted = list(dict.fromkeys(names)) or course.assignments()
    assignments = {name: course.assignment(name) for name in names}
    held = read_gradebook(course)
    graded = [name for name in wanted if held.recorded.get(name)]
    if not graded:
        what = ", ".join(names) or "any assignment"
        raise ReportError(
            f"{course.database.removeprefix('sqlite:///')}: holds no score of {what}; "
            f"run `autograder grade {names[0] if names else 'ASSIGNMENT'}` first"
        )
    everyone = {*held.students}.union(*(course.students(name) for name in course.assignments()))
    reports = [
        _report(course, assignments.get(name) or course.assignment(name), held, everyone)
        for name in graded
    ]
    page = template("class_report.html").render(
        course=course.directory.course_id or course.root.name,
        reports=reports,
        not_graded=[name for name in wanted if name not in graded],
        rules={"low": LOW, "drop": DROP, "hard": HARD, "easy": EASY, "weak": WEAK},
        fewest=FEWEST,
        percent=percent,
        number=number,
        name_of=name_of,
    )
    return reports, page


def write_report(path: Path, page: str) -> None:
    """Write the page in one step.

    Raises:
        ReportError: if the file is no HTML file by its name, or cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ReportError(f"{path}: the report is a web page; give a name that ends with .html")
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(page.encode("utf-8", "replace"))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ReportError(f"{path}: {error.strerror}; name another file with --to") from None


def percent(share: float | None) -> str:
    """A share as people read it: 71 %."""
    return "–" if share is None else f"{100 * share:.0f} %".replace("-", "−")


def number(value: float | None) -> str:
    """A statistic with two digits, or a dash where there is none."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def name_of(student: str) -> str:
    """The student's name; one with characters that do not show is spelled out."""
    return student if student.isprintable() else ascii(student)


def discrimination(scores: Sequence[float], rests: Sequence[float]) -> float | None:
    """Correlation of an exercise's score with the score in the rest of the assignment.

    For an exercise of all or nothing this is the point-biserial correlation.

    Args:
        scores: what each student earned in the exercise.
        rests: what each earned in the other exercises, in the same order.

    Returns:
        From -1 to 1; None with fewer than `FEWEST` students, or if all earned the same in one.
    """
    # Rounded: sums of the same points in another order must not count as a difference.
    scores, rests = [round(s, 9) for s in scores], [round(r, 9) for r in rests]
    if len(scores) < FEWEST or len(set(scores)) < 2 or len(set(rests)) < 2:
        return None
    return correlation(scores, rests)


def bars(shares: Sequence[float]) -> list[Bar]:
    """The distribution of shares as bars of a picture 640 wide, standing on y = 180."""
    counts = Counter(min(max(int(share * BINS + 1e-9), 0), BINS - 1) for share in shares)
    most = max(counts.values(), default=0) or 1
    step = 600 / BINS
    return [
        Bar(
            low=number * 100 // BINS,
            high=(number + 1) * 100 // BINS,
            students=counts[number],
            x=20 + number * step + 3,
            y=round(180 - 150 * counts[number] / most, 1),
            width=step - 6,
            height=round(150 * counts[number] / most, 1),
        )
        for number in range(BINS)
    ]


def _report(
    course: Course, assignment: Assignment, held: Held, everyone: set[str]
) -> AssignmentReport:
    report = AssignmentReport(assignment.name, assignment.points)
    recorded = held.recorded[assignment.name]
    order = {
        cell.id: position
        for position, cell in enumerate(c for n in assignment.notebooks for c in n.cells)
    }
    exercises: dict[str, list[Exercise]] = {}
    for name in sorted(recorded):
        report.students.append(_student(name, recorded[name]))
        grades = [grade for grade in recorded[name].grades if grade.cell_id in order]
        exercises[name] = exercises_of(sorted(grades, key=lambda grade: order[grade.cell_id]))
    handed_in = set(course.students(assignment.name))
    report.not_graded = sorted(handed_in - recorded.keys())
    report.missing = sorted(everyone - handed_in - recorded.keys())
    seen: dict[str, _Seen] = {}
    for name in recorded:
        found = _seen(course, assignment, name)
        if found is None:
            report.unread.append(name)
        else:
            seen[name] = found
    empty = {
        name: {exercise_of(cell) for cell in cells}
        for name, cells in held.unanswered.get(assignment.name, {}).items()
    }
    # What a test says of the released text is about nobody's answer.
    for name, one in seen.items():
        for exercise in empty.get(name, ()):
            one.messages.pop(exercise, None)
    report.items = _items(exercises, empty, seen)
    names = [item.name for item in report.items]
    report.wrong, report.further = _wrong_answers(names, seen, answers_of(course, assignment.name))
    report.help = list(_needing_help(report, held))
    return report


def _student(name: str, recorded: Recorded) -> Student:
    waiting = sum(grade.points for grade in recorded.grades if grade.score is None)
    decided = sum(grade.points for grade in recorded.grades) - waiting
    return Student(name, max(0.0, recorded.score), decided, waiting)


def _items(
    exercises: Mapping[str, Sequence[Exercise]],
    empty: Mapping[str, set[str]],
    seen: Mapping[str, _Seen],
) -> list[Item]:
    names = list(dict.fromkeys(e.name for own in exercises.values() for e in own))
    items = []
    for name in names:
        scores, rests, points = [], [], 0.0
        for own in exercises.values():
            decided = {e.name: e for e in own if e.score is not None}
            points = max([points, *(e.max_score for e in own if e.name == name)])
            rest = [e for other, e in decided.items() if other != name]
            if name in decided:
                scores.append(decided[name].score or 0.0)
                worth = sum(e.max_score for e in rest)
                rests.append(sum(e.score or 0.0 for e in rest) / worth if worth else None)
        both = [(s, r) for s, r in zip(scores, rests, strict=True) if r is not None]
        mean = fmean(scores) if scores else None
        difficulty = mean / points if mean is not None and points else None
        value = discrimination([s for s, _ in both], [r for _, r in both])
        items.append(
            Item(
                name=name,
                points=points,
                graded=len(scores),
                mean=mean,
                difficulty=difficulty,
                full=sum(score >= points for score in scores),
                empty=sum(name in own for own in empty.values()),
                limit=sum(name in one.limits for one in seen.values()),
                discrimination=value,
                remark=_remark(scores, difficulty, value),
            )
        )
    return items


def _remark(scores: Sequence[float], difficulty: float | None, value: float | None) -> str:
    if difficulty is None:
        return "Nobody has a score yet."
    if value is None and len(scores) < FEWEST:
        return "Too few students to say more."
    remarks = []
    if difficulty < HARD:
        remarks.append("Hard.")
    elif difficulty > EASY:
        remarks.append("Easy.")
    if value is None:
        remarks.append("Nothing to correlate: all earned the same, here or elsewhere.")
    elif value < 0:
        remarks.append("Who does well elsewhere loses here: read the test and the prompt again.")
    elif value < WEAK:
        remarks.append("Hardly tells who does well elsewhere.")
    return " ".join(remarks)


def _seen(course: Course, assignment: Assignment, student: str) -> _Seen | None:
    """What the graded notebooks of a submission show; None if none can be read.

    Their metadata is the source's, and the outputs of test cells are the examiner's.
    """
    kinds = {cell.id: cell.is_test for n in assignment.notebooks for cell in n.cells if cell.id}
    found: _Seen | None = None
    try:
        folder = course.folder("autograded", student, assignment.name)
    except CourseError:
        return None
    for notebook in assignment.notebooks:
        path = folder / f"{notebook.name}.ipynb"
        try:
            cells = read_notebook(path.read_bytes(), course.shown(path))["cells"]
        except (OSError, NotebookError):
            continue
        found = found or _Seen()
        for cell in cells:
            id_ = grade_id(cell)
            if id_ not in kinds or cell["cell_type"] != "code":
                continue
            exercise = exercise_of(id_)
            for output in cell.get("outputs", []):
                if output.get("output_type") != "error":
                    continue
                message = " ".join(printable(str(output.get("evalue", ""))).split())
                if output.get("ename") == "Limit" and _TIME.search(message):
                    found.limits.add(exercise)
                if kinds[id_] and message and message not in found.messages[exercise]:
                    found.messages[exercise].append(message)
    return found


def _wrong_answers(
    exercises: Sequence[str], seen: Mapping[str, _Seen], answers: Sequence[Answer]
) -> tuple[list[WrongAnswer], dict[str, int]]:
    """The commonest messages of each exercise; those with one hint of answers/ are one."""
    wrong: list[WrongAnswer] = []
    further: dict[str, int] = {}
    for exercise in exercises:
        hints: dict[str, list[str]] = defaultdict(list)
        for answer in answers:
            hint = _squeezed(answer.key("hint"))
            if answer.exercise == exercise and not answer.is_right and hint:
                hints[hint].append(answer.key("misconception"))
        who: dict[str, set[str]] = defaultdict(set)
        texts: dict[str, Counter[str]] = defaultdict(Counter)
        for student, one in seen.items():
            for message in one.messages.get(exercise, []):
                hint = _hint_of(message, hints)
                # A space tells a hint from a message: a squeezed hint has none.
                group = hint or f" {message}"
                who[group].add(student)
                texts[group][message] += 1
        ranked = sorted(who, key=lambda g: (-len(who[g]), g not in hints, g))
        for group in ranked[:MOST_MESSAGES]:
            text = min(texts[group], key=lambda text: (-texts[group][text], text))
            if len(text) > MAX_MESSAGE:
                text = text[:MAX_MESSAGE] + " …"
            thoughts = tuple(dict.fromkeys(t for t in hints.get(group, []) if t))
            wrong.append(WrongAnswer(exercise, text, len(who[group]), thoughts))
        if len(ranked) > MOST_MESSAGES:
            further[exercise] = len(ranked) - MOST_MESSAGES
    return wrong, further


def _hint_of(message: str, hints: Mapping[str, object]) -> str:
    """The longest hint that the message holds, spaces aside, as `autograder validate` looks."""
    squeezed = _squeezed(message)
    return max((hint for hint in hints if hint in squeezed), key=len, default="")


def _needing_help(report: AssignmentReport, held: Held) -> Iterator[Help]:
    """Students with a low share, those who fell against the class, those without a score."""
    before = _standings(held, [name for name in sorted(held.recorded) if name < report.name])
    mean = report.mean or 0.0
    low = []
    for student in report.students:
        if student.share is None:
            continue
        reasons = []
        if student.share < LOW:
            reasons.append(
                f"{shown_points(student.score)} of {shown_points(student.decided)} points"
            )
        earlier = before.get(student.name)
        if earlier:
            usual, now = fmean(earlier), student.share - mean
            if now < 0 and round(usual - now, 9) >= DROP:
                several = "s" if len(earlier) > 1 else ""
                reasons.append(
                    f"{_against(now)}, after {_against(usual)} in "
                    f"{len(earlier)} earlier assignment{several}"
                )
        if reasons:
            low.append((student.share, Help(student.name, tuple(reasons))))
    yield from (entry for _, entry in sorted(low, key=lambda pair: (pair[0], pair[1].student)))
    for name in report.not_graded:
        yield Help(name, ("handed in, and the gradebook has no score of it",))
    for name in report.missing:
        yield Help(name, ("handed in nothing",))


def _standings(held: Held, names: Sequence[str]) -> dict[str, list[float]]:
    """For each student, how far the share lay from the class's mean, assignment by assignment."""
    standings: dict[str, list[float]] = defaultdict(list)
    for name in names:
        shares = {s: _student(s, recorded).share for s, recorded in held.recorded[name].items()}
        known = {student: share for student, share in shares.items() if share is not None}
        for student, share in known.items():
            standings[student].append(share - fmean(known.values()))
    return standings


def _against(standing: float) -> str:
    points = round(100 * standing)
    if not points:
        return "at the class's mean"
    return f"{abs(points)} percentage points {'below' if points < 0 else 'above'} the class's mean"


def _squeezed(text: str) -> str:
    return "".join(text.split())
