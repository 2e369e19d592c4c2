from __future__ import annotations

import base64
import codecs
import gzip
import io
import json
import zipfile
import zlib

import pytest

from autograder.course import Course
from autograder.release import LeakError, find_leaks, release, secrets_of

SOLUTION = "    twice_the_value = FACTOR * x\n    return twice_the_value"
TEST = "assert double(secret_argument) == 2 * secret_argument, 'negative numbers double too'"


def edit(course_folder, change):
    path = course_folder / "source/ps/ps.ipynb"
    notebook = json.loads(path.read_text())
    change(notebook["cells"])
    path.write_text(json.dumps(notebook))


def test_release_holds_the_prompts_and_neither_solutions_nor_hidden_tests(course_folder):
    folder = release(Course(course_folder), "ps", database=False)
    text = (folder / "ps.ipynb").read_text()
    assert "Write `double(x)`" in text
    assert "raise NotImplementedError" in text
    assert "double(2) == 4" in text
    for secret in ("twice_the_value", "secret_argument", "total([]) == 0", "Because doubling"):
        assert secret not in text
    assert (folder / "data.csv").read_text() == "a,b\n1,2\n"
    assert not (course_folder / "gradebook.db").exists()
    assert [path.name for path in (course_folder / "release").iterdir()] == ["ps"]


def test_releasing_twice_changes_no_byte(course_folder):
    first = (release(Course(course_folder), "ps", database=False) / "ps.ipynb").read_bytes()
    second = (release(Course(course_folder), "ps", database=False) / "ps.ipynb").read_bytes()
    assert first == second


def test_release_registers_the_cells(with_gradebook):
    from nbgrader.api import Gradebook

    course = Course(with_gradebook)
    release(course, "ps")
    with Gradebook(course.database, "") as gradebook:
        assert gradebook.find_assignment("ps").max_score == 7


@pytest.mark.parametrize("secret", [SOLUTION, TEST])
@pytest.mark.parametrize(
    "leak",
    [
        lambda cells, text: cells[0].update(source=f"Hint:\n\n{text}"),
        lambda cells, text: cells[1].update(source=text),
        lambda cells, text: cells[1]["metadata"].update(note={"deep": [text]}),
        lambda cells, text: cells[1].update(
            source="x = " + repr(base64.b64encode(text.encode()).decode())
        ),
        lambda cells, text: cells[0].update(
            attachments={"a.png": {"image/png": base64.b64encode(text.encode()).decode()}}
        ),
    ],
)
def test_leak_in_a_cell_metadata_or_attachment_is_refused(course_folder, leak, secret):
    before = release(Course(course_folder), "ps", database=False) / "ps.ipynb"
    kept = before.read_bytes()
    edit(course_folder, lambda cells: leak(cells, secret))
    with pytest.raises(LeakError, match=r"release/ps/ps\.ipynb cell [12]") as caught:
        release(Course(course_folder), "ps", database=False)
    assert "\n" not in str(caught.value)
    assert before.read_bytes() == kept
    assert [path.name for path in (course_folder / "release").iterdir()] == ["ps"]


def zipped(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", data)
    return buffer.getvalue()


ENCODINGS = {
    "plain": lambda data: data,
    "indented otherwise": lambda data: data.replace(b"    ", b"\t"),
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "base64": base64.b64encode,
    "base64, url-safe": base64.urlsafe_b64encode,
    "base64 in lines": base64.encodebytes,
    "base64 after letters": lambda data: b"x" + base64.b64encode(data),
    "hexadecimal": lambda data: data.hex().encode(),
    "numbers": lambda data: str(list(data)).encode(),
    "rot13": lambda data: codecs.encode(data.decode(), "rot13").encode(),
    "reversed": lambda data: data[::-1],
    "escapes": lambda data: "".join(f"\\x{byte:02x}" for byte in data).encode(),
    "url": lambda data: "".join(f"%{byte:02X}" for byte in data).encode(),
    "html": lambda data: "".join(f"&#{byte};" for byte in data).encode(),
    "gzip": gzip.compress,
    "zlib in base64": lambda data: base64.b64encode(zlib.compress(data)),
    "zip": zipped,
    "base64 twice": lambda data: base64.b64encode(base64.b64encode(data)),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("secret", [SOLUTION, TEST])
def test_leak_in_a_file_is_found_whatever_its_form(course_folder, tmp_path, encode, secret):
    assignment = Course(course_folder).assignment("ps")
    out = tmp_path / "out"
    out.mkdir()
    (out / "helper.bin").write_bytes(b"x = 1\n" + encode(b""))
    assert find_leaks(out, [assignment]) == []
    (out / "helper.bin").write_bytes(encode(secret.encode()))
    assert [leak.where for leak in find_leaks(out, [assignment])] == ["helper.bin"]


def test_leak_in_an_output_is_found(course_folder, tmp_path):
    assignment = Course(course_folder).assignment("ps")
    notebook = json.loads(
        (release(Course(course_folder), "ps", database=False) / "ps.ipynb").read_text()
    )
    notebook["cells"][1]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": TEST.splitlines(keepends=True)}
    ]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ps.ipynb").write_text(json.dumps(notebook))
    (leak,) = find_leaks(tmp_path / "out", [assignment])
    assert "cell 2 (output)" in leak.where
    assert leak.secret.cell == "double-hidden"


def test_what_students_see_anyway_is_no_secret(course_folder):
    texts = {secret.text for secret in secrets_of(Course(course_folder).assignment("ps"))}
    assert not any("double(2)==4" in text for text in texts)
    assert any("secret_argument" in text for text in texts)


def test_broken_archive_is_no_error(course_folder, tmp_path):
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b broken")
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 broken")
    assert find_leaks(tmp_path, []) == []
    assert find_leaks(tmp_path, [Course(course_folder).assignment("ps")])[0].where.startswith(
        "course/source"
    )
