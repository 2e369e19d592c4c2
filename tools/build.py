"""Builds the notebooks: `notebooks/*.md` and `source/*/*.md` (MyST) become `.ipynb`, then release/.

    tools/build.py [--execute] [--root DIR] [CHAPTER ...]

Text is the source; a notebook is built from it, so that building twice changes no byte. A chapter
keeps the outputs of its committed notebook while its code cells, in order, are the same; when one
differs, the whole chapter is executed again. Notebooks in source/ are never executed: their
outputs would show the solutions.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

CELL_SECONDS = 120
WIDGET = "application/vnd.jupyter.widget-view+json"
NOTEBOOK_BYTES = 1_000_000
FIGURE_BYTES = 60_000
FIGURE_TYPES = ("image/png", "image/jpeg", "image/svg+xml")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LADDER_CHAPTER = "01-what-is-virtualization"
ID_LENGTH = 64  # nbformat allows no longer one


class BuildError(Exception):
    """What is wrong with a chapter, in one line."""


# --- From text to notebook ------------------------------------------------------------------


def from_text(text: str) -> NotebookNode:
    """The notebook that a MyST text describes, without outputs.

    Raises:
        BuildError: the text is not a notebook, or two cells have the same `grade_id`.
    """
    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except Exception as error:  # Jupytext lets its parsers' errors of many types through
        raise BuildError(f"not a MyST notebook: {one_line(error)}") from None
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    # Jupytext's own metadata could turn its automatic pairing on, which would bring answers back.
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        complete_nbgrader(cell)
    for cell, cell_id in zip(notebook.cells, list(cell_ids(notebook.cells)), strict=True):
        cell.id = cell_id
    return notebook


def complete_nbgrader(cell: NotebookNode) -> None:
    """Adds what nbgrader's metadata demands and an author need not repeat in every cell."""
    mark = cell.metadata.get("nbgrader")
    if mark is None:
        return
    for key in ("grade", "solution", "task"):
        mark.setdefault(key, False)
    mark.setdefault("locked", not mark.solution)
    mark.setdefault("schema_version", 3)
    mark.setdefault("cell_type", cell.cell_type)


def cell_ids(cells: Sequence[NotebookNode]) -> Iterator[str]:
    """An id for each cell that stays the same until the cell itself changes.

    It is nbgrader's `grade_id`, else a hash of the source; equal sources are told apart by a count.

    Raises:
        BuildError: two cells have the same `grade_id`, or one is no valid cell id.
    """
    seen: Counter[str] = Counter()
    for cell in cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id is None:
            text = f"{cell.cell_type}\n{cell.source}".encode()
            name = hashlib.sha256(text).hexdigest()[:12]
            yield name if not seen[name] else f"{name}-{seen[name]}"
        else:
            name = grade_id
            if seen[name]:
                raise BuildError(f"two cells have the grade_id {name!r}: rename one")
            if len(name) > ID_LENGTH or not name.replace("-", "").replace("_", "").isalnum():
                raise BuildError(
                    f"grade_id {name!r}: use letters, digits, - and _, {ID_LENGTH} at most"
                )
            yield name
        seen[name] += 1


# --- Outputs ----------------------------------------------------------------------------------


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def carries_over(built: NotebookNode, committed: NotebookNode | None) -> bool:
    """Whether the committed notebook ran the very same code cells, in the same order."""
    if committed is None:
        return False
    new, old = code_cells(built), code_cells(committed)
    was_run = all(cell.execution_count is not None for cell in old if cell.source.strip())
    return was_run and [cell.source for cell in new] == [cell.source for cell in old]


