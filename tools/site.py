"""Builds the course with its outputs as a static site, by jupyter-book.

    tools/site.py [--to DIR]

Warnings are errors, so a dead link between chapters fails the build. Nothing is executed, and
neither building nor reading the site needs the network.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
START = "00-start-here"
# What a page would load from elsewhere; plain links (<a href>) may lead anywhere.
FOREIGN = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"")
SEARCH_BUTTON = re.compile(r"<button\b[^>]*\bsearch-button-field\b[^>]*>")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
NOTEBOOK_LINK = re.compile(r'href="([0-9][\w-]*)\.ipynb"')
THEME_ICON = re.compile(r"<i class=\"theme-switch\b[^>]*>")


class SiteError(Exception):
    """Why there is no site, in one line."""


def slug(title: str) -> str:
    """The anchor of a heading as JupyterLab makes it, so that links work in both."""
    return title.replace(" ", "-")


def contents(root: Path) -> dict[str, Any]:
    """The table of contents: every chapter, its exercises, the glossary."""
    chapters = sorted(path.stem for path in root.glob("notebooks/[0-9]*.ipynb"))
    exercises = sorted(path.stem for path in root.glob("release/*/[0-9]*.ipynb"))
    pages = sorted(path.stem for path in root.glob("notebooks/[a-z]*.md"))
    if START not in chapters:
        raise SiteError(f"notebooks/{START}.ipynb is missing: run make build")
    parts = {
        "Chapters": [f"notebooks/{name}" for name in chapters if name != START],
        "Exercises": [f"release/{name}/{name}" for name in exercises],
        "Reference": [f"notebooks/{name}" for name in pages],
    }
    return {
        "format": "jb-book",
        "root": f"notebooks/{START}",
        "parts": [
            {"caption": caption, "chapters": [{"file": name} for name in names]}
            for caption, names in parts.items()
            if names
        ],
    }


def gather(root: Path, book: Path) -> None:
    """Copies what the site is made from into an empty folder, laid out as in the course."""
    (book / "_toc.yml").write_text(yaml.safe_dump(contents(root), sort_keys=False))
    for name in ("notebooks", "release"):
        ignore = shutil.ignore_patterns("[0-9]*.md", ".ipynb_checkpoints")
        shutil.copytree(root / name, book / name, ignore=ignore)
    config = root / "tools" / "site-config"
    shutil.copy(config / "_config.yml", book)
    shutil.copytree(config / "_static", book / "_static")


def build(root: Path, to: Path) -> None:
    """Builds the site into a folder, in place of an older one.

    Raises:
        SiteError: jupyter-book warned or failed, or a page would load something from elsewhere.
    """
    with tempfile.TemporaryDirectory(prefix="virtlab-site-") as scratch:
        book = Path(scratch) / "book"
        book.mkdir()
        gather(root, book)
        tool = Path(sys.executable).parent / "jupyter-book"
        done = subprocess.run(
            [tool, "build", "-W", "-n", "--keep-going", book],
            # For `slug`, which the configuration names.
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            plain = COLOUR.sub("", done.stdout + done.stderr)
            said = plain.replace(f"{book}/", "").splitlines()
            problems = [line for line in said if "WARNING" in line or "ERROR" in line]
            raise SiteError("; ".join(problems or said[-3:]))
        html = book / "_build" / "html"
        name_buttons(html)
        lead_to_pages(html)
        refuse_foreign(html)
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(html, to)


def name_buttons(html: Path) -> None:
    """Lets the theme's buttons have the names that they show.

    The theme calls the search button otherwise for screen readers than it looks, and gives the
    button for the colours a second name in each of its icons. Who says "click Search" to a computer
    that listens would not be understood.
    """
    for path in html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        text = SEARCH_BUTTON.sub(lambda tag: tag[0].replace(' aria-label="Search"', ""), text)
        text = THEME_ICON.sub(lambda tag: re.sub(r'\s+title="[^"]*"', "", tag[0]), text)
        path.write_text(text, encoding="utf-8")


def lead_to_pages(html: Path) -> None:
    """Lets links that a cell printed lead to pages: Sphinx changes those of the text only."""
    for path in html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(NOTEBOOK_LINK.sub(r'href="\1.html"', text), encoding="utf-8")


def refuse_foreign(html: Path) -> None:
    """Refuses a page that would load anything from another host.

    Raises:
        SiteError: with the page and what it would load.
    """
    for path in sorted(html.rglob("*.html")):
        if found := FOREIGN.search(path.read_text(encoding="utf-8")):
            raise SiteError(f"{path.relative_to(html)} would load {found[0]}")


def main(argv: Sequence[str] | None = None) -> int:
    """Builds the site and says where it is; 0 if it could, else 1."""
    parser = argparse.ArgumentParser(description="Builds the static site.")
    parser.add_argument("--root", type=Path, default=ROOT, help="the course's folder")
    parser.add_argument("--to", type=Path, help="where to (else build/site of the course)")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    to = (options.to or root / "build" / "site").resolve()
    try:
        build(root, to)
    except (SiteError, OSError) as error:
        print(f"make site: {error}", file=sys.stderr)
        return 1
    print(f"{to}/index.html: {len(list(to.rglob('*.html')))} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
