"""From source to release: nbgrader's own conversion, then a search for what must not get out.

`find_leaks` looks for lines of solutions and hidden tests in everything a student would get: the
text, outputs, metadata and attachments of notebooks, other files, and what these hold in base64,
hexadecimal, compressed or escaped form.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import html
import io
import json
import logging
import lzma
import re
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ahocorasick
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from autograder.assignment import Assignment
from autograder.course import Course
from autograder.gradebook import Gradebook
from autograder.notebooks import SourceCell, read_notebook

# A line, or several in a row, of at least so many characters besides white space tells a solution
# from chance; a whole solution may be shorter.
DISTINCTIVE = 24
WHOLE = 10
# An archive in a release is not unpacked beyond this.
MAX_UNPACKED = 20_000_000
MAX_DEPTH = 3


class LeakError(Exception):
    """What would get out with the release, where it stands, and what to do, in one line."""


@dataclass(frozen=True)
class Secret:
    """Text that a student must not get, white space removed."""

    text: str
    cell: str
    kind: str


@dataclass(frozen=True)
class Leak:
    """A secret found in what would be given out."""

    where: str
    secret: Secret

    def __str__(self) -> str:
        """The leak in one line."""
        text = self.secret.text
        shown = text if len(text) <= 60 else text[:57] + "…"
        return f"{self.where}: holds {self.secret.kind} of cell '{self.secret.cell}' ({shown})"


def release(course: Course, name: str, *, database: bool = True) -> Path:
    """Make the release of an assignment, unless something would leak.

    Args:
        course: the course.
        name: the assignment.
        database: also register its cells in the gradebook, as `nbgrader generate_assignment`
            does. Grading registers them too, so a build need not.

    Returns:
        The release folder.

    Raises:
        CourseError: if the source is missing or cannot be released.
        GradebookError: if the gradebook cannot take it.
        LeakError: if a solution or a hidden test would get out. The release stays as it was.
    """
    assignment = course.assignment(name)
    final = course.folder("release", ".", name)
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=final.parent) as folder:
        made = _generate(course, name, Path(folder))
        leaks = find_leaks(made, [assignment])
        if leaks:
            more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
            raise LeakError(
                f"{course.shown(final)}/{leaks[0]}{more}; not released: "
                "mark it as solution or hidden test in source/, or reword it"
            )
        if database:
            with Gradebook(course, assignment):
                pass
        old = Path(folder) / "old"
        if final.exists():
            final.rename(old)
        made.rename(final)
    return final


def find_leaks(folder: Path, assignments: Iterable[Assignment]) -> list[Leak]:
    """Search all files below the folder for solutions and hidden tests of the assignments."""
    secrets = [secret for assignment in assignments for secret in secrets_of(assignment)]
    if not secrets:
        return []
    search = automaton_of((secret.text, secret) for secret in secrets)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found: dict[tuple[str, str], Leak] = {}
    for path in files:
        for where, data in _pieces(path):
            for text in _readings(data):
                for _, secret in search.iter(text):
                    at = f"{path.relative_to(folder)}{where}"
                    found.setdefault((at, secret.cell), Leak(at, secret))
    return list(found.values())


def automaton_of(words: Iterable[tuple[str, Any]]) -> Any:
    """What finds all words in one pass over a text, each with what belongs to it.

    There are thousands of secrets, and thousands of texts.
    """
    search = ahocorasick.Automaton()
    for word, belongs in words:
        search.add_word(word, belongs)
    search.make_automaton()
    return search


def secrets_of(assignment: Assignment) -> list[Secret]:
    """What must not get out of an assignment: lines of its solutions and hidden tests."""
    secrets: dict[str, Secret] = {}
    for notebook in assignment.notebooks:
        for cell in notebook.cells:
            kind = "a solution" if cell.is_solution else "a hidden test"
            for text in _windows(_secret_lines(cell)):
                secrets.setdefault(text, Secret(text, cell.id, kind))
    return list(secrets.values())


def _generate(course: Course, name: str, folder: Path) -> Path:
    """Run nbgrader's conversion into a folder of its own, and return the assignment there."""
    config = deepcopy(course.config)
    config.CourseDirectory.assignment_id = name
    config.CourseDirectory.directory_structure = course.directory.directory_structure
    config.CourseDirectory.release_directory = str(folder)
    config.CourseDirectory.db_url = course.database
    config.GenerateAssignment.no_database = True
    config.SaveCells.enabled = False
    directory = CourseDirectory(config=config)
    converter = GenerateAssignment(coursedir=directory, config=config)
    converter.force = True
    converter.log = logging.getLogger("autograder.release")
    converter.log.setLevel(logging.CRITICAL + 1)
    try:
        converter.start()
    except NbGraderException as error:
        raise LeakError(
            f"{name}: nbgrader cannot release it: {error}; run `nbgrader "
            f"generate_assignment {name}` to see why"
        ) from None
    return Path(directory.format_path(str(folder), ".", name))


