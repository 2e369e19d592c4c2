"""The walls: what they are built of, and what is gone when the grader is."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.cells import Limits, Outcome, Place, Step
from autograder.examiner import SourceNames, run_steps
from autograder.sandbox import (
    SandboxUnavailable,
    Zygote,
    ZygoteDied,
    client,
    doctor,
    processors,
    room,
    seccomp,
)
from autograder.sandbox.limits import processes_below
from autograder.sandbox.scratch import owned_name

AS_ANOTHER_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
IN_A_CONTAINER = (  # root of a user namespace with one id, and a /proc that is partly hidden
    "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
    'mount -t tmpfs none /proc/irq; exec "$@"', "sh",
)  # fmt: skip
WITHOUT_NAMESPACES = (
    "unshare", "--user", "--map-root-user", "sh", "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh",
)  # fmt: skip


def run(zygote: Zygote, folder: Path, *sources: str, limits: Limits | None = None) -> list[Outcome]:
    steps = [Step(f"c{n}", source, Place.ROOM) for n, source in enumerate(sources)]
    return run_steps(
        zygote, steps, folder=folder, source_folder=folder, names=SourceNames(), limits=limits
    )


def printed(outcome: Outcome) -> str:
    assert outcome.state == "ok", outcome
    return "".join(output.get("text", "") for output in outcome.outputs)


def started(zygote: Zygote) -> Zygote:
    try:
        return zygote.__enter__()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    warm = started(Zygote())
    with warm_down(warm):
        yield warm


class warm_down:  # noqa: N801
    def __init__(self, zygote: Zygote) -> None:
        self.zygote = zygote

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.zygote.__exit__(None, None, None)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_knows_each_number_once(machine: str) -> None:
    allowed, refused = seccomp.allowed_numbers(machine), seccomp.refused_numbers(machine)
    assert len(set(allowed)) == len(allowed) > 150
    assert not set(allowed) & set(refused)
    program = seccomp.build(machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 < 4096
    for offset in range(0, len(program), 8):  # no jump leads out of the program
        _, yes, no, _ = struct.unpack_from("=HBBI", program, offset)
        assert offset // 8 + 1 + max(yes, no) <= len(program) // 8


def test_an_unknown_architecture_has_no_filter() -> None:
    with pytest.raises(ValueError, match="sparc"):
        seccomp.build("sparc")


def interpret(program: bytes, number: int, arguments: tuple[int, ...] = (), arch: int = 0) -> int:
    """What a filter returns for a system call, by the rules of classic BPF."""
    data = struct.pack("<iIQ6Q", number, arch or 0xC000003E, 0, *(*arguments, *[0] * 6)[:6])
    accumulator, counter = 0, 0
    while True:
        code, yes, no, value = struct.unpack_from("=HBBI", program, counter * 8)
        counter += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value,
                     0x45: bool(accumulator & value)}[code]  # fmt: skip
            counter += yes if holds else no


def test_the_filter_decides_by_number_and_argument() -> None:
    program = seccomp.build("x86_64")
    allow, refuse, unknown, kill = (
        0x7FFF0000,
        0x50000 | errno.EPERM,
        0x50000 | errno.ENOSYS,
        1 << 31,
    )
    assert interpret(program, 0) == allow  # read
    assert interpret(program, 231) == allow  # exit_group
    assert interpret(program, 41) == refuse  # socket
    assert interpret(program, 101) == refuse  # ptrace
    assert interpret(program, 435) == unknown  # clone3
    assert interpret(program, 9999) == unknown
    assert interpret(program, 56, (0x11,)) == allow  # clone, a fork
    assert interpret(program, 56, (0x10000011,)) == refuse  # clone, a user namespace
    assert interpret(program, 53, (1,)) == allow  # socketpair of Unix sockets
    assert interpret(program, 53, (2,)) == refuse
    assert interpret(program, 16, (0, 0x5412)) == refuse  # ioctl, type into a terminal
    assert interpret(program, 16, (0, 0x5401)) == allow
    assert interpret(program, 0x40000000) == kill  # x32
    assert interpret(program, 0, arch=0x40000003) == kill  # 32-bit


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_finds_every_number(machine: str) -> None:
    program = seccomp.build(machine)
    answers = dict.fromkeys(seccomp.allowed_numbers(machine), 0x7FFF0000)
    answers |= dict.fromkeys(seccomp.refused_numbers(machine), 0x50000 | errno.EPERM)
    _, arch = seccomp._ARCHITECTURES[machine]
    by_argument = {seccomp._CLONE[machine], seccomp._IOCTL[machine], seccomp._SOCKETPAIR[machine]}
    for number in set(range(1000)) - by_argument:
        wanted = answers.get(number, 0x50000 | errno.ENOSYS)
        assert interpret(program, number, arch=arch) == wanted, number


def test_no_two_pairs_claim_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "NAME", f"\0test-{os.getpid()}-{{}}")
    usable = sorted(os.sched_getaffinity(0))
    monkeypatch.setattr(processors.linux, "current_processor", lambda: usable[-1])
    claims = [processors.Processor() for _ in usable]
    assert claims[0].allowed == [usable[-1]]  # where it is
    assert sorted(claim.allowed for claim in claims) == [[number] for number in usable]
    late = processors.Processor()
    assert late.allowed == usable  # none is left: it runs where the kernel likes
    claims[0].release()
    again = processors.Processor()
    assert again.allowed == [usable[-1]]
    for claim in (*claims, late, again):
        claim.release()


def test_copying_leaves_out_links_and_special_files(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    target.mkdir()
    (source / "a.txt").write_text("a")
    (source / "deep" / "b.txt").write_text("b")
    (source / "link").symlink_to("/etc/passwd")
    (source / "folder-link").symlink_to("/etc")
    os.mkfifo(source / "pipe")
    (source / "large").write_bytes(bytes(2000))
    fd = os.open(source, os.O_RDONLY)
    room.copy_tree(fd, str(target), 0, 1000)
    os.close(fd)
    copied = sorted(str(path.relative_to(target)) for path in target.rglob("*"))
    assert copied == ["a.txt", "deep", "deep/b.txt"]


def test_readable_folders_are_folders_once_and_never_the_root(tmp_path: Path) -> None:
    found = room.readable_folders((str(tmp_path), str(tmp_path / "inner"), "/", "/no/such"))
    assert str(tmp_path) in found
    assert "/" not in found
    assert not any(a != b and a.startswith(b + "/") for a in found for b in found)


def test_a_room_has_no_view_of_the_host(zygote: Zygote, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("given")
    seen = printed(
        run(
            zygote,
            tmp_path,
            f"""
