"""`virtlab clean` removes what a killed owner left, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from virtlab import leftovers


def sleeper(mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "1000"], env={leftovers.OWNER_VARIABLE: mark})


def mark_of_the_dead() -> str:
    with subprocess.Popen(
        [sys.executable, "-c", "from virtlab.leftovers import owner_mark; print(owner_mark())"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        return process.stdout.read().strip()


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_process_of_a_dead_owner_goes() -> None:
    orphan = sleeper(mark_of_the_dead())
    try:
        assert f"process {orphan.pid} (sleep)" in leftovers.find()
        leftovers.clean()
        assert orphan.wait(10) == -signal.SIGKILL
        assert f"process {orphan.pid} (sleep)" not in leftovers.find()
    finally:
        orphan.kill()
        orphan.wait()


def test_the_process_of_a_living_owner_stays() -> None:
    child = sleeper(leftovers.owner_mark())
    try:
        leftovers.clean()
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    "mark",
    [
        "1-{pid}-{start}",  # the same process in another PID namespace: not ours to judge
        "nonsense",
    ],
)
def test_what_cannot_be_judged_stays(mark: str) -> None:
    namespace, pid, start = leftovers.owner_mark().split("-")
    other = sleeper(mark.format(namespace=namespace, pid=pid, start=start))
    try:
        leftovers.clean()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_reused_process_id_is_not_the_owner() -> None:
    """The same id with another start time is another process: its things are left over."""
    namespace, pid, start = leftovers.owner_mark().split("-")
    orphan = sleeper(f"{namespace}-{pid}-{int(start) + 1}")
    try:
        leftovers.clean()
        assert orphan.wait(10) == -signal.SIGKILL
    finally:
        orphan.kill()
        orphan.wait()


def test_folders_of_dead_owners_go_and_others_stay(tmp_path: Path) -> None:
    own = leftovers.make_folder()
    left = tmp_path / f"virtlab-{mark_of_the_dead()}-abc"
    foreign = tmp_path / "virtlab-notes"
    for folder in (left, foreign):
        (folder / "deep").mkdir(parents=True)
    assert leftovers.clean() == [f"folder {left}"]
    assert sorted(tmp_path.iterdir()) == sorted([own, foreign])


@pytest.mark.system
def test_a_mount_in_a_left_folder_goes_but_what_is_mounted_stays(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    left = tmp_path / f"virtlab-{mark_of_the_dead()}-abc"
    (left / "root").mkdir(parents=True)
    subprocess.run(["mount", "--bind", precious, left / "root"], check=True)
    assert f"mount {left / 'root'}" in leftovers.find()
    leftovers.clean()
    assert not left.exists()
    assert (precious / "file").read_text() == "keep me"


@pytest.mark.system
def test_a_control_group_of_a_dead_owner_goes() -> None:
    from virtlab import probes

    group = None
    for _, parent in probes.own_cgroups():
        try:
            group = parent / f"virtlab-{mark_of_the_dead()}-test"
            group.mkdir()
            break
        except OSError:
            group = None
    if group is None:
        pytest.skip("no control group can be made here")
    (group / "below").mkdir()
    leftovers.clean()
    assert not group.exists()


def test_nothing_is_left_after_an_owner_was_killed_in_the_middle() -> None:
    code = (
        "import os, tempfile\n"
        "from virtlab.runtimes import RUNTIMES\n"
        "print('ready', flush=True)\n"
        "while True: RUNTIMES['posix_spawn'].run()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        owner.stdout.readline()
        time.sleep(0.3)
        owner.kill()
    deadline = time.monotonic() + 20
    while leftovers.find() and time.monotonic() < deadline:
        leftovers.clean()
    assert leftovers.find() == []
