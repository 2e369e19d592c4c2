"""What CONTRIBUTING.md says of the house is so: its paths, its commands, its recipes."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest

from autograder import cli as autograder
from autograder.course import Course
from autograder.validate import answers_of
from virtlab import cli as virtlab
from virtlab.runtimes import RUNTIMES, Runtime

from .conftest import ROOT, tracked_files
from .test_structure import CHAPTERS, NO_EXERCISES

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMED = list(dict.fromkeys(re.findall(r"`([^`]+)`", TEXT)))
COMMAND = re.compile(r"(?:make|pytest|autograder|virtlab|python -m) ")
commands = [name for name in NAMED if COMMAND.match(name)]
PATH = re.compile(r"[\w.<>/-]*/[\w.<>/-]*|[\w-]+\.(?:py|txt|yml)")
paths = [name for name in NAMED if PATH.fullmatch(name)]
# Named beside the folder that they are in.
BESIDE = {
    "base.py": "virtlab/runtimes/base.py",
    "gradebook.py": "autograder/gradebook.py",
    "feedback.py": "autograder/feedback.py",
}
# The model for what has no name yet.
CHAPTER = "03-containers"
EXERCISE = "map_id"
MODEL = {
    "cNN_slug": "c03_containers",
    "NN-slug": CHAPTER,
    "<exercise>": EXERCISE,
    "NAME": EXERCISE,
    "<misconception>": "first_line_only",
}


def of_model(name: str) -> str:
    for place, word in MODEL.items():
        name = name.replace(place, word)
    return name


@pytest.mark.parametrize("name", paths)
def test_every_path_is_there(name: str) -> None:
    path = of_model(BESIDE.get(name, name))
    assert (ROOT / path).is_dir() if name.endswith("/") else (ROOT / path).is_file()
    assert any(file.is_relative_to(path) for file in tracked_files())


def test_no_path_or_command_is_overlooked() -> None:
    assert len(paths) > 25
    assert len(commands) > 10
    rest = set(NAMED) - set(paths) - set(commands)
    assert [name for name in rest if "/" in name and not name.startswith("#")] == []


@pytest.mark.parametrize("command", commands)
def test_every_command_is_one(command: str) -> None:
    program, *arguments = shlex.split(of_model(command))
    if program == "make":
        rules = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{arguments[0]}:", rules, re.MULTILINE)
    elif program == "pytest":
        assert (ROOT / arguments[0]).exists()
    elif program == "python":
        module = ROOT / arguments[1].replace(".", "/")
        assert module.is_dir() or module.with_suffix(".py").is_file()
    else:
        parsers = {"autograder": autograder._parser, "virtlab": virtlab._parser}
        parsers[program]().parse_args(arguments)


# --- The recipes ----------------------------------------------------------------------------------


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("chapter", [name for name in CHAPTERS if name not in NO_EXERCISES])
def test_answers_and_cells_are_as_the_recipes_say(chapter: str) -> None:
    keys = re.findall(r"`# (\w+): [^`]*`", section("Add a wrong answer"))
    assert keys == ["expected", "hint", "misconception"]
    answers = answers_of(Course(ROOT), chapter)
    wrong = [answer for answer in answers if not answer.is_right]
    assert wrong
    assert [answer.path for answer in wrong if not all(map(answer.key, keys))] == []
    cells = [name.strip("`") for name in re.findall(r"`NAME[a-z-]*`", section("Add an exercise"))]
    assert cells == ["NAME-prompt", "NAME", "NAME-check", "NAME-hidden"]
    source = (ROOT / "source" / chapter / f"{chapter}.md").read_text(encoding="utf-8")
    for exercise in {answer.exercise for answer in answers}:
        wanted = [cell.replace("NAME", exercise) for cell in cells]
        assert [cell for cell in wanted if not re.search(rf"\b{cell}\b", source)] == []
        number = sum(answer.exercise == exercise for answer in wrong)
        assert number >= 3
        assert sum(answer.exercise == exercise for answer in answers) - number >= 2


def test_a_new_chapter_starts_as_the_recipe_says(tmp_path: Path) -> None:
    """Its exercises hold the four cells, and the answers the three lines; grading them is tested
    with the command."""
    name = "24-new-things"
    assert f"`autograder new {name}`".replace(name, "NN-slug") in section("Add a chapter")
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    assert autograder.main(["new", name, "--course", str(tmp_path)]) == 0
    text = (tmp_path / "source" / name / f"{name}.md").read_text(encoding="utf-8")
    assert re.search(r"^\*\*LO24\.1 · .* points .*· about \d+ minutes\*\*$", text, re.MULTILINE)
    answers = answers_of(Course(tmp_path), name)
    assert sum(answer.is_right for answer in answers) >= 2
    assert sum(not answer.is_right for answer in answers) >= 3


def test_the_map_has_a_row_for_each_chapter() -> None:
    text = (ROOT / "notebooks" / "00-start-here.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert [name for name in CHAPTERS[1:] if f"({name}.ipynb)" not in rows] == []


def test_a_runtime_has_what_the_recipe_names() -> None:
    for method in re.findall(r"`(\w+)\(\)`", section("Add a way to run a program")):
        assert callable(getattr(Runtime, method))
    for runtime in RUNTIMES.values():
        capability = runtime.available()
        assert capability.why


def test_a_claim_has_the_columns_that_the_recipe_names() -> None:
    listed = re.findall(r"claims\.csv`: ([\w, ]+)", section("Add a claim"))[0]
    with (ROOT / "data" / "claims.csv").open(encoding="utf-8") as file:
        columns = next(csv.reader(file))
    assert set(columns) == set(listed.split(", "))
