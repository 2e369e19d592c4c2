"""`make lab` in a clean clone, used as a student uses it: in a browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, sync_playwright

from .conftest import Clone

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TOKEN = "a-test-token"
CHAPTER = "01-what-is-virtualization"
MINUTE = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(clone: Clone) -> Iterator[str]:
    """The address of a JupyterLab that `make lab` serves."""
    stamp = clone.folder / ".venv" / ".ready"
    set_up = stamp.stat().st_mtime_ns
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    arguments = f"--no-browser --port={port} --IdentityProvider.token={TOKEN}"
    log = clone.folder.parent / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["make", "lab", f"ARGS={arguments}"],
            cwd=clone.folder,
            env={**os.environ, **clone.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_served(address, server, log)
            assert stamp.stat().st_mtime_ns == set_up, "make lab installed again"
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def wait_until_served(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"make lab serves nothing:\n{log.read_text()}")


@pytest.fixture
def page() -> Iterator[Page]:
    if not shutil.which(CHROMIUM):
        pytest.skip("no Chromium here: make system installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            # High enough that JupyterLab lays a whole chapter out.
            page = browser.new_page(viewport={"width": 1300, "height": 1000})
            page.set_default_timeout(MINUTE)
            yield page
        finally:
            browser.close()


def choose(page: Page, menu: str, entry: str) -> None:
    """Chooses an entry of JupyterLab's main menu."""
    page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()


def test_make_lab_opens_the_first_chapter(lab: str, page: Page) -> None:
    page.goto(f"{lab}/?token={TOKEN}")
    page.wait_for_url("**/lab/tree/notebooks/00-start-here.ipynb*")
    page.wait_for_selector(".jp-Notebook .jp-Cell")


def test_a_student_runs_a_chapter_and_sees_the_figure(lab: str, page: Page, clone: Clone) -> None:
    notebook = nbformat.read(clone.folder / "notebooks" / f"{CHAPTER}.ipynb", as_version=4)
    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    page.goto(f"{lab}/lab/tree/notebooks/{CHAPTER}.ipynb?token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    figure = page.locator(".jp-OutputArea-output img[src^='data:image/png']")
    choose(page, "Edit", "Clear Outputs of All Cells")
    page.wait_for_function(
        "() => !document.querySelector(\".jp-OutputArea-output img[src^='data:image/png']\")"
    )
    choose(page, "Run", "Run All Cells")
    figure.first.wait_for(state="attached", timeout=3 * MINUTE)
    figure.first.scroll_into_view_if_needed()
    box = figure.first.bounding_box()
    assert box is not None
    assert box["width"] > 300
    assert box["height"] > 100
    # To the end: every code cell has its number, and none shows an error.
    page.wait_for_function(
        """expected => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            return prompts.filter(p => /\\[\\d+\\]/.test(p.textContent)).length === expected;
        }""",
        arg=code_cells,
        timeout=3 * MINUTE,
    )
    errors = page.locator(".jp-OutputArea-output[data-mime-type*='error']")
    assert errors.count() == 0, errors.first.inner_text()
