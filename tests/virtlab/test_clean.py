"""`virtlab clean` removes what a killed owner left, and nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.virtlab.traces import traces, wait_for_nothing
from virtlab import host, leftovers
from virtlab.resources import cgroups
from virtlab.resources.cgroups import NoCgroup

# One test's clean-up would find what another has just left: never in two processes at once, be they
# of one session (the group) or of two (the fixture).
pytestmark = [pytest.mark.xdist_group("leftovers"), pytest.mark.usefixtures("alone_with_leftovers")]


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
    assert f"folder {left}" in leftovers.clean()
    assert sorted(tmp_path.iterdir()) == sorted([own, foreign])


@pytest.mark.parametrize(
    "make", [leftovers.make_folder, lambda: leftovers.own_folder().__enter__()]
)
def test_an_interrupt_while_a_folder_is_made_leaves_none(
    make: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tempfile.mkdtemp

    def interrupted(prefix: str) -> str:
        made = usual(prefix=prefix)
        os.kill(os.getpid(), signal.SIGINT)
        return made

    monkeypatch.setattr("tempfile.mkdtemp", interrupted)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            make()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert list(tmp_path.iterdir()) == []


def test_an_own_folder_goes_after_an_exception() -> None:
    seen: list[Path] = []

    def use_it() -> None:
        with leftovers.own_folder() as folder:
            seen.append(folder)
            (folder / "file").touch()
            raise KeyError("in the block")

    with pytest.raises(KeyError):
        use_it()
    assert not seen[0].exists()


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
def test_a_loop_device_on_a_left_file_is_freed(tmp_path: Path) -> None:
    if not host.loop_device:
        pytest.skip(f"loop device: {host.probe('loop device').why}")
    left = tmp_path / f"virtlab-{mark_of_the_dead()}-abc"
    left.mkdir()
    (left / "disk").write_bytes(bytes(1 << 20))
    command = ["losetup", "--find", "--show", left / "disk"]
    device = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert f"loop device {device}" in leftovers.find()
    leftovers.clean()
    assert not Path(f"/sys/block/{Path(device).name}/loop/backing_file").exists()


@pytest.mark.system
def test_a_network_device_with_a_dead_owner_goes() -> None:
    """In a network namespace, so that a failure here leaves nothing on the machine."""
    if os.geteuid() != 0 or shutil.which("ip") is None or not host.probe("net namespace"):
        pytest.skip("needs root, the ip command and network namespaces")
    code = (
        "import subprocess, sys\n"
        "from virtlab import leftovers\n"
        "def ip(*words): subprocess.run(['ip', 'link', *words], check=True)\n"
        "for name, mark in [('left0', sys.argv[1]), ('mine0', leftovers.owner_mark())]:\n"
        "    ip('add', name, 'type', 'bridge')\n"
        "    ip('set', 'dev', name, 'alias', f'virtlab-{mark}')\n"
        "print(leftovers.clean())\n"
        "ip('show', 'mine0')\n"
    )
    command = ["unshare", "--net", "--mount", "sh", "-c"]
    script = 'mount -t sysfs sysfs /sys && exec "$@"'
    run = subprocess.run(
        [*command, script, "sh", sys.executable, "-c", code, mark_of_the_dead()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "network device left0" in run.stdout
    assert "mine0" in run.stdout


@pytest.mark.system
def test_a_control_group_of_a_dead_owner_goes() -> None:
    try:
        with cgroups.group("pids") as own:
            parents = [place.parent for place in own.places]
    except NoCgroup as error:
        pytest.skip(f"no control group for this user: {error}")
    groups = [parent / f"virtlab-{mark_of_the_dead()}-test" for parent in parents]
    for group in groups:
        (group / "below").mkdir(parents=True)
    leftovers.clean()
    assert not any(group.exists() for group in groups)


LIVES = ("posix_spawn", "namespaces", "bubblewrap", "runc", "kvm", "qemu-tcg")
MIXED_LIVES = """
import itertools, sys
from virtlab import leftovers
from virtlab.runtimes import RUNTIMES
names = [name for name in sys.argv[1].split(",") if RUNTIMES[name].available()]
print(leftovers.owner_mark(), flush=True)
for name in itertools.cycle(names):
    with RUNTIMES[name].start():
        RUNTIMES[name].run()
"""


def kill_in_the_middle(moment: float, with_helpers: bool) -> None:
    """Kills an owner while it starts one thing after the other, cleans, and looks for traces."""
    command = [sys.executable, "-c", MIXED_LIVES, ",".join(LIVES)]
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout
        mark = owner.stdout.readline().strip()
        time.sleep(moment)
        helpers = Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text().split()
        owner.kill()
        for helper in helpers if with_helpers else []:
            os.kill(int(helper), signal.SIGKILL)
    assert mark
    if not with_helpers:
        wait_for_nothing(mark)
    leftovers.clean()
    leftovers.clean()  # what was just being made when the first one looked
    assert traces(mark) == []


@pytest.mark.parametrize("with_helpers", [False, True])
def test_nothing_is_left_after_an_owner_was_killed(with_helpers: bool) -> None:
    kill_in_the_middle(0.4, with_helpers)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [number / 20 for number in range(1, 21)])
def test_nothing_is_left_whenever_an_owner_was_killed(moment: float) -> None:
    kill_in_the_middle(moment, with_helpers=True)


def interrupt_at_random(tries: int) -> str:
    """Interrupts lives at random moments in another process; returns what that process saw left."""
    code = """
import os, random, signal, sys, threading, time
from virtlab import leftovers
from virtlab.runtimes import RUNTIMES
from virtlab.runtimes.launcher import close_warm_launcher
names = [name for name in sys.argv[1].split(",") if RUNTIMES[name].available()]
random.seed(1)
hits = 0
for number in range(int(sys.argv[2])):
    name = names[number % len(names)]
    RUNTIMES["posix_spawn"].run()
    interrupt = threading.Timer(random.expovariate(1 / 0.01), os.kill, (os.getpid(), signal.SIGINT))
    try:
        interrupt.start()
        with RUNTIMES[name].start():
            RUNTIMES[name].run()
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        hits += 1
close_warm_launcher()
print(hits, leftovers.owner_mark(), flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, ",".join(LIVES), str(tries)]
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as owner:
        assert owner.stdout
        assert owner.stdin
        hits, _, mark = owner.stdout.readline().strip().partition(" ")
        assert int(hits) == tries
        left = [line for line in traces(mark) if f"/proc/{owner.pid}/" not in line]
        owner.stdin.close()
        owner.wait(30)
    assert traces(mark) == []
    return "\n".join(left)


def test_interrupts_leave_nothing() -> None:
    assert interrupt_at_random(12) == ""


@pytest.mark.slow
def test_a_hundred_interrupts_leave_nothing() -> None:
    assert interrupt_at_random(100) == ""


@pytest.mark.system
def test_what_cannot_be_unmounted_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    folder = leftovers.make_folder()
    (folder / "root").mkdir()
    subprocess.run(["mount", "--bind", precious, folder / "root"], check=True)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(leftovers, "_quietly", lambda *_: "")
            leftovers.remove_folder(folder)
        assert (precious / "file").read_text() == "keep me"
    finally:
        leftovers.remove_folder(folder)
    assert (precious / "file").read_text() == "keep me"
    assert not folder.exists()
