"""An instructor's hour in Formgrader: generate, grade by the button, grade by hand, feedback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import FrameLocator, Page

from .browsers import MINUTE, chromium, free_port, served
from .conftest import ROOT
from .small_course import write_assignment, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.system,
    pytest.mark.xdist_group("formgrader"),
]

TOKEN = "a-test-token"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with our own configuration, one small assignment and one submission of it."""
    folder = tmp_path_factory.mktemp("formgrader") / "course"
    exchange = folder.parent / "exchange"
    exchange.mkdir()
    config = (ROOT / "nbgrader_config.py").read_text()
    given = write_assignment(folder, f"{config}c.Exchange.root = {str(exchange)!r}\n")
    # Right for what it can see, wrong for the hidden test; and it tells where it runs.
    given[0].source = "import os\nprint(os.getcwd())\ndef double(x):\n    return x * abs(x)"
    given[2].source = ""
    given[3].source = "A square is not a double."
    write_notebook(folder / "submitted/ada/ps/ps.ipynb", given)
    return folder


@pytest.fixture(scope="module")
def lab(course: Path) -> Iterator[str]:
    """JupyterLab over the course, as `make lab` starts it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    tools = Path(sys.executable).parent
    command = [
        *(tools / "jupyter", "lab", "--allow-root", "--no-browser"),
        *(f"--ServerApp.root_dir={course}", f"--port={port}", f"--IdentityProvider.token={TOKEN}"),
    ]
    environment = {name: str(course.parent / name.lower()) for name in own}
    # As make does: nbgrader calls alembic by its name.
    environment["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    with served(command, f"{address}/api/status?token={TOKEN}", course, environment):
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(MINUTE / 2)
        yield page


def done(shown: FrameLocator | Page, words: str) -> None:
    """Waits for the message that a button's work ended well, and closes it."""
    message = shown.locator(".modal.in", has_text=words)
    message.wait_for()
    message.get_by_role("button", name="OK").click()
    message.wait_for(state="hidden")


def test_an_instructor_grades_in_the_browser(lab: str, page: Page, course: Path) -> None:
    page.goto(f"{lab}/lab?token={TOKEN}")
    page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Formgrader", exact=True).click()
    shown = page.frame_locator("iframe[src*='formgrader']")

    # The course is there; the student's version is made, without solution and hidden test.
    row = shown.locator("#main-table tr", has_text="ps")
    row.locator(".assign a").click()
    done(shown, "Successfully created the student version")
    released = (course / "release/ps/ps.ipynb").read_text()
    assert "def double" in released
    assert "2 * x" not in released
    assert "-14" not in released

    # Into the exchange, for a class on one server.
    row.locator(".release a").click()
    done(shown, "Successfully released")
    row.locator(".collect a").click()
    done(shown, "Successfully collected")

    # The button grades in the two rooms.
    row.locator(".num-submissions a").click()
    row = shown.locator("#main-table tr", has_text="ada")
    assert "needs autograding" in row.inner_text()
    row.locator(".autograde a").click()
    done(shown, "Successfully autograded")
    row.get_by_text("needs manual grading").wait_for()
    assert row.locator(".score").inner_text() == "1 / 5"
    graded = nbformat.read(course / "autograded/ada/ps/ps.ipynb", as_version=4)
    assert graded.cells[0].outputs[0].text == "/room\n"

    # By hand: one answer in words.
    shown.get_by_role("link", name="Manual Grading").click()
    for link in ("ps", "ps", "Submission #1"):
        shown.locator("#main-table").get_by_role("link", name=link).click()
    points = shown.locator("input#why")
    points.fill("1.5")
    with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
        points.press("Tab")
    assert saved.value.ok
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        assert book.find_submission("ps", "ada").score == 2.5

    # A page for the student, which hides the hidden test.
    page.goto(f"{lab}/formgrader/manage_submissions/ps?token={TOKEN}")
    row = page.locator("#main-table tr", has_text="ada")
    row.get_by_text("graded", exact=True).wait_for()
    row.locator(".generate-feedback a").click()
    done(page, "Successfully generated feedback")
    feedback = (course / "feedback/ada/ps/ps.html").read_text()
    assert "A square is not a double." in feedback
    assert "double(-7)" not in feedback
