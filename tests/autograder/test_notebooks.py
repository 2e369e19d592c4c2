from __future__ import annotations

import copy
import json

import pytest

from autograder.course import Course
from autograder.notebooks import NotebookError, match_notebooks, read_notebook, reconcile


@pytest.fixture
def source(course_folder):
    return Course(course_folder).assignment("ps").notebooks[0]


@pytest.fixture
def released(source):
    from autograder.notebooks import Cell, autograded_notebook

    cells = [Cell(cell, cell.cell_type, cell.released) for cell in source.cells]
    return read_notebook(json.dumps(autograded_notebook(source, cells, {})).encode(), "x")


def at(notebook, id_):
    return next(
        i
        for i, cell in enumerate(notebook["cells"])
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == id_
    )


def ids(laid):
    return [cell.source.id if cell.source else None for cell in laid.cells]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        ("{'caf\xe9'}".encode("latin-1"), "not UTF-8"),
        ('{"nbformat": 4}'.encode("utf-16"), "not UTF-8"),
        (b"[]", "not a notebook"),
        (b'{"nbformat": "4"}', "not a notebook"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 5, "cells": []}', "format 5"),
        (b'{"nbformat": 1, "cells": []}', "format 1"),
        (b'{"nbformat": 3, "worksheets": 7}', "damaged"),
        (b'{"nbformat": 4, "cells": [7]}', "cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "poem"}]}', "cell 1"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {}}]}', "cell 1"),
    ],
)
def test_what_is_no_notebook_is_one_line_with_the_file_and_a_remedy(data, message):
    with pytest.raises(NotebookError, match=message) as caught:
        read_notebook(data, "submitted/eve/ps/ps.ipynb")
    text = str(caught.value)
    assert text.startswith("submitted/eve/ps/ps.ipynb: ")
    assert "\n" not in text
    assert ";" in text  # what to do next


def test_a_notebook_of_format_3_is_upgraded():
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [
            {
                "metadata": {},
                "cells": [
                    {
                        "cell_type": "code",
                        "input": ["x = 1\n", "y = 2"],
                        "language": "python",
                        "metadata": {"nbgrader": {"grade_id": "a"}},
                        "outputs": [],
                        "collapsed": False,
                    }
                ],
            }
        ],
    }
    (cell,) = read_notebook(json.dumps(old).encode(), "x")["cells"]
    assert cell["source"] == "x = 1\ny = 2"
    assert cell["metadata"]["nbgrader"]["grade_id"] == "a"


def test_lines_are_joined_and_broken_surrogates_replaced():
    data = rb'{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a\n", "b\ud800"]}]}'
    (cell,) = read_notebook(data, "x")["cells"]
    assert cell["source"] == "a\nb?"


def test_locked_cells_are_the_sources_whatever_was_done_to_them(source, released):
    released["cells"][at(released, "double-check")]["source"] = "pass"
    released["cells"][at(released, "double-check")]["metadata"]["nbgrader"]["points"] = 100
    laid = reconcile(source, released, "x")
    test = laid.cells[at(released, "double-check")]
    assert test.text == source.by_id["double-check"].text
    assert any("double-check" in note and "locked" in note for note in laid.notes)


def test_hidden_tests_come_back_without_a_note(source, released):
    laid = reconcile(source, released, "x")
    assert "secret_argument" in laid.cells[at(released, "double-hidden")].text
    assert laid.notes == []


def test_deleted_test_comes_back_before_the_next_cell_of_the_source(source, released):
    position = at(released, "double-hidden")
    del released["cells"][position]
    released["cells"].insert(
        position, {"cell_type": "code", "source": "fixed = 1", "metadata": {}, "outputs": []}
    )
    laid = reconcile(source, released, "x")
    order = ids(laid)
    assert order.index("double-hidden") == position + 1
    assert laid.cells[position].text == "fixed = 1"
    assert any("double-hidden" in note and "put back" in note for note in laid.notes)


def test_everything_deleted_but_one_answer_comes_back_in_order(source, released):
    released["cells"] = [released["cells"][at(released, "total")]]
    laid = reconcile(source, released, "x")
    assert ids(laid) == list(source.by_id)


def test_deleted_answer_comes_back_empty_not_as_its_stub(source, released):
    del released["cells"][at(released, "double")]
    laid = reconcile(source, released, "x")
    back = next(cell for cell in laid.cells if cell.source and cell.source.id == "double")
    assert back.missing
    assert "NotImplementedError" not in back.text


def test_answer_that_lost_its_id_is_found_by_what_it_defines(source, released):
    position = at(released, "double")
    released["cells"][position]["source"] = "def double(x):\n    return x + x"
    released["cells"][position]["metadata"] = {}
    laid = reconcile(source, released, "x")
    assert laid.cells[position].source is source.by_id["double"]
    assert any("'double' had lost its id" in note for note in laid.notes)


def test_of_two_candidates_for_a_lost_answer_none_is_taken(source, released):
    position = at(released, "double")
    released["cells"][position]["metadata"] = {}
    released["cells"][position]["source"] = "def double(x): pass"
    released["cells"].insert(0, copy.deepcopy(released["cells"][position]))
    laid = reconcile(source, released, "x")
    assert next(cell for cell in laid.cells if cell.source is source.by_id["double"]).missing


def test_of_duplicates_the_last_of_the_right_type_counts(source, released):
    position = at(released, "double")
    first, second = (copy.deepcopy(released["cells"][position]) for _ in range(2))
    first["source"], second["source"] = "answer = 1", "answer = 2"
    note = copy.deepcopy(second)
    note["cell_type"], note["source"] = "markdown", "my thoughts"
    released["cells"][position : position + 1] = [first, second, note]
    laid = reconcile(source, released, "x")
    assert [c.text for c in laid.cells if c.source is source.by_id["double"]] == ["answer = 2"]
    assert "answer = 1" in [c.text for c in laid.cells if c.source is None]
    assert any("3 cells have the id 'double'" in note for note in laid.notes)


def test_cell_turned_into_text_is_turned_back(source, released):
    released["cells"][at(released, "double")]["cell_type"] = "markdown"
    laid = reconcile(source, released, "x")
    assert laid.cells[at(released, "double")].cell_type == "code"


def test_other_kernel_is_noted_and_not_used(source, released):
    released["metadata"]["kernelspec"]["name"] = "julia-1.9"
    (note,) = reconcile(source, released, "x").notes
    assert "julia-1.9" in note
    assert "python3" in note


def test_notebook_of_something_else_is_refused(source):
    other = {"cells": [], "metadata": {}}
    with pytest.raises(NotebookError, match="none of the cells"):
        reconcile(source, other, "x")


def test_renamed_notebook_is_matched_if_nothing_else_could_be_it(source, released):
    found, notes = match_notebooks([source], {"ps (1)": released})
    assert found == {"ps": "ps (1)"}
    assert "ps (1).ipynb" in notes[0]


def test_of_two_renamed_notebooks_none_is_guessed(source, released):
    found, notes = match_notebooks([source], {"a": released, "b": released})
    assert found == {}
    assert "a.ipynb" in notes[0]
    assert "b.ipynb" in notes[0]


def test_the_right_name_wins_over_a_copy(source, released):
    assert match_notebooks([source], {"ps": released, "ps-Copy1": released}) == ({"ps": "ps"}, [])
