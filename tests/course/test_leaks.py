"""No file that students get holds a solution or a hidden test, in any form."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.course import Course
from autograder.release import find_leaks

from .conftest import ROOT

REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
LINE = 24  # a shorter line may stand elsewhere by chance


def secret_lines() -> set[str]:
    """Lines that stand in the source's solutions and hidden tests, and nowhere else in the source.

    Found in the text, on another way than the grader's own search, which reads the notebooks.
    """
    secret: set[str] = set()
    public: set[str] = set()
    for text in ROOT.glob("source/*/*.md"):
        whole = text.read_text(encoding="utf-8")
        for region in REGION.finditer(whole):
            secret.update(line.strip() for line in region[2].splitlines())
        public.update(line.strip() for line in REGION.sub("", whole).splitlines())
    return {line for line in secret - public if len(line) >= LINE and not line.startswith("#")}


def assignments() -> list:
    course = Course(ROOT)
    return [course.assignment(name) for name in course.assignments()]


def test_there_are_secrets_to_look_for() -> None:
    assert len(secret_lines()) > 20


def test_no_release_holds_a_secret_line_or_a_marker() -> None:
    secrets = secret_lines()
    for path in (ROOT / "release").rglob("*"):
        if not path.is_file():
            continue
        data = path.read_text(encoding="utf-8", errors="replace")
        # In a notebook, quotation marks and the like are escaped.
        plain = data if path.suffix != ".ipynb" else "\n".join(strings_in(json.loads(data)))
        assert [line for line in secrets if line in plain] == [], path
        assert not re.search(r"### (BEGIN|END) (SOLUTION|HIDDEN)", plain), path


def strings_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for part in value for text in strings_in(part)]
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings_in(part)]
    return []


def test_no_release_holds_a_secret_in_any_encoding() -> None:
    assert [str(leak) for leak in find_leaks(ROOT / "release", assignments())] == []


def test_no_release_notebook_has_outputs() -> None:
    for path in (ROOT / "release").rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), f"{path}: {cell.source[:60]}"


@pytest.mark.parametrize("way", ["text", "base64", "output"])
def test_a_planted_leak_is_found(tmp_path: Path, way: str) -> None:
    """The positive control: the same search finds a leak where there is one."""
    shutil.copytree(ROOT / "release", tmp_path / "release")
    path = next((tmp_path / "release").rglob("*.ipynb"))
    notebook = nbformat.read(path, as_version=4)
    line = max(secret_lines(), key=len)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if way == "text":
        cell.source += f"\n{line}"
    elif way == "base64":
        cell.metadata["note"] = base64.b64encode(line.encode()).decode()
    else:
        cell.outputs = [nbformat.v4.new_output("stream", text=line)]
    nbformat.write(notebook, path)
    assert find_leaks(tmp_path / "release", assignments())
