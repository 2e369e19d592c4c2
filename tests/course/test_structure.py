"""The shape of the course: names, the anatomy of a chapter, what a cell and prose may hold."""

from __future__ import annotations

import ast
import builtins
import csv
import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest

from autograder.examiner.names import global_names_read
from autograder.examiner.preparing import stored
from tools import build

from .conftest import ROOT

CHAPTERS = (
    "00-start-here",
    "01-what-is-virtualization",
    "02-hypervisors",
    "03-containers",
    "04-virtual-machines",
    "05-security",
    "06-sharing",
    "07-aggregation",
    "08-emulation",
    "09-isolation",
    "10-portability",
    "11-machine-reference-model",
    "12-hardware-level",
    "13-hardware-techniques",
    "14-os-level",
    "15-language-level",
    "16-application-level",
    "17-storage",
    "18-network",
    "19-desktop",
    "20-application-server",
    "21-advantages",
    "22-disadvantages",
    "23-your-lab-report",
)
NO_EXERCISES = {"00-start-here", "23-your-lab-report"}
CELL_LINES = 12
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
MEASURED = re.compile(r"\d(?:[\d.,]*\d)? ?(?:ms|µs|μs|us|ns)\b")
# A quotation or a piece of code is not the course's own statement.
NOT_OURS = re.compile(r"\"[^\"]*\"|“[^”]*”|`[^`]*`|^> .*$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

texts = sorted(ROOT.glob("notebooks/[0-9]*.md"))
assignments = sorted(ROOT.glob("source/[0-9]*/*.md"))
built = sorted(ROOT.glob("notebooks/*.ipynb"))
each_text = pytest.mark.parametrize("text", texts, ids=lambda path: path.stem)
each_assignment = pytest.mark.parametrize("text", assignments, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", built, ids=lambda path: path.stem)


def cells_of(text: Path, kind: str) -> list[nbformat.NotebookNode]:
    notebook = build.from_text(text.read_text(encoding="utf-8"))
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def prose_of(text: Path) -> str:
    return "\n\n".join(cell.source for cell in cells_of(text, "markdown"))


def title_of(chapter: str) -> str:
    """As links name it: `03 Build a container`."""
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text(encoding="utf-8")
    number, title = re.findall(r"^# (\d\d) · (.+)$", text, re.MULTILINE)[0]
    return f"{number} {title}"


def objectives_of(text: Path) -> set[str]:
    """Those that the header promises: `- **LO1.1** …`."""
    header = prose_of(text).partition("\n## ")[0]
    return set(re.findall(r"^- \*\*(LO\d+\.\d+)\*\*", header, re.MULTILINE))


# --- Names ----------------------------------------------------------------------------------------


def test_a_chapter_has_the_same_name_everywhere() -> None:
    found = {path.stem for path in texts}
    for folder in ("source", "release", "answers", "data/recordings"):
        found |= {path.name for path in (ROOT / folder).glob("[0-9]*") if path.is_dir()}
    assert found - set(CHAPTERS) == set()


def test_every_text_has_its_notebook_and_every_notebook_its_text() -> None:
    for folder, pattern in (("notebooks", "[0-9]*"), ("source", "[0-9]*/*")):
        of_text = {path.with_suffix("") for path in (ROOT / folder).glob(f"{pattern}.md")}
        of_notebook = {path.with_suffix("") for path in (ROOT / folder).glob(f"{pattern}.ipynb")}
        assert of_text == of_notebook, "run make build"


@each_assignment
def test_an_assignment_has_a_release_and_answers(text: Path) -> None:
    name = text.parent.name
    assert text.stem == name
    assert (ROOT / "release" / name / f"{name}.ipynb").exists(), "run make build"
    assert any((ROOT / "answers" / name).glob("*/right_*"))


# --- The anatomy of a chapter ---------------------------------------------------------------------


@each_text
def test_a_chapter_has_a_header_a_question_and_a_recap(text: Path) -> None:
    prose = prose_of(text)
    assert prose.startswith(f"# {text.stem[:2]} · ")
    assert "**The question: " in prose
    sections = re.findall(r"^## (.+)$", prose, re.MULTILINE)
    assert sections[-1] == "Recap"


@each_text
def test_objectives_are_promised_settled_and_graded(text: Path) -> None:
    if text.stem in NO_EXERCISES:
        pytest.skip("a chapter without exercises has no objectives")
    promised = objectives_of(text)
    assert 3 <= len(promised) <= 5
    assert {name.partition(".")[0] for name in promised} == {f"LO{int(text.stem[:2])}"}
    recap = prose_of(text).rpartition("\n## Recap")[2]
    assert {name for name in promised if f"**{name}**" not in recap} == set()
    exercises = ROOT / "source" / text.stem / f"{text.stem}.md"
    assert promised == set(re.findall(r"LO\d+\.\d+", prose_of(exercises)))


@each_assignment
def test_a_test_cell_needs_only_definitions_from_a_solution_cell(text: Path) -> None:
    """A student may replace the whole cell, its imports too."""
    bound = set(vars(builtins))
    for cell in cells_of(text, "code"):
        told = cell.metadata.get("nbgrader", {})
        tree = ast.parse(cell.source)
        if told.get("solution"):
            bound |= {part.name for part in tree.body if isinstance(part, DEFINITIONS)}
            continue
        if told.get("grade"):
            assert global_names_read(tree) <= stored(tree) | bound, told["grade_id"]
        bound |= stored(tree)


@each_text
def test_links_lead_somewhere(text: Path) -> None:
    links = (link for link in LINK.findall(prose_of(text)) if not re.match(r"[a-z]+:", link))
    assert [link for link in links if not (text.parent / link).exists()] == []


@each_text
def test_a_link_that_names_a_chapter_gives_its_title(text: Path) -> None:
    named = re.findall(r"\[(\d\d [^\]]+)\]\((\d\d-[a-z0-9-]+)\.ipynb\)", prose_of(text))
    assert [words for words, stem in named if words != title_of(stem)] == []


@pytest.mark.parametrize(("before", "after"), [*itertools.pairwise(CHAPTERS)])
def test_neighbours_are_linked(before: str, after: str) -> None:
    for chapter, word, neighbour in ((before, "Next", after), (after, "Previous", before)):
        both = [ROOT / "notebooks" / f"{name}.md" for name in (chapter, neighbour)]
        if all(text.exists() for text in both) and chapter != CHAPTERS[0]:
            link = f"{word}: [{title_of(neighbour)}]({neighbour}.ipynb)"
            assert link in prose_of(both[0]).partition("\n## ")[0]


@each_text
def test_code_cells_are_short(text: Path) -> None:
    for cell in cells_of(text, "code"):
        if "build-it" in cell.metadata.get("tags", []):
            continue
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= CELL_LINES, cell.source


@each_text
def test_no_measured_number_is_typed_in_prose(text: Path) -> None:
    assert MEASURED.findall(NOT_OURS.sub("", prose_of(text))) == []


@pytest.mark.parametrize(
    ("prose", "typed"),
    [
        ("It took 3.5 ms here.", True),
        ("about 120µs", True),
        ('A blog says: "Our VM starts in 5 ms."', False),
        ("Write `sleep 5 ms`.", False),
        ("in milliseconds", False),
        ("C001 and 512 bytes", False),
    ],
)
def test_what_looks_measured(prose: str, typed: bool) -> None:
    assert bool(MEASURED.search(NOT_OURS.sub("", prose))) is typed


def test_a_chapter_records_exactly_the_claims_it_owes() -> None:
    owed: dict[str, set[str]] = {}
    with (ROOT / "data" / "claims.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            owed.setdefault(row["chapter"].zfill(2), set()).add(row["id"])
    for text in texts:
        code = "\n".join(cell.source for cell in cells_of(text, "code"))
        recorded = set(re.findall(r"\brecord\(\s*\"(C\d{3})\"", code))
        assert recorded == owed.get(text.stem[:2], set()), text.name


# --- What a built notebook may hold ---------------------------------------------------------------


@each_notebook
def test_notebooks_and_figures_are_small(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    build.check(notebook, path.read_text(encoding="utf-8"), ROOT)


@each_notebook
def test_no_cell_warns(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    outputs = (output for cell in build.code_cells(notebook) for output in cell.outputs)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@each_notebook
def test_a_cell_that_should_raise_did(path: Path) -> None:
    for cell in build.code_cells(nbformat.read(path, as_version=4)):
        should = "raises-exception" in cell.metadata.get("tags", [])
        did = any(output.output_type == "error" for output in cell.outputs)
        assert did == should, cell.source


pictures = sorted(ROOT.glob("notebooks/images/*.*"))


@pytest.mark.parametrize("picture", pictures, ids=lambda path: path.name)
def test_pictures_are_small_titled_and_shown(picture: Path) -> None:
    assert picture.stat().st_size <= build.FIGURE_BYTES
    if picture.suffix == ".svg":
        top = ElementTree.parse(picture).getroot()
        assert top.find("{http://www.w3.org/2000/svg}title") is not None
    pages = [*texts, ROOT / "README.md", *ROOT.glob("notebooks/*.md"), *assignments]
    assert any(picture.name in page.read_text(encoding="utf-8") for page in pages)
