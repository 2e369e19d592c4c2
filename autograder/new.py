"""Makes the skeleton of an assignment: one exercise that already validates."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from autograder.course import Course, CourseError

_ANSWERS = {
    "right_loop.py": """\
# expected: 3/3
# method: keeps the largest number seen so far
def largest(numbers):
    found = None
    for number in numbers:
        if found is None or number > found:
            found = number
    return found
""",
    "right_sorted.py": """\
# expected: 3/3
# method: the last of the numbers in order
def largest(numbers):
    return sorted(numbers)[-1] if numbers else None
""",
    "wrong_starts_at_zero.py": """\
# expected: 1/3
# hint: What do you compare the first with?
# misconception: a maximum starts at zero
def largest(numbers):
    found = 0
    for number in numbers:
        found = max(found, number)
    return found if numbers else None
""",
    "wrong_empty_list_forgotten.py": """\
# expected: 1/3
# hint: Without numbers there is no largest.
# misconception: there is always at least one number
def largest(numbers):
    return max([*numbers, float("-inf")])
""",
    "wrong_smallest.py": """\
# expected: 0/3
# hint: Compare each number with the largest so far.
# misconception: < and > taken for each other
def largest(numbers):
    return min(numbers, default=None)
""",
}


def new_assignment(course: Course, name: str) -> list[Path]:
    """Make the source and the answers of an assignment of that name.

    Args:
        course: where to.
        name: a chapter's number and slug, such as `03-containers`.

    Returns:
        The files made.

    Raises:
        CourseError: if the name is none, there is such an assignment already, or Jupytext, which
            turns the text into a notebook, is not installed.
    """
    match = re.fullmatch(r"(\d+)-[a-z0-9]+(-[a-z0-9]+)*", name)
    if match is None:
        raise CourseError(f"{name!r}: not a number and slug; give a name such as 03-containers")
    folder = course.folder("source", ".", name)
    answers = course.root / "answers" / name / "largest"
    for path in (folder, answers.parent):
        if path.exists():
            raise CourseError(f"{course.shown(path)}: there already; choose another name")
    try:
        import jupytext
    except ImportError:
        raise CourseError(
            "the text becomes a notebook by Jupytext; install it with `pip install jupytext`"
        ) from None
    skeleton = Path(__file__).with_name("skeleton") / "source.md"
    text = skeleton.read_text(encoding="utf-8")
    text = text.replace("SLUG", name).replace("LOCHAPTER", f"LO{int(match[1])}")
    files = {
        folder / f"{name}.md": text,
        folder / f"{name}.ipynb": nbformat.writes(jupytext.reads(text, fmt="md:myst")),
        **{answers / file: code for file, code in _ANSWERS.items()},
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return list(files)