import os, socket
print(os.getcwd(), os.listdir(), open("data.txt").read(), os.getpid(), os.getuid() != 0)
print(os.path.exists({str(tmp_path)!r}), os.listdir("/root") if os.path.exists("/root") else [])
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")])
print(socket.gethostname(), sorted(os.listdir("/dev")))
""",
        )[0]
    )
    assert "/room ['data.txt'] given 1 True" in seen
    assert "False" in seen
    assert "0000000000000000" in seen
    assert "room ['fd', 'full', 'null'" in seen


def test_the_environment_is_not_the_graders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    warm = started(Zygote())
    with warm_down(warm):
        outcomes = run(
            warm, tmp_path, "import os; print(os.environ, open('/proc/self/environ').read())"
        )
    assert "hunter2" not in printed(outcomes[0])


@pytest.mark.parametrize("unsafe_no_sandbox", [False, True])
def test_start_up_reads_and_leaves_nothing_where_other_users_write(
    unsafe_no_sandbox: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home that rooms see is /tmp, which everyone on a host shares."""
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "matplotlibrc").write_text("axes.facecolor: red\n")
    for variable in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setitem(client._ENVIRONMENT, variable, str(planted))
    before = temporary_folders()
    with warm_down(zygote := started(Zygote(unsafe_no_sandbox=unsafe_no_sandbox))):
        source = "import matplotlib\nprint(matplotlib.rcParams['axes.facecolor'])"
        (outcome,) = run(zygote, tmp_path, source)
        assert printed(outcome) == "white\n"
    assert [path.name for path in planted.iterdir()] == ["matplotlibrc"]
    assert temporary_folders() <= before


def temporary_folders() -> set[Path]:
    """Those of this process."""
    return set(Path(tempfile.gettempdir()).glob(f"{owned_name()}*"))


def test_a_readable_folder_can_be_read_and_not_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    (data / "x.csv").write_text("1")
    tmp_path.chmod(0o755)
    warm = started(Zygote(readable=[data]))
    with warm_down(warm):
        outcomes = run(warm, data, f"print(open('{data}/x.csv').read())", f"open('{data}/y', 'w')")
    assert printed(outcomes[0]) == "1\n"
    assert outcomes[1].state == "error"
    assert not (data / "y").exists()


