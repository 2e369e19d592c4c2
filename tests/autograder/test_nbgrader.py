"""Other people's nbgrader courses, and nbgrader's own commands, give the same scores."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import nbgrader
import pytest
from nbgrader.api import Gradebook

from autograder.batch import grade_class
from autograder.course import Course
from autograder.executors import executor
from autograder.gradebook import _scripts_on_path

# One worker makes the course of quickstart, which takes ten of nbgrader's commands, for all tests.
pytestmark = [pytest.mark.xdist_group("quickstart"), pytest.mark.long]

EXAMPLES = Path(nbgrader.__file__).parent / "docs/source/user_guide/submitted"
PLUGIN = """
c.Autograde.sanitize_preprocessors = ["nbgrader.preprocessors.ClearOutput"]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader_plugin.GradeInTwoRooms",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "autograder.nbgrader_plugin.HideHiddenTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
"""


@pytest.fixture(scope="module")
def quicker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spares each of nbgrader's commands a grammar that jsonschema reads, for a second, unused."""
    folder = tmp_path_factory.mktemp("quicker")
    (folder / "rfc3987_syntax.py").write_text("raise ImportError\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield


def run_nbgrader(course: Path, *arguments: str) -> str:
    """Run nbgrader's own command in the course."""
    with _scripts_on_path():
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=course,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def grades(course: Path) -> dict[tuple[str, ...], tuple]:
    """Every grade and comment of ps1 in the gradebook, as nbgrader reads them."""
    found: dict[tuple[str, ...], tuple] = {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "") as gradebook:
        for submission in gradebook.assignment_submissions("ps1"):
            found[submission.student.id,] = (submission.score, submission.max_score)
            for notebook in submission.notebooks:
                at = (submission.student.id, notebook.name)
                for grade in notebook.grades:
                    found[*at, grade.name] = (grade.auto_score, grade.needs_manual_grade)
                for comment in notebook.comments:
                    found[*at, "comment", comment.name] = (comment.auto_comment,)
    return found


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, quicker: None) -> Path:
    """The course of `nbgrader quickstart`, graded by stock nbgrader."""
    course = tmp_path_factory.mktemp("stock") / "course"
    run_nbgrader(course.parent, "quickstart", course.name)
    run_nbgrader(course, "generate_assignment", "ps1")
    shutil.copytree(EXAMPLES, course / "submitted")
    for student, step in (("author", "source"), ("untouched", "release")):
        shutil.copytree(course / step / "ps1", course / "submitted" / student / "ps1")
    shutil.copytree(course, course.with_name("fresh"))
    run_nbgrader(course, "autograde", "ps1")
    return course


@pytest.fixture
def quickstart(stock: Path, tmp_path: Path) -> Path:
    """The same course, not graded yet."""
    return Path(shutil.copytree(stock.with_name("fresh"), tmp_path / "course"))


@pytest.mark.usefixtures("rooms")
def test_quickstart_course_gets_the_scores_of_stock_nbgrader(stock, quickstart):
    course = Course(quickstart)
    with executor() as run:
        rows = list(grade_class(course, course.assignment("ps1"), run))
    assert {row.student for row in rows} == {"author", "bitdiddle", "hacker", "untouched"}
    assert all(row.graded for row in rows)
    assert grades(quickstart) == grades(stock)
    assert grades(quickstart)["author",] == (3, 13)


def test_nbgrader_autograde_grades_in_the_two_rooms(stock, quickstart, worker):
    config = quickstart / "nbgrader_config.py"
    config.write_text(config.read_text() + PLUGIN)
    attack = "from IPython import get_ipython\nprint('own process:', get_ipython().__class__)"
    path = quickstart / "submitted/bitdiddle/ps1/problem1.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("open('/etc/passwd-x', 'w')"))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(attack))
    nbformat.write(notebook, path)
    run_nbgrader(quickstart, "autograde", "ps1")
    assert grades(quickstart) == grades(stock)
    graded = nbformat.read(quickstart / "autograded/bitdiddle/ps1/problem1.ipynb", as_version=4)
    assert "own process:" in str(graded.cells[0].outputs)
    assert graded.cells[1].outputs[0].output_type == "error"
    assert not Path("/etc/passwd-x").exists()
    run_nbgrader(quickstart, "generate_feedback", "ps1")
    assert "correct_squares" in (quickstart / "feedback/hacker/ps1/problem1.html").read_text()


@pytest.fixture
def server(quickstart: Path) -> Iterator[str]:
    """A Jupyter server with Formgrader over the course; yields where its API is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "root_dir": quickstart,
        "ip": "127.0.0.1",
        "port": port,
        "token": "",
        "password": "",
        "disable_check_xsrf": True,
        "allow_root": True,
        "open_browser": False,
        "jpserver_extensions": '{"nbgrader.server_extensions.formgrader": True}',
    }
    with _scripts_on_path():
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--no-browser",
             *(f"--ServerApp.{name}={value}" for name, value in options.items())],
            cwd=quickstart, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/formgrader/api"
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{url}/assignments", timeout=60).close()
                break
            except OSError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < until, "the server did not start"
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.slow
def test_formgraders_button_grades_in_the_two_rooms(stock, quickstart, server, worker):
    config = quickstart / "nbgrader_config.py"
    config.write_text(config.read_text() + PLUGIN)
    path = quickstart / "submitted/bitdiddle/ps1/problem1.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import os; print(os.getcwd())"))
    nbformat.write(notebook, path)
    button = urllib.request.Request(f"{server}/submission/ps1/bitdiddle/autograde", method="POST")
    with urllib.request.urlopen(button, timeout=120) as answer:
        outcome = json.load(answer)
    assert outcome["success"], outcome
    ours, theirs = grades(quickstart), grades(stock)
    assert ours == {key: value for key, value in theirs.items() if key[0] == "bitdiddle"}
    graded = nbformat.read(quickstart / "autograded/bitdiddle/ps1/problem1.ipynb", as_version=4)
    assert graded.cells[0].outputs[0].text == "/room\n"


def test_our_own_configuration_names_preprocessors_that_are_there():
    from traitlets.utils.importstring import import_item

    course = Course(Path(__file__).parents[2])
    for step in (
        *course.config.Autograde.sanitize_preprocessors,
        *course.config.Autograde.autograde_preprocessors,
        *course.config.GenerateFeedback.preprocessors,
    ):
        assert import_item(step)
    assert "*.md" in course.directory.ignore


def test_feedback_of_formgrader_hides_hidden_tests(course_folder):
    from autograder.nbgrader_plugin import HideHiddenTests
    from autograder.notebooks import Cell, autograded_notebook

    (source,) = Course(course_folder).assignment("ps").notebooks
    cells = [Cell(cell, cell.cell_type, cell.text) for cell in source.cells]
    notebook = nbformat.from_dict(autograded_notebook(source, cells, {}))
    assert "secret_argument" in str(notebook)
    about = {"nbgrader": {"assignment": "ps", "notebook": "ps", "student": "ann"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(course_folder)
        shown, _ = HideHiddenTests().preprocess(notebook, about)
    assert "secret_argument" not in str(shown)
    assert "double(2) == 4" in str(shown)