def _secret_lines(cell: SourceCell) -> list[str]:
    """The code lines of a cell that its release lacks, white space removed, in order."""
    if cell.is_solution:
        whole = cell.written
    elif cell.hides_tests:
        whole = cell.text
    else:
        return []
    public = {_squeezed(line) for line in cell.released.splitlines()}
    lines = [_squeezed(line) for line in whole.splitlines()]
    return [line for line in lines if line and line not in public and not line.startswith("#")]


_BORING = re.compile(r"(import|from\w+import|def|class|@|\"\"\"|''')")


def _windows(lines: Sequence[str]) -> Iterator[str]:
    """The whole, and each run of lines just long enough to be told from chance."""
    whole = "".join(lines)
    if len(whole) >= WHOLE:
        yield whole
    for start, first in enumerate(lines):
        if _BORING.match(first):
            continue
        run = ""
        for line in lines[start:]:
            run += line
            if len(run) >= DISTINCTIVE:
                yield run
                break


def _pieces(path: Path) -> Iterator[tuple[str, bytes]]:
    """The parts of a file that a reader would look at, and where each stands."""
    data = path.read_bytes()
    if path.suffix != ".ipynb":
        yield "", data
        return
    notebook = read_notebook(data, path.name)
    yield " (notebook metadata)", _strings(notebook["metadata"])
    for number, cell in enumerate(notebook["cells"], start=1):
        at = f" cell {number}"
        yield at, cell["source"].encode()
        yield f"{at} (metadata)", _strings(cell["metadata"])
        rest = {k: v for k, v in cell.items() if k not in ("source", "metadata", "outputs")}
        yield f"{at} (attachment)", _strings(rest)
        for output in cell.get("outputs", []):
            yield f"{at} (output)", _strings(output)


def _strings(value: Any) -> bytes:
    """All strings inside JSON data, one a line; lists of strings are lines of one text."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        joint = b"" if all(isinstance(part, str) for part in value) else b"\n"
        return joint.join(_strings(part) for part in value)
    if isinstance(value, dict):
        return b"\n".join(_strings(part) for pair in value.items() for part in pair)
    return json.dumps(value).encode()


def _readings(data: bytes, depth: int = 0) -> Iterator[str]:
    """The text of the data, and of all that it holds in another form, white space removed."""
    for unpacked in _unpacked(data):
        if depth < MAX_DEPTH:
            yield from _readings(unpacked, depth + 1)
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        if encoding != "utf-8" and b"\0" not in data:
            continue
        text = data.decode(encoding, "ignore")
        for reading in {text, html.unescape(text), urllib.parse.unquote(text), _unescaped(text)}:
            squeezed = _squeezed(reading)
            yield squeezed
            yield squeezed[::-1]
            yield codecs.encode(squeezed, "rot13")
            if depth < MAX_DEPTH:
                for decoded in _decoded(squeezed):
                    yield from _readings(decoded, depth + 1)


def _decoded(squeezed: str) -> Iterator[bytes]:
    """What the text's runs of base64 and hexadecimal digits stand for."""
    for run in re.findall(r"[A-Za-z0-9+/_-]{16,}", squeezed):
        plain = run.replace("-", "+").replace("_", "/")
        # A run may begin with letters that do not belong to it.
        for start in range(4):
            part = plain[start:]
            part = part[:-1] if len(part) % 4 == 1 else part
            try:
                yield base64.b64decode(part + "=" * (-len(part) % 4))
            except binascii.Error:
                continue
    for run in re.findall(r"(?:[0-9a-fA-F]{2}){12,}", squeezed):
        yield bytes.fromhex(run)
    for run in re.findall(r"(?:\d{1,3},){8,}\d{1,3}", squeezed):
        codes = [int(code) for code in run.split(",")]
        if max(codes) < 256:
            yield bytes(codes)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The content of compressed data and archives, up to `MAX_UNPACKED` bytes."""
    try:
        if data.startswith((b"\x1f\x8b", b"\x78")):
            yield zlib.decompressobj(wbits=47).decompress(data, MAX_UNPACKED)
        elif data.startswith(b"BZh"):
            yield bz2.BZ2Decompressor().decompress(data, MAX_UNPACKED)
        elif data.startswith(b"\xfd7zXZ\0"):
            yield lzma.LZMADecompressor().decompress(data, MAX_UNPACKED)
        elif data.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    with archive.open(member) as file:
                        yield file.read(MAX_UNPACKED)
    except (zlib.error, OSError, lzma.LZMAError, EOFError, zipfile.BadZipFile, RuntimeError):
        return


def _unescaped(text: str) -> str:
    """The text with backslash escapes such as ``\\x41`` and ``\\u0041`` carried out."""
    return re.sub(
        r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})",
        lambda match: chr(int(match[1] or match[2], 16)),
        text,
    )


def _squeezed(text: str) -> str:
    return "".join(text.split())