@pytest.mark.system
@pytest.mark.parametrize("prefix", [AS_ANOTHER_USER, IN_A_CONTAINER], ids=["user", "container"])
def test_rooms_can_be_built_without_root(prefix: tuple[str, ...], tmp_path: Path) -> None:
    zygote = Zygote()
    zygote.prefix = prefix
    warm = started(zygote)
    with warm_down(warm):
        outcomes = run(
            warm,
            tmp_path,
            "import os\nprint(os.getuid(), os.getpid(), os.listdir('/source'))",
            "import socket\nsocket.socket()",
        )
    assert printed(outcomes[0]) == "1000 1 []\n"
    assert outcomes[1].message.startswith("PermissionError")


@pytest.mark.system
def test_a_host_without_namespaces_is_told_in_one_line_with_the_remedy() -> None:
    zygote = Zygote()
    zygote.prefix = WITHOUT_NAMESPACES
    with pytest.raises(SandboxUnavailable) as raised, zygote:
        pass
    assert "\n" not in str(raised.value)
    assert "autograder doctor" in str(raised.value)


def test_unsafe_runs_without_walls_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("given")
    with Zygote(unsafe_no_sandbox=True) as warm:
        outcomes = run(
            warm, tmp_path, "print(open('data.txt').read())", "open('made', 'w')", "1 / 0"
        )
    assert printed(outcomes[0]) == "given\n"
    assert [o.state for o in outcomes] == ["ok", "ok", "error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.txt"]


def test_memory_of_all_processes_is_watched_where_no_cgroup_is(
    zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.sandbox.limits.own_group", lambda: None)
    outcomes = run(
        zygote,
        tmp_path,
        """
import os, time
for _ in range(8):
    if os.fork() == 0:
        block = b"x" * (100 << 20)
        time.sleep(60)
time.sleep(60)
""",
        "1",
        limits=Limits(memory_bytes=200 << 20, cell_wall_s=50),
    )
    assert outcomes[0].state == "limit"
    assert "memory" in outcomes[0].message
    assert outcomes[1].state == "ok"


def test_nothing_outlives_a_submission(zygote: Zygote, tmp_path: Path) -> None:
    assert zygote._process is not None
    before = processes_below(zygote._process.pid)
    run(zygote, tmp_path, "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass")
    assert processes_below(zygote._process.pid) == before


HOLDER = """
import sys, tempfile
from pathlib import Path
from autograder.cells import *
from autograder.sandbox import Zygote
from autograder.examiner import *
folder = Path(sys.argv[1])
with Zygote() as zygote:
    print(zygote._process.pid, flush=True)
    step = Step("c", "import os\\nos.fork() or os.setsid()\\nwhile True: pass", Place.ROOM)
    run_steps(zygote, [step], folder=folder, source_folder=folder, names=SourceNames(),
              limits=Limits(cell_wall_s=600, total_wall_s=600, cpu_s=600))
"""


@pytest.mark.long
def test_when_the_grader_is_killed_every_room_ends(zygote: Zygote, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        pid = int(holder.stdout.readline())
        wait_until(lambda: len(processes_below(pid)) >= 5)  # with the room's two processes
        running = processes_below(pid)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in running))


def wait_until(holds: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_dead_zygote_is_told(tmp_path: Path) -> None:
    warm = started(Zygote())
    with warm_down(warm):
        assert warm._process is not None
        warm._process.kill()
        with pytest.raises(ZygoteDied):
            run(warm, tmp_path, "1")


def test_doctor_says_what_is_there_and_what_to_do() -> None:
    checks = doctor()
    assert [check[0] for check in checks][-1] == "room"
    for name, ok, why, remedy in checks:
        assert name
        assert why
        assert ok or remedy
        assert "\n" not in why + remedy
    json.dumps(checks)


def test_a_full_channel_does_not_stop_the_grader(zygote: Zygote, tmp_path: Path) -> None:
    outcomes = run(
        zygote,
        tmp_path,
        """
import gc
control = [thing for thing in gc.get_objects() if type(thing).__name__ == "_Room"][0].control
while True:
    control.send(bytes(65536))
""",
        "print('next')",
        limits=Limits(cell_wall_s=5),
    )
    assert outcomes[0].state in ("limit", "dead")
    assert printed(outcomes[1]) == "next\n"


def test_sockets_are_there_to_be_refused(zygote: Zygote, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        outcomes = run(
            zygote, tmp_path, f"import socket\nsocket.create_connection(('127.0.0.1', {port}))"
        )
    assert outcomes[0].message.startswith("PermissionError")
