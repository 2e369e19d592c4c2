"""Programs, runtimes and tools that experiments run: their answer, or one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtlab import host
from virtlab.experiments import running
from virtlab.experiments.running import launched, output_of, qemu_img, qemu_io, run_program
from virtlab.registry import CannotMeasure
from virtlab.runtimes import RuntimeFailed


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the text of a small program goes, `small.py`."""
    monkeypatch.setattr(running, "PROGRAMS", tmp_path)
    return tmp_path / "small.py"


def test_a_program_gets_its_words_and_its_input_and_answers_in_json(program: Path) -> None:
    program.write_text("import json, sys; print(json.dumps([sys.argv[1:], sys.stdin.read()]))")
    assert run_program("small.py", 1, Path("x"), given="told") == [["1", "x"], "told"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise ValueError('a\\nthe last line')", "the last line"),
        ("import os; os._exit(3)", "small.py died"),
        ("pass", "small.py died"),
        ("import time; time.sleep(60)", "small.py did not end in time"),
    ],
)
def test_a_program_that_does_not_answer_is_one_line(
    program: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.setattr(running, "PATIENCE_S", 2)
    program.write_text(text)
    with pytest.raises(CannotMeasure) as failure:
        run_program("small.py")
    assert str(failure.value) == says


def test_a_command_that_prints_nothing_failed() -> None:
    process = launched("posix_spawn")
    assert output_of(process, ["/bin/sh", "-c", "echo hello"]) == "hello"
    with pytest.raises(RuntimeFailed, match="posix_spawn: no such thing"):
        output_of(process, ["/bin/sh", "-c", "echo no such thing >&2; exit 1"])
    with pytest.raises(RuntimeFailed, match="posix_spawn: status 0"):
        output_of(process, ["/bin/sh", "-c", "true"])


@pytest.mark.system
def test_bytes_that_differ_are_an_answer_and_a_missing_disk_is_a_failure(tmp_path: Path) -> None:
    if host.find_tool("qemu-io") is None:
        pytest.skip("qemu-io: apt-get install qemu-utils")
    disk = tmp_path / "disk"
    qemu_img("create", "-f", "qcow2", disk, "1M")
    qemu_io(disk, "write -P 7 0 4k")
    assert "failed" not in qemu_io(disk, "read -P 7 0 4k")
    assert "Pattern verification failed" in qemu_io(disk, "read -P 8 0 4k")
    with pytest.raises(RuntimeFailed) as failure:
        qemu_io(tmp_path / "none", "read 0 4k")
    assert "\n" not in str(failure.value)


def test_a_tool_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "find_tool", lambda name: None)
    with pytest.raises(CannotMeasure, match="apt-get install qemu-utils"):
        qemu_img("info", "x")
