"""Reading notebooks, and reconciling a submitted one with its source.

Notebooks here are plain JSON data in nbformat 4. A submission's metadata decides nothing but
which source cell a cell stands for: locked cells and tests come from the source whatever was done
to them, deleted ones are put back, and of cells with one id nbgrader's cell types choose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.text import parse_json

CELL_TYPES = ("code", "markdown", "raw")


class NotebookError(Exception):
    """A file that cannot be read as a notebook: what is wrong, where, what to do, in one line."""


@dataclass(frozen=True)
class SourceCell:
    """One cell of a source notebook.

    Attributes:
        id: the nbgrader `grade_id`, empty for a cell nbgrader does not know.
        key: the id, or for a cell without one a name made of its place.
        node_id: the notebook's own id of the cell, empty before nbformat 4.5.
        cell_type: "code", "markdown" or "raw".
        written: what the author wrote, solution and hidden tests included.
        text: what grading uses: the stub in place of a solution, hidden tests included.
        released: what students were given: neither solution nor hidden tests.
        metadata: the cell's metadata in the release, with nbgrader's checksum of `text`.
        points: what a graded cell is worth; 0 for others.
    """

    id: str
    key: str
    node_id: str
    cell_type: str
    written: str
    text: str
    released: str
    metadata: dict[str, Any]
    is_grade: bool
    is_solution: bool
    is_locked: bool
    is_task: bool
    points: float

    @property
    def is_test(self) -> bool:
        """True for a cell that the examiner runs: graded code that is not the student's."""
        return self.is_grade and not self.is_solution and self.cell_type == "code"

    @property
    def is_manual(self) -> bool:
        """True for a cell that a person has to grade."""
        return (self.is_grade and not self.is_test) or self.is_task

    @property
    def is_fixed(self) -> bool:
        """True for a cell whose text is the source's, whatever the submission did to it."""
        return self.is_locked or self.is_test

    @property
    def hides_tests(self) -> bool:
        """True for a cell of which students see less than grading uses."""
        return self.text != self.released


@dataclass(frozen=True)
class SourceNotebook:
    """A source notebook, its cells in order."""

    name: str
    cells: tuple[SourceCell, ...]
    metadata: dict[str, Any]

    @property
    def by_id(self) -> dict[str, SourceCell]:
        """The cells nbgrader knows, by their `grade_id`, in order."""
        return {cell.id: cell for cell in self.cells if cell.id}

    @property
    def points(self) -> float:
        """The most that this notebook can earn."""
        return sum(cell.points for cell in self.cells)

    @property
    def kernel(self) -> str:
        """The name of its kernel ("" if it names none)."""
        return kernel_of(self.metadata)


@dataclass
class Cell:
    """A cell of a reconciled notebook.

    Attributes:
        source: the cell of the source that it stands for, if nbgrader knows that one.
        key: the key of the source's cell, also of one without nbgrader id; "" for a cell of the
            student's own.
        missing: True for one that was put back.
    """

    source: SourceCell | None
    cell_type: str
    text: str
    attachments: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    missing: bool = False


@dataclass
class Reconciled:
    """A submission's notebook with the source's cells in their place, and what was changed."""

    cells: list[Cell]
    notes: list[str]


