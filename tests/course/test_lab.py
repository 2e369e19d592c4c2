"""`make lab` in a clean clone, used as a student uses it: in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from .browsers import MINUTE, chromium, free_port, served
from .conftest import Clone, Run

TOKEN = "a-test-token"
CHAPTER = "01-what-is-virtualization"
QUICK_CHAPTER = "08-emulation"  # one that needs little time, and has figures

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]


@pytest.fixture(scope="module")
def lab(clone: Clone) -> Iterator[str]:
    """The address of a JupyterLab that `make lab` serves."""
    stamp = clone.folder / ".venv" / ".ready"
    set_up = stamp.stat().st_mtime_ns
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    arguments = f"--no-browser --port={port} --IdentityProvider.token={TOKEN}"
    command = ["make", "lab", f"ARGS={arguments}"]
    alive = f"{address}/api/status?token={TOKEN}"
    with served(command, alive, clone.folder, clone.environment):
        assert stamp.stat().st_mtime_ns == set_up, "make lab installed again"
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        # High enough that JupyterLab lays a whole chapter out.
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(MINUTE)
        yield page


def opened(page: Page, lab: str, path: str) -> None:
    """Opens a notebook with nothing else beside it, and waits until its kernel is ready."""
    page.goto(f"{lab}/lab/tree/{path}?reset&token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    # The notebook's own sign is idle too before there is any kernel: what is run then gets lost.
    page.locator("#jp-main-statusbar").get_by_text("(ipykernel) | Idle").wait_for()


def small_notebook(clone: Clone, name: str, *cells: str) -> str:
    """A notebook of these code cells in the clone, by its path there."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    nbformat.write(notebook, clone.folder / name)
    return name


def choose(page: Page, menu: str, entry: str) -> None:
    """Chooses an entry of JupyterLab's main menu."""
    page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()


def test_make_lab_opens_the_first_chapter(lab: str, page: Page) -> None:
    page.goto(f"{lab}/?token={TOKEN}")
    page.wait_for_url("**/lab/tree/notebooks/00-start-here.ipynb*")
    page.wait_for_selector(".jp-Notebook .jp-Cell")


def test_a_student_runs_a_chapter_and_sees_the_figure(lab: str, page: Page, clone: Clone) -> None:
    path = f"notebooks/{QUICK_CHAPTER}.ipynb"
    notebook = nbformat.read(clone.folder / path, as_version=4)
    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    opened(page, lab, path)
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


def test_a_slider_is_moved_by_keyboard_and_the_figure_follows(
    lab: str, page: Page, clone: Clone
) -> None:
    code = (
        "from virtlab import figures, sliders\n"
        "sliders.explore(figures.one_core, weight_of_A=(1, 8, 2), A_wants=(0, 100, 30), "
        "B_wants=(0, 100, 60))"
    )
    opened(page, lab, small_notebook(clone, "sliders.ipynb", code))
    choose(page, "Run", "Run All Cells")
    sentence = page.locator(".jp-OutputArea-output p", has_text="By weight A, B and C get")
    sentence.wait_for()
    before = sentence.inner_text()
    picture = page.locator(".jp-OutputArea-output img").get_attribute("src")
    handle = page.get_by_role("slider").nth(1)
    handle.focus()
    handle.press("Home")
    page.wait_for_function(
        "before => ![...document.querySelectorAll('.jp-OutputArea-output p')]"
        ".some(p => p.textContent === before)",
        arg=before,
    )
    assert "get 0," in sentence.inner_text()
    assert page.locator(".jp-OutputArea-output img").get_attribute("src") != picture


def test_the_validate_button_says_what_is_to_be_done(
    lab: str, page: Page, clone: Clone, run: Run
) -> None:
    made = run(clone.folder / ".venv/bin/virtlab", "exercise", "1", cwd=clone.folder)
    assert made.returncode == 0, made.stderr
    opened(page, lab, f"work/{CHAPTER}/{CHAPTER}.ipynb")
    page.get_by_role("button", name="Validate").click()
    dialog = page.locator(".jp-Dialog", has_text="Validation Results")
    dialog.wait_for()
    said = dialog.inner_text()
    assert said.count("The following cell failed") == 3
    assert said.count("# YOUR CODE HERE") == 3
    assert "Success" not in said


DARK = """{"theme": "JupyterLab Dark"}"""
# The colours of an element and of the ground that it stands on, as [r, g, b] each.
COLOURS = """element => {
    const numbers = text => text.match(/[\\d.]+/g).map(Number);
    let ground = element;
    while (ground && numbers(getComputedStyle(ground).backgroundColor)[3] === 0)
        ground = ground.parentElement;
    return [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(numbers);
}"""
# What stands in the corner of a picture: a transparent one would show the dark page.
CORNER = """async picture => {
    await picture.decode();
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext('2d');
    pen.drawImage(picture, 0, 0);
    return [...pen.getImageData(0, 0, 1, 1).data];
}"""


def contrast(one: list[float], other: list[float]) -> float:
    """The ratio of two colours' luminances, as WCAG defines it: 4.5 is readable."""

    def luminance(colour: list[float]) -> float:
        parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_in_the_dark_theme_pictures_stay_white_and_text_readable(
    lab: str, page: Page, clone: Clone
) -> None:
    settings = Path(clone.environment["JUPYTER_CONFIG_DIR"]) / "lab/user-settings"
    theme = settings / "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True, exist_ok=True)
    theme.write_text(DARK)
    try:
        opened(page, lab, f"notebooks/{CHAPTER}.ipynb")
        page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
        # Pictures stay as they were drawn, and printed text is readable.
        figure = page.locator(".jp-OutputArea-output img[src^='data:image/png']").first
        diagram = page.locator(".jp-MarkdownOutput img").first
        for picture in (figure, diagram):
            picture.wait_for(state="attached")
            assert picture.evaluate(CORNER) == [255, 255, 255, 255]
        printed = page.locator(".jp-OutputArea-output pre").first
        text, ground = printed.evaluate(COLOURS)
        assert max(ground[:3]) < 128
        assert contrast(text[:3], ground[:3]) > 4.5
    finally:
        theme.unlink()


# Where the keyboard is: in a cell's text, in the notebook, or elsewhere on the page.
FOCUS = """() => {
    const here = document.activeElement;
    if (here.closest('.cm-content')) return 'text';
    return here.closest('.jp-Notebook') ? 'notebook' : 'page';
}"""


def test_cells_are_run_by_keyboard_alone(lab: str, page: Page, clone: Clone) -> None:
    opened(page, lab, small_notebook(clone, "keys.ipynb", "print(6 * 7)", "print('next')"))
    keys = page.keyboard
    keys.press("Shift+Enter")
    keys.press("Shift+Enter")
    printed = page.locator(".jp-OutputArea-output pre")
    printed.get_by_text("42", exact=True).wait_for()
    printed.get_by_text("next", exact=True).wait_for()
    # Into the text of a cell, where Tab is a letter, and out of it again.
    keys.press("Escape")
    keys.press("ArrowUp")
    keys.press("Enter")
    assert page.evaluate(FOCUS) == "text"
    keys.press("Escape")
    assert page.evaluate(FOCUS) == "notebook"
    # Tab leads through the notebook and out of it.
    for _ in range(60):
        keys.press("Tab")
        if page.evaluate(FOCUS) == "page":
            break
    assert page.evaluate(FOCUS) == "page"
