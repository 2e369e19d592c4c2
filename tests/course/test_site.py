"""The static site: complete, alone, searchable, for everyone; refused if a link is dead."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page

from tools import site

from .browsers import chromium
from .conftest import ROOT
from .npm import installed

pytestmark = pytest.mark.xdist_group("site")  # one worker makes it, for all tests


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The parts that a site is made from, to change."""
    for name in ("notebooks", "release"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    shutil.copytree(ROOT / "tools" / "site-config", tmp_path / "tools" / "site-config")
    return tmp_path


def test_every_chapter_and_every_exercise_is_in_the_contents() -> None:
    toc = site.contents(ROOT)
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    expected = [f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/[0-9]*.ipynb")]
    expected += [f"release/{path.stem}/{path.stem}" for path in ROOT.glob("release/*/*.ipynb")]
    expected += [f"notebooks/{path.stem}" for path in ROOT.glob("notebooks/[a-z]*.md")]
    assert sorted([*files, toc["root"]]) == sorted(expected)


def test_no_chapters_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("notebooks", "release", "tools/site-config"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "site-config" / "_config.yml", tmp_path / "tools/site-config")
    assert site.main(["--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == "make site: notebooks/00-start-here.ipynb is missing: run make build\n"


@pytest.mark.parametrize(
    ("tag", "refused"),
    [
        ('<script src="https://cdn.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', True),
        ('<img alt="" src="http://example.org/x.png">', True),
        ('<a href="https://example.org">a link</a>', False),
        ('<script src="_static/x.js"></script>', False),
    ],
)
def test_a_page_loads_nothing_from_elsewhere(tmp_path: Path, tag: str, refused: bool) -> None:
    (tmp_path / "page.html").write_text(tag)
    if refused:
        with pytest.raises(site.SiteError, match=r"page\.html would load"):
            site.refuse_foreign(tmp_path)
    else:
        site.refuse_foreign(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the whole course, built without a warning."""
    folder = tmp_path_factory.mktemp("site") / "html"
    site.build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    """Where the site is served."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 1300, "height": 1000})


class Anchors(HTMLParser):
    """Where a page leads, and where in it one can be led."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id" and value:
                self.ids.add(value)
            elif value and (name, tag) in {("href", "a"), ("src", "img"), ("href", "link")}:
                self.links.add(value)


@pytest.mark.browser
def test_every_chapter_is_a_page_with_its_text(built: Path) -> None:
    for text in ROOT.glob("notebooks/[0-9]*.ipynb"):
        page = (built / "notebooks" / f"{text.stem}.html").read_text()
        assert "The question" in page


@pytest.mark.browser
def test_no_link_inside_the_site_is_dead(built: Path) -> None:
    pages = {path: Anchors(path.read_text()) for path in built.rglob("*.html")}
    dead = []
    for path, found in pages.items():
        for link in found.links if "_static" not in path.parts else ():
            if re.match("[a-z]+:", link):
                continue
            place, _, anchor = unquote(link).partition("#")
            target = (path.parent / place.partition("?")[0]).resolve() if place else path
            exists = target.is_file()
            if not exists or (anchor and target in pages and anchor not in pages[target].ids):
                dead.append(f"{path.relative_to(built)}: {link}")
    assert dead == []


@pytest.mark.browser
def test_the_search_finds_a_chapter_and_asks_nobody_else(address: str, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/search.html?q=copy-on-write")
    result = page.locator("#search-results li a[href*='notebooks/']").first
    result.click()
    page.get_by_role("heading", level=1).first.wait_for()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


# A chapter, one with formulas, what is not a chapter, and what no text of ours is on.
AXE_PAGES = (
    "notebooks/03-containers.html",
    "release/09-isolation/09-isolation.html",
    "notebooks/glossary.html",
    "search.html",
)


@pytest.mark.browser
def test_nobody_meets_a_serious_barrier(address: str, page: Page, tmp_path: Path) -> None:
    axe = installed(tmp_path, Path(__file__).with_name("axe-package.json")) / "axe-core/axe.min.js"
    barriers = []
    for name in AXE_PAGES:
        page.goto(f"{address}/{name}")
        page.evaluate(axe.read_text())
        report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        barriers += [
            f"{name}: {found['id']} at {found['nodes'][0]['target']}"
            for found in report["violations"]
            if found["impact"] in {"serious", "critical"}
        ]
    assert barriers == []


@pytest.mark.browser
def test_no_page_is_wider_than_a_telephone(address: str, browser: Browser, built: Path) -> None:
    # What runs on the pages does not lay them out, and takes most of the time.
    page = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False
    ).new_page()
    wide = {}
    for path in sorted(built.glob("notebooks/*.html")) + sorted(built.glob("release/*/*.html")):
        name = path.relative_to(built)
        page.goto(f"{address}/{name}", wait_until="load")  # not before the style is there
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            wide[str(name)] = width
    assert wide == {}


@pytest.mark.slow
def test_a_dead_link_is_one_line(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = course / "notebooks" / "glossary.md"
    page.write_text(page.read_text() + "\n[gone](no-such-chapter.ipynb)\n")
    assert site.main(["--root", str(course)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("make site: ")
    assert "no-such-chapter.ipynb" in said
    assert said.rstrip("\n").isprintable()
    assert said.count("\n") == 1
    assert not (course / "build" / "site").exists()
