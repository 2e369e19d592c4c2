"""The build chain: text in, the same notebook out, every time."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tools import build

CHAPTER = """---
jupytext:
  formats: md:myst,ipynb
kernelspec:
  display_name: Python 3
  name: python3
---

# Count

One sentence.

```{code-cell} ipython3
:tags: [nbval-check-output]

print(6 * 7)
```

```{code-cell} ipython3
import os
os.environ["VIRTLAB_RUNS"] != ""
```

One sentence.
"""

ASSIGNMENT = """---
kernelspec:
  display_name: Python 3
  name: python3
---

+++ {"nbgrader": {"grade_id": "double-prompt", "locked": true}}

Double a number.

```{code-cell} ipython3
---
nbgrader: {grade_id: double, solution: true}
---
def double(n):
    ### BEGIN SOLUTION
    return 2 * n
    ### END SOLUTION
```

```{code-cell} ipython3
---
nbgrader: {grade_id: double-check, grade: true, points: 1}
---
assert double(2) == 4
```
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01-count.md").write_text(CHAPTER)
    (tmp_path / "source" / "01-count").mkdir(parents=True)
    (tmp_path / "source" / "01-count" / "01-count.md").write_text(ASSIGNMENT)
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks the cells as run without a kernel, for tests that are not about running."""

    def pretend(notebook: nbformat.NotebookNode, folder: Path) -> None:
        for count, cell in enumerate(build.code_cells(notebook), start=1):
            cell.execution_count = count
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=cell.source)]

    monkeypatch.setattr(build, "execute", pretend)


def chapter(course: Path) -> Path:
    return course / "notebooks" / "01-count.md"


def built(course: Path) -> nbformat.NotebookNode:
    return nbformat.read(course / "notebooks" / "01-count.ipynb", as_version=4)


def test_a_chapter_is_executed_once_and_then_never_changes(course: Path) -> None:
    assert build.build(chapter(course), course, may_run=True) == "executed"
    first = (course / "notebooks" / "01-count.ipynb").read_bytes()
    assert build.build(chapter(course), course, may_run=True) == "unchanged"
    assert (course / "notebooks" / "01-count.ipynb").read_bytes() == first
    cells = build.code_cells(built(course))
    assert cells[0].outputs[0].text == "42\n"
    assert cells[1].outputs[0].data["text/plain"] == "True"  # the build has a ledger of its own
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert all("execution" not in cell.metadata for cell in cells)
    assert built(course).metadata == {
        "kernelspec": build.KERNEL,
        "language_info": {"name": "python"},
    }


def test_a_widget_leaves_its_words(course: Path) -> None:
    shows = f"display({{{build.WIDGET!r}: {{}}, 'text/plain': 'words'}}, raw=True)"
    chapter(course).write_text(CHAPTER.replace("print(6 * 7)", shows))
    build.build(chapter(course), course, may_run=True)
    assert build.code_cells(built(course))[0].outputs[0].data == {"text/plain": "words"}


@pytest.mark.usefixtures("quick")
def test_new_prose_keeps_outputs_and_new_code_runs_all_again(course: Path) -> None:
    build.build(chapter(course), course, may_run=True)
    marked = built(course)
    build.code_cells(marked)[0].outputs[0].text = "seen before"
    nbformat.write(marked, course / "notebooks" / "01-count.ipynb")

    chapter(course).write_text(CHAPTER.replace("One sentence.", "Another sentence."))
    assert build.build(chapter(course), course, may_run=True) == "carried over"
    assert build.code_cells(built(course))[0].outputs[0].text == "seen before"
    assert "Another" in built(course).cells[0].source

    chapter(course).write_text(CHAPTER.replace("os.environ", "not os.environ"))
    assert build.build(chapter(course), course, may_run=True) == "executed"
    assert build.code_cells(built(course))[0].outputs[0].text == "print(6 * 7)"


@pytest.mark.usefixtures("quick")
def test_execute_all_keeps_nothing(course: Path) -> None:
    build.build(chapter(course), course, may_run=True)
    assert build.build(chapter(course), course, may_run=True, execute_all=True) == "executed"


@pytest.mark.usefixtures("quick")
def test_a_notebook_whose_outputs_were_cleared_is_executed_again(course: Path) -> None:
    build.build(chapter(course), course, may_run=True)
    cleared = built(course)
    for cell in build.code_cells(cleared):
        cell.outputs, cell.execution_count = [], None
    nbformat.write(cleared, course / "notebooks" / "01-count.ipynb")
    assert build.build(chapter(course), course, may_run=True) == "executed"


@pytest.mark.usefixtures("quick")
def test_a_damaged_committed_notebook_is_built_anew(course: Path) -> None:
    (course / "notebooks" / "01-count.ipynb").write_text("{ not json")
    assert build.build(chapter(course), course, may_run=True) == "executed"


def test_an_assignment_is_never_executed(course: Path) -> None:
    source = course / "source" / "01-count" / "01-count.md"
    assert build.build(source, course, may_run=False) == "written"
    assert build.build(source, course, may_run=False) == "unchanged"
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert all(not cell.outputs for cell in build.code_cells(notebook))


def test_cells_are_called_after_their_grade_id_and_marked_in_full() -> None:
    notebook = build.from_text(ASSIGNMENT)
    assert [cell.id for cell in notebook.cells] == ["double-prompt", "double", "double-check"]
    assert notebook.cells[1].metadata.nbgrader == {
        "grade": False,
        "grade_id": "double",
        "locked": False,
        "schema_version": 3,
        "cell_type": "code",
        "solution": True,
        "task": False,
    }
    assert notebook.cells[2].metadata.nbgrader.locked is True


def test_equal_cells_get_ids_of_their_own_and_ids_outlive_other_changes() -> None:
    before = build.from_text(CHAPTER)
    ids = [cell.id for cell in before.cells]
    assert len(set(ids)) == len(ids)
    after = build.from_text(CHAPTER + "\n\n```{code-cell} ipython3\n1\n```\n")
    assert [cell.id for cell in after.cells[: len(ids)]] == ids


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (ASSIGNMENT.replace("double-check", "double"), "two cells have the grade_id 'double'"),
        (ASSIGNMENT.replace("double-check", "double check"), "use letters, digits"),
        ("---\nkernelspec: [\n---\n\ntext", "not a MyST notebook"),
    ],
)
def test_a_wrong_text_is_one_line(wrong: str, said: str) -> None:
    with pytest.raises(build.BuildError, match=said) as caught:
        build.from_text(wrong)
    assert "\n" not in str(caught.value)


def test_a_failing_cell_is_one_line_and_leaves_the_notebook_as_it_was(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = course / "notebooks" / "01-count.ipynb"
    target.write_text("old")
    chapter(course).write_text(CHAPTER.replace("6 * 7", "6 / 0"))
    assert build.build_all(course, [], execute_all=False) == 1
    assert capsys.readouterr().err == (
        "build: notebooks/01-count.md: cell 2 (print(6 / 0)): ZeroDivisionError: division by zero\n"
    )
    assert target.read_text() == "old"
    assert (course / "source" / "01-count" / "01-count.ipynb").exists()  # the others go on


def test_what_may_not_be_committed_is_refused(course: Path) -> None:
    notebook = build.from_text(CHAPTER)
    cell = build.code_cells(notebook)[0]
    with pytest.raises(build.BuildError, match="a notebook has 1,000,000 at most"):
        build.check(notebook, "x" * 1_000_001, course)
    cell.outputs = [nbformat.v4.new_output("stream", text=f"in {course}/notebooks")]
    with pytest.raises(build.BuildError, match=r"cell 2 \(print.*a path of this machine"):
        build.check(notebook, "", course)


def test_a_large_figure_is_refused() -> None:
    output = nbformat.v4.new_output("display_data", data={"image/png": "AAAA" * 20_001})
    with pytest.raises(build.BuildError, match="a figure of 60,003 bytes"):
        build.check_output(output, "cell 1", Path("/course"))
    small = nbformat.v4.new_output("display_data", data={"image/png": "AAAA" * 20_000})
    build.check_output(small, "cell 1", Path("/course"))


@pytest.mark.long
def test_a_cell_that_takes_too_long_is_named(
    course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CELL_SECONDS", 1)
    chapter(course).write_text(CHAPTER.replace("print(6 * 7)", "while True:\n    pass"))
    assert build.build_all(course, ["01-count"], execute_all=False) == 1
    assert "cell 2 (while True:): took more than 1 s" in capsys.readouterr().err


def test_an_unknown_chapter_is_one_line(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--root", str(course), "99-nothing"]) == 1
    assert "no notebooks/ or source/ text is called 99-nothing" in capsys.readouterr().err
