"""Writes the tables of the instructor's guide from what stands in the course (`make build`).

`docs/instructors-guide.md` is written by hand, except what stands between a pair of lines
`<!-- generated: NAME -->` and `<!-- end -->`. There this tool puts the plan of the weeks, the
exercises, the gallery of wrong answers, and which claim is tested where.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.assignment import exercise_of
from autograder.course import Course
from autograder.validate import Answer, answers_of
from tools import build
from virtlab import registry
from virtlab.measure.folders import data_folder

GUIDE = Path("docs") / "instructors-guide.md"
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
OBJECTIVE = re.compile(r"^- \*\*(LO\d+\.\d+)\*\* (.+?)[;.?]?$", re.MULTILINE)
# The second line of a prompt says what it is about and how long it takes.
PROMPT = re.compile(r"^\*\*(LO\d+\.\d+)\b.* · about (\d+) minutes\*\*", re.MULTILINE)
RECORD = re.compile(r"\brecord\(\s*\"(C\d{3})\"")


class GuideError(Exception):
    """What is missing or wrong, in one line."""


@dataclass(frozen=True)
class Exercise:
    """An exercise as its prompt announces it; `points` is 0 if it is not graded."""

    name: str
    objective: str
    points: float
    minutes: int


@dataclass(frozen=True)
class Chapter:
    """What the guide tells of a chapter; `claims` maps each to the cell that judges it."""

    slug: str
    title: str
    minutes: int
    objectives: dict[str, str]
    claims: dict[str, str]
    exercises: tuple[Exercise, ...]
    answers: tuple[Answer, ...]

    @property
    def exercise_minutes(self) -> int:
        """Minutes for all its exercises."""
        return sum(exercise.minutes for exercise in self.exercises)


# --- Reading the course ---------------------------------------------------------------------------


def chapters(root: Path) -> list[Chapter]:
    """All chapters of the course, in order.

    Raises:
        GuideError: a chapter does not say how long it takes, or a prompt not what it is about.
    """
    course = Course(root)
    return [_chapter(course, text) for text in sorted(root.glob("notebooks/[0-9]*.md"))]


def _chapter(course: Course, text: Path) -> Chapter:
    notebook = build.from_text(text.read_text(encoding="utf-8"))
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    minutes = re.search(r"^(?:About (\d+)|(Ten)) minutes", prose, re.MULTILINE)
    if minutes is None:
        raise GuideError(f"{text.name}: no line 'About N minutes' under its question")
    claims = {
        claim: cell.id
        for cell in notebook.cells
        if cell.cell_type == "code"
        for claim in RECORD.findall(cell.source)
    }
    has_exercises = text.stem in course.assignments()
    return Chapter(
        slug=text.stem,
        title=prose.splitlines()[0].partition(" · ")[2],
        minutes=int(minutes[1] or 10),
        objectives=dict(OBJECTIVE.findall(prose.partition("\n## ")[0])),
        claims=claims,
        exercises=tuple(_exercises(course, text.stem)) if has_exercises else (),
        answers=tuple(answers_of(course, text.stem)),
    )


def _exercises(course: Course, name: str) -> Iterator[Exercise]:
    points: dict[str, float] = {}
    prompts: dict[str, str] = {}
    for notebook in course.assignment(name).notebooks:
        for cell in notebook.cells:
            if cell.id.endswith("-prompt"):
                prompts[exercise_of(cell.id)] = cell.text
            points[exercise_of(cell.id)] = points.get(exercise_of(cell.id), 0) + cell.points
    for exercise, prompt in prompts.items():
        said = PROMPT.search(prompt)
        if said is None:
            raise GuideError(f"{name}: the prompt of {exercise} lacks '**LOn.n · … minutes**'")
        yield Exercise(exercise, said[1], points[exercise], int(said[2]))


# --- What becomes of each claim -------------------------------------------------------------------


@dataclass(frozen=True)
class ClaimLine:
    """A claim of the notes and all that the course does with it.

    Attributes:
        chapter: its two digits.
        kind: measured, computed, simulated or cited.
        objectives: those of its chapter that its idea belongs to, as data/claims.csv says.
        experiments: those of its chapter that say that they decide it.
        cell: the id of the cell that judges it; empty while the chapter is to come.
        exercises: the exercises of these objectives.
    """

    id: str
    claim: str
    chapter: str
    kind: str
    objectives: tuple[str, ...]
    experiments: tuple[str, ...]
    cell: str
    exercises: tuple[str, ...]


def claim_lines(course: Sequence[Chapter]) -> list[ClaimLine]:
    """All claims in the order of the notes."""
    deciding: dict[str, list[str]] = {}
    for experiment in registry.load_all().values():
        for claim in experiment.claims:
            deciding.setdefault(claim, []).append(experiment.id)
    lines = []
    with (data_folder() / "claims.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            number, wanted = row["chapter"].zfill(2), tuple(row["objectives"].split())
            chapter = next((one for one in course if row["id"] in one.claims), None)
            own = chapter.exercises if chapter else ()
            experiments = [name for name in deciding.get(row["id"], []) if name[:2] == number]
            lines.append(
                ClaimLine(
                    id=row["id"],
                    claim=row["claim"],
                    chapter=number,
                    kind=row["kind"],
                    objectives=wanted,
                    experiments=tuple(name.partition("/")[2] for name in experiments),
                    cell=chapter.claims[row["id"]] if chapter else "",
                    exercises=tuple(one.name for one in own if one.objective in wanted),
                )
            )
    return lines


# --- The generated parts --------------------------------------------------------------------------


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def plan(course: Sequence[Chapter]) -> str:
    """One row a chapter: minutes, and what a student can do after it."""
    rows = []
    for chapter in course:
        able = "; ".join(f"{name} {what}" for name, what in chapter.objectives.items()) or "–"
        rows.append(
            (chapter.slug[:2], chapter.title, chapter.minutes, chapter.exercise_minutes, able)
        )
    return table(("", "chapter", "minutes", "exercises", "after it, students can"), rows)


def exercises(course: Sequence[Chapter]) -> str:
    """One row an exercise: objective, points, minutes, how many answers hold it."""
    rows = []
    for chapter in course:
        for exercise in chapter.exercises:
            own = [a for a in chapter.answers if a.exercise == exercise.name]
            right = sum(answer.is_right for answer in own)
            points = f"{exercise.points:g}" if exercise.points else "–"
            rows.append(
                (
                    chapter.slug[:2],
                    f"`{exercise.name}`",
                    exercise.objective,
                    points,
                    exercise.minutes,
                    right,
                    len(own) - right,
                )
            )
    return table(("", "exercise", "objective", "points", "minutes", "right", "wrong"), rows)


def gallery(course: Sequence[Chapter]) -> str:
    """The misconception behind each wrong answer, what it earns, and what its feedback says."""
    parts = []
    for chapter in course:
        wrong = [answer for answer in chapter.answers if not answer.is_right]
        if wrong:
            rows = [
                (f"`{a.exercise}`", a.key("misconception"), a.key("expected"), a.key("hint"))
                for a in wrong
            ]
            heads = ("exercise", "the thought behind it", "earns", "its feedback says")
            parts.append(f"### {chapter.slug[:2]} {chapter.title}\n\n{table(heads, rows)}")
    return "\n".join(parts)


def claims(course: Sequence[Chapter]) -> str:
    """Which experiment and cell judge each claim of the notes, and what exercises its idea."""
    rows = [
        (
            line.id,
            line.claim,
            line.chapter,
            line.kind,
            ", ".join(line.objectives) or "–",
            "<br>".join(f"`{name}`" for name in line.experiments) or "–",
            f"`{line.cell}`" if line.cell else "to come",
            ", ".join(f"`{name}`" for name in line.exercises) or "–",
        )
        for line in claim_lines(course)
    ]
    heads = ("", "claim", "chapter", "kind", "objectives", "experiments", "cell", "exercises")
    return table(heads, rows)


PARTS: dict[str, Callable[[Sequence[Chapter]], str]] = {
    "plan": plan,
    "exercises": exercises,
    "gallery": gallery,
    "claims": claims,
}


def filled_in(guide: str, course: Sequence[Chapter]) -> str:
    """The guide with its generated parts as the course has them now.

    Raises:
        GuideError: the guide asks for a part that does not exist.
    """

    def fill(part: re.Match[str]) -> str:
        if part[2] not in PARTS:
            raise GuideError(f"no generated part is called {part[2]}: {', '.join(PARTS)}")
        return f"{part[1]}{PARTS[part[2]](course)}{part[3]}"

    return PART.sub(fill, guide)


def write(root: Path) -> str:
    """Brings the guide up to date.

    Returns:
        What was done: "unchanged" or "written".

    Raises:
        GuideError: see `chapters` and `filled_in`.
    """
    before = (root / GUIDE).read_text(encoding="utf-8")
    after = filled_in(before, chapters(root))
    if before == after:
        return "unchanged"
    (root / GUIDE).write_text(after, encoding="utf-8")
    return "written"