def carry_over(built: NotebookNode, committed: NotebookNode) -> None:
    """Copies outputs and execution counts from the committed notebook."""
    for new, old in zip(code_cells(built), code_cells(committed), strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count


def execute(notebook: NotebookNode, folder: Path, runs: Path | None = None) -> None:
    """Runs all cells in `folder`, and keeps their outputs in the notebook.

    Args:
        notebook: what to run.
        folder: where its kernel works.
        runs: where predictions and verdicts go; a folder that is thrown away if None.

    Raises:
        BuildError: a cell raised an error, took more than 120 s, or its kernel died.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
    )
    running: dict[str, str] = {"cell": "the first cell"}
    client.on_cell_start = lambda cell, cell_index: running.update(cell=name_of(cell, cell_index))
    try:
        with own_ledger(runs):
            client.execute()
    except CellTimeoutError:
        raise BuildError(f"{running['cell']}: took more than {CELL_SECONDS} s") from None
    except DeadKernelError:
        raise BuildError(f"{running['cell']}: the kernel died") from None
    except CellExecutionError as error:
        raise BuildError(f"{running['cell']}: {error.ename}: {one_line(error.evalue)}") from None
    # The kernel's own version is no part of the chapter.
    notebook.metadata["language_info"] = {"name": "python"}
    # A widget ends with its kernel; the words beside it say what it was.
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)


@contextmanager
def own_ledger(runs: Path | None = None) -> Iterator[None]:
    """Keeps predictions and verdicts of a build out of the author's own `runs/`."""
    before = os.environ.get("VIRTLAB_RUNS")
    with tempfile.TemporaryDirectory(prefix="virtlab-build-") as folder:
        os.environ["VIRTLAB_RUNS"] = str(runs or folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["VIRTLAB_RUNS"]
            else:
                os.environ["VIRTLAB_RUNS"] = before


def name_of(cell: NotebookNode, index: int) -> str:
    """What to call a cell in an error: its place, and its first line."""
    first = next(iter(cell.source.strip().splitlines()), "")
    return f"cell {index + 1} ({first[:60]})"


def one_line(error: object) -> str:
    """The message of an error, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


# --- What a notebook may hold -------------------------------------------------------------------


def check(notebook: NotebookNode, text: str, root: Path) -> None:
    """Refuses what does not belong into git.

    Raises:
        BuildError: the notebook is over 1 MB, a figure is over 60 KB, an output names a path of
            this machine, or nbformat does not accept the notebook.
    """
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise BuildError(f"not a valid notebook: {one_line(error)}") from None
    if (size := len(text.encode())) > NOTEBOOK_BYTES:
        raise BuildError(f"{size:,} bytes; a notebook has {NOTEBOOK_BYTES:,} at most: show less")
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            check_output(output, name_of(cell, index), root)


def check_output(output: NotebookNode, cell_name: str, root: Path) -> None:
    """Refuses an output that is too large or that names a path of this machine."""
    for kind in FIGURE_TYPES:
        if (size := figure_bytes(output.get("data", {}).get(kind), kind)) > FIGURE_BYTES:
            raise BuildError(
                f"{cell_name}: a figure of {size:,} bytes; {FIGURE_BYTES:,} at most: "
                "draw fewer points or lower its dpi"
            )
    if str(root) in json.dumps(output):
        raise BuildError(f"{cell_name}: prints {root}, a path of this machine: print it relative")


def figure_bytes(data: str | Sequence[str] | None, kind: str) -> int:
    """The size of a figure in an output, 0 for none."""
    if not data:
        return 0
    text = data if isinstance(data, str) else "".join(data)
    return len(text.encode()) if kind.endswith("xml") else len(base64.b64decode(text))


def as_text(notebook: NotebookNode) -> str:
    """The file's text: keys sorted, one space of indentation, a newline at the end."""
    return str(nbformat.writes(notebook, version=nbformat.NO_CONVERT)).rstrip("\n") + "\n"


# --- A picture for README -------------------------------------------------------------------------


def copy_ladder(root: Path) -> str:
    """Copies the start-up ladder, as chapter 01 measured it, to where README shows it.

    Returns:
        What was done: "unchanged" or "written".

    Raises:
        BuildError: the chapter has no such figure.
    """
    chapter = committed_notebook(root / "notebooks" / f"{LADDER_CHAPTER}.ipynb")
    for cell in code_cells(chapter) if chapter else []:
        if "figures.startup_ladder(" in cell.source:
            for output in cell.outputs:
                if picture := output.get("data", {}).get("image/png"):
                    data = base64.b64decode(picture)
                    target = root / "notebooks" / "images" / "startup-ladder.png"
                    if target.exists() and target.read_bytes() == data:
                        return "unchanged"
                    target.write_bytes(data)
                    return "written"
    raise BuildError(f"{LADDER_CHAPTER} shows no start-up ladder, which README needs")


# --- Files ----------------------------------------------------------------------------------------


def committed_notebook(path: Path) -> NotebookNode | None:
    """The notebook as it was built last; None if there is none or it cannot be read."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return None


def build(source: Path, root: Path, *, may_run: bool, execute_all: bool = False) -> str:
    """Builds the notebook beside one text.

    Args:
        source: the `.md` file.
        root: the course's folder.
        may_run: whether it is a chapter, which is executed, or an assignment, which is not.
        execute_all: execute a chapter even if its outputs could be carried over.

    Returns:
        What was done: "unchanged", "written", "carried over" or "executed".

    Raises:
        BuildError: with the reason in one line; the notebook is left as it was.
    """
    target = source.with_suffix(".ipynb")
    notebook = from_text(source.read_text(encoding="utf-8"))
    done = "written"
    if may_run:
        committed = committed_notebook(target)
        if committed is not None and carries_over(notebook, committed) and not execute_all:
            carry_over(notebook, committed)
            done = "carried over"
        else:
            execute(notebook, source.parent)
            done = "executed"
    text = as_text(notebook)
    check(notebook, text, root)
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return "unchanged" if done != "executed" else done
    part = target.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(target)
    return done


def sources(root: Path, chapters: Sequence[str] = ()) -> list[tuple[Path, bool]]:
    """The texts to build, and whether each is a chapter (executed) or an assignment (not).

    Raises:
        BuildError: a chapter that was asked for has no text.
    """
    found = [(path, True) for path in sorted(root.glob("notebooks/[0-9]*.md"))]
    found += [(path, False) for path in sorted(root.glob("source/[0-9]*/*.md"))]
    if unknown := set(chapters) - {path.stem for path, _ in found}:
        raise BuildError(f"no notebooks/ or source/ text is called {', '.join(sorted(unknown))}")
    return [(path, may_run) for path, may_run in found if not chapters or path.stem in chapters]


def build_all(root: Path, chapters: Sequence[str], *, execute_all: bool) -> int:
    """Builds every text and prints a line for each; returns how many failed."""
    failed = 0
    for path, may_run in sources(root, chapters):
        name = path.relative_to(root)
        try:
            print(f"{name}: {build(path, root, may_run=may_run, execute_all=execute_all)}")
        except BuildError as error:
            failed += 1
            print(f"build: {name}: {error}", file=sys.stderr)
        sys.stdout.flush()
    return failed


def release_all(root: Path, chapters: Sequence[str]) -> int:
    """Makes release/ from source/ and prints a line for each; returns how many failed."""
    # Late, so that a broken grader does not stop the chapters.
    from autograder.course import Course, CourseError
    from autograder.release import LeakError, release

    course, failed = Course(root), 0
    for name in course.assignments():
        if chapters and name not in chapters:
            continue
        try:
            release(course, name, database=False)
            print(f"release/{name}: written", flush=True)
        except (CourseError, LeakError) as error:
            failed += 1
            print(f"build: {one_line(error)}", file=sys.stderr, flush=True)
    return failed


def guide_of_all(root: Path) -> int:
    """Brings the tables of the instructor's guide up to date; returns 1 if that failed."""
    # Late: it reads the course as this module builds it.
    from tools import guide

    try:
        print(f"{guide.GUIDE}: {guide.write(root)}")
    except guide.GuideError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 0


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Builds the notebooks, then release/.")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 03-containers")
    parser.add_argument("--execute", action="store_true", help="execute every chapter again")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Builds everything; 0 if all went well, else 1."""
    options = arguments(argv)
    root = options.root.resolve()
    try:
        failed = build_all(root, options.chapters, execute_all=options.execute)
        if not options.chapters or LADDER_CHAPTER in options.chapters:
            print(f"notebooks/images/startup-ladder.png: {copy_ladder(root)}")
        failed += release_all(root, options.chapters)
        failed += guide_of_all(root) if not options.chapters and not failed else 0
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