def read_notebook(data: bytes, where: str) -> dict[str, Any]:
    """Read a notebook from the bytes of its file.

    Args:
        data: the file's content.
        where: the file's name, for the message.

    Returns:
        nbformat 4 data: `cells` with `cell_type`, `source` (one string) and `metadata` (a dict),
        code cells with `outputs`; the notebook's `metadata`, `nbformat`, `nbformat_minor`.

    Raises:
        NotebookError: if it is none, or of a version that cannot be read.
    """
    if not data.strip():
        raise NotebookError(f"{where}: the file is empty; save the notebook and submit it again")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotebookError(
            f"{where}: not UTF-8 text; open it in JupyterLab, save it and submit it again"
        ) from None
    try:
        found = parse_json(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise NotebookError(
            f"{where}: not JSON{at}, so not a notebook; restore it from a checkpoint, "
            "or copy the answers into a new download"
        ) from None
    return _as_version_4(found, where)


def write_notebook(notebook: Mapping[str, Any]) -> str:
    """The notebook as the text of its file, as nbformat writes it."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def grade_id(cell: Mapping[str, Any]) -> str:
    """The nbgrader id a cell claims, or ""."""
    claimed = _nbgrader(cell).get("grade_id")
    return claimed if isinstance(claimed, str) else ""


def kernel_of(metadata: Mapping[str, Any]) -> str:
    """The kernel's name in a notebook's metadata, or ""."""
    spec = metadata.get("kernelspec")
    name = spec.get("name") if isinstance(spec, dict) else None
    return name if isinstance(name, str) else ""


def match_notebooks(
    sources: Sequence[SourceNotebook], submitted: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, str], list[str]]:
    """Say which submitted notebook answers which source notebook.

    A notebook of the right name is taken. Of the rest, one is taken under another name only if it
    is unambiguous: it holds cells of one missing source notebook, and no other one does.

    Returns:
        The submitted name for each source name found, and a note on each renamed one.
    """
    found = {source.name: source.name for source in sources if source.name in submitted}
    notes: list[str] = []
    spare = {
        name: {grade_id(cell) for cell in notebook["cells"]} - {""}
        for name, notebook in submitted.items()
        if name not in found
    }
    missing = [source for source in sources if source.name not in found]
    claims = {
        source.name: [name for name, ids in spare.items() if ids & source.by_id.keys()]
        for source in missing
    }
    for source in missing:
        names = claims[source.name]
        rivals = [
            other for other in claims if other != source.name and set(claims[other]) & {*names}
        ]
        if len(names) == 1 and not rivals:
            found[source.name] = names[0]
            notes.append(
                f"{names[0]}.ipynb: taken for {source.name}.ipynb, whose cells it has; "
                "keep the notebook's name next time"
            )
        elif names:
            notes.append(
                f"{source.name}.ipynb: not there, and {', '.join(f'{n}.ipynb' for n in names)} "
                f"could each be it; rename the right one to {source.name}.ipynb"
            )
        else:
            notes.append(
                f"{source.name}.ipynb: not there, nor another notebook with its cells; submit it"
            )
    return found, notes


def reconcile(source: SourceNotebook, submitted: Mapping[str, Any], where: str) -> Reconciled:
    """Lay the submission's answers into the source notebook.

    Args:
        source: the source notebook.
        submitted: what `read_notebook` gave.
        where: the submitted file's name, for the message.

    Raises:
        NotebookError: if it holds no cell of the source and none that answers one.
    """
    cells = submitted["cells"]
    notes: list[str] = []
    chosen = _choose(source, cells, notes)
    _match_renamed(source, cells, chosen, notes)
    if source.by_id and not chosen:
        raise NotebookError(
            f"{where}: has none of the cells of {source.name}.ipynb; "
            "submit the notebook of this assignment"
        )
    by_position = {position: source.by_id[id_] for id_, position in chosen.items()}
    laid = [_lay(cell, by_position.get(i), notes) for i, cell in enumerate(cells)]
    _recognize_plain(source, cells, laid)
    _put_back(source, laid, notes)
    if source.kernel and kernel_of(submitted["metadata"]) not in ("", source.kernel):
        notes.append(
            f"its kernel is '{kernel_of(submitted['metadata'])}'; graded with the assignment's, "
            f"'{source.kernel}': choose that one before you submit"
        )
    return Reconciled(laid, notes)


def autograded_notebook(
    source: SourceNotebook, cells: Sequence[Cell], outputs: Mapping[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The notebook for `autograded/`, as Formgrader opens it.

    Args:
        source: where its metadata comes from.
        cells: the reconciled cells.
        outputs: the outputs of code cells, by position.
    """
    taken: set[str] = set()
    made = []
    for position, cell in enumerate(cells):
        wanted = re.sub(r"[^A-Za-z0-9_-]", "-", cell.source.id)[:64] if cell.source else ""
        name = wanted if wanted and wanted not in taken else f"cell-{position}"
        taken.add(name)
        node: dict[str, Any] = {
            "cell_type": cell.cell_type,
            "id": name,
            "metadata": cell.source.metadata if cell.source else {},
            "source": cell.text,
        }
        if cell.cell_type == "code":
            node["execution_count"] = None
            node["outputs"] = outputs.get(position, [])
        elif cell.attachments:
            node["attachments"] = cell.attachments
        made.append(node)
    return {"cells": made, "metadata": source.metadata, "nbformat": 4, "nbformat_minor": 5}


def _choose(
    source: SourceNotebook, cells: Sequence[Mapping[str, Any]], notes: list[str]
) -> dict[str, int]:
    """For each source id that is there, the position of the cell that stands for it.

    Of several with one id, the one whose type and nbgrader flags are the source's is it, and of
    those the last, as nbgrader itself chooses. The others are the student's own cells.
    """
    claims: dict[str, list[int]] = {}
    for position, cell in enumerate(cells):
        if grade_id(cell) in source.by_id:
            claims.setdefault(grade_id(cell), []).append(position)

    def fit(id_: str, position: int) -> tuple[bool, bool, int]:
        meant, cell = source.by_id[id_], cells[position]
        flags = (bool(_nbgrader(cell).get("grade")), bool(_nbgrader(cell).get("solution")))
        return (
            cell["cell_type"] == meant.cell_type,
            flags == (meant.is_grade, meant.is_solution),
            position,
        )

    for id_, positions in claims.items():
        if len(positions) > 1:
            notes.append(
                f"{len(positions)} cells have the id '{id_}': the last of the right type counts, "
                "the others ran as your own cells; copy the text, not the cell"
            )
    return {
        id_: max(positions, key=lambda position, id_=id_: fit(id_, position))  # type: ignore[misc]
        for id_, positions in claims.items()
    }


def _match_renamed(
    source: SourceNotebook,
    cells: Sequence[Mapping[str, Any]],
    chosen: dict[str, int],
    notes: list[str],
) -> None:
    """Find answers whose cell lost its id: by the names they define, if only one cell does."""
    for id_, meant in source.by_id.items():
        if id_ in chosen or not meant.is_solution:
            continue
        names = _defined(meant.written)
        free = [
            position
            for position, cell in enumerate(cells)
            if position not in chosen.values() and cell["cell_type"] == meant.cell_type
        ]
        if names:
            found = [p for p in free if names <= _defined(cells[p]["source"])]
        else:
            found = [p for p in free if _nbgrader(cells[p]).get("solution") is True]
        if len(found) == 1:
            chosen[id_] = found[0]
            notes.append(
                f"the cell of '{id_}' had lost its id; taken by what it defines"
                if names
                else f"the cell of '{id_}' had another id; taken as the only answer without one"
            )


def _lay(cell: Mapping[str, Any], meant: SourceCell | None, notes: list[str]) -> Cell:
    attachments = _attachments(cell)
    if meant is None:
        return Cell(None, cell["cell_type"], cell["source"], attachments)
    if cell["cell_type"] != meant.cell_type:
        notes.append(f"the cell '{meant.id}' was turned into {cell['cell_type']}; turned back")
    if not meant.is_fixed:
        return Cell(meant, meant.cell_type, cell["source"], attachments, meant.key)
    if cell["source"] not in (meant.released, meant.text):
        notes.append(f"the cell '{meant.id}' is locked: your change to it was not used")
    return Cell(meant, meant.cell_type, meant.text, attachments, meant.key)


def _recognize_plain(
    source: SourceNotebook, cells: Sequence[Mapping[str, Any]], laid: Sequence[Cell]
) -> None:
    """Give cells of the source without nbgrader id their key: by notebook id, else by text."""
    plain = [cell for cell in source.cells if not cell.id]
    by_node = {cell.node_id: cell for cell in plain if cell.node_id}
    for cell, own in zip(cells, laid, strict=True):
        node_id = cell.get("id")
        meant = by_node.get(node_id) if isinstance(node_id, str) and own.source is None else None
        if meant in plain:
            own.key = meant.key
            plain.remove(meant)
    for own in laid:
        meant = next((cell for cell in plain if cell.released == own.text), None)
        if meant is not None and own.source is None and not own.key:
            own.key = meant.key
            plain.remove(meant)


def _put_back(source: SourceNotebook, laid: list[Cell], notes: list[str]) -> None:
    """Put each missing cell back before the next one of the source that is there.

    As late as possible, so that an answer the student wrote into a cell of their own comes
    before the test. A missing answer comes back empty: its stub could undo such an answer.
    """
    present = {cell.source.id: cell for cell in laid if cell.source}
    following: Cell | None = None
    for meant in reversed(source.by_id.values()):
        if meant.id in present:
            following = present[meant.id]
            continue
        notes.append(f"the cell '{meant.id}' was missing from the notebook; put back")
        text = meant.text if meant.is_fixed or meant.is_task else _missing_text(meant)
        cell = Cell(meant, meant.cell_type, text, key=meant.key, missing=True)
        at = len(laid) if following is None else _index(laid, following)
        laid.insert(at, cell)
        following = cell


def _missing_text(meant: SourceCell) -> str:
    mark = "# " if meant.cell_type == "code" else ""
    return f"{mark}This cell was missing from the submission."


def _index(cells: Sequence[Cell], wanted: Cell) -> int:
    return next(i for i, cell in enumerate(cells) if cell is wanted)


def _defined(text: str) -> set[str]:
    """The names that a cell binds by `def` or `class` at its top level."""
    return set(re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)", text, re.MULTILINE))


def _nbgrader(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = cell["metadata"].get("nbgrader")
    return meta if isinstance(meta, dict) else {}


def _attachments(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Pictures pasted into a text cell, if they have the form nbformat asks for."""
    given = cell.get("attachments")
    if not isinstance(given, dict):
        return {}
    return {
        name: bundle
        for name, bundle in given.items()
        if isinstance(bundle, dict) and all(isinstance(data, str) for data in bundle.values())
    }


def _as_version_4(found: Any, where: str) -> dict[str, Any]:
    if not isinstance(found, dict) or not isinstance(found.get("nbformat"), int):
        raise NotebookError(f"{where}: JSON, but not a notebook; submit the .ipynb file")
    version = found["nbformat"]
    if version in (2, 3):
        found = _upgrade(found, where)
    elif version != 4:
        raise NotebookError(
            f"{where}: notebook format {version} cannot be read (format 4 can); "
            "open it in JupyterLab, save it and submit it again"
        )
    cells = found.get("cells")
    if not isinstance(cells, list):
        raise NotebookError(f"{where}: the notebook has no list of cells; download it again")
    metadata = found.get("metadata")
    return {
        "cells": [_cell(cell, i, where) for i, cell in enumerate(cells, start=1)],
        "metadata": metadata if isinstance(metadata, dict) else {},
        "nbformat": 4,
        "nbformat_minor": found["nbformat_minor"]
        if isinstance(found.get("nbformat_minor"), int)
        else 0,
    }


def _upgrade(found: dict[str, Any], where: str) -> dict[str, Any]:
    import nbformat  # here, for it takes long to import and is seldom needed

    try:
        upgraded = nbformat.convert(nbformat.from_dict(found), 4)
        return dict(json.loads(json.dumps(upgraded)))
    except Exception:
        raise NotebookError(
            f"{where}: a damaged notebook of format {found['nbformat']}; "
            "open it in JupyterLab, save it and submit it again"
        ) from None


def _cell(cell: Any, number: int, where: str) -> dict[str, Any]:
    if not isinstance(cell, dict) or cell.get("cell_type") not in CELL_TYPES:
        raise NotebookError(f"{where}: cell {number} is no cell; save it in JupyterLab again")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise NotebookError(f"{where}: cell {number} has no text; save it in JupyterLab again")
    metadata = cell.get("metadata")
    read = {
        **cell,
        "source": source,
        "metadata": metadata if isinstance(metadata, dict) else {},
    }
    if cell["cell_type"] == "code":
        outputs = cell.get("outputs")
        read["outputs"] = outputs if isinstance(outputs, list) else []
        read["execution_count"] = None
    return read


def _no_constant(name: str) -> Any:
    """JSON has no NaN or Infinity, though Python's reader takes them."""
    return None
