"""What killed graders leave is removed; what belongs to a living one is not touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from autograder.sandbox import Zygote
from autograder.sandbox.limits import own_group
from autograder.sandbox.scratch import left_behind, owned_name, remove_left_behind


@pytest.fixture
def dead_name() -> str:
    """How the names of a grader begin that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return owned_name().replace(f"-{os.getpid()}-", f"-{ended.pid}-")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_folders_of_the_dead_go_and_others_stay(scratch: Path, dead_name: str) -> None:
    gone = scratch / f"{dead_name}source-x"
    stays = [
        scratch / f"{owned_name()}x",
        scratch / "autograder-notes",
        scratch / "autograder-1-2-",
    ]
    for folder in (gone, *stays):
        (folder / "within").mkdir(parents=True)
    assert gone in left_behind()
    remove_left_behind()
    assert sorted(scratch.iterdir()) == sorted(stays)


def test_a_room_that_was_still_ending_at_the_start_is_gone_at_the_end(
    scratch: Path, dead_name: str, worker: object
) -> None:
    parent = own_group()
    if parent is None:
        pytest.skip("no memory cgroup can be made here")
    group = parent / f"{dead_name}1"
    group.mkdir()
    with subprocess.Popen(["sleep", "60"]) as room:
        try:
            (group / "cgroup.procs").write_text(str(room.pid))
            with Zygote():
                assert group.exists(), "a group with a process in it cannot go"
                room.kill()
                room.wait()
            assert not group.exists()
        finally:
            room.kill()
