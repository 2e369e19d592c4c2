"""Every rung lives a whole life, in order of its boundaries, and leaves nothing behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from virtlab import host, leftovers
from virtlab.container.engine import DEFAULT_NAMESPACES
from virtlab.probes import kvm_backend
from virtlab.runtimes import RUNTIMES, Runtime, RuntimeFailed, launched
from virtlab.runtimes import launcher as launching
from virtlab.runtimes.base import BOUNDARIES
from virtlab.runtimes.containers import Namespaces
from virtlab.runtimes.launched import LaunchedRuntime, recipe
from virtlab.runtimes.launcher import Launcher, payload
from virtlab.runtimes.process import Fork, PosixSpawn
from virtlab.runtimes.qemu import QemuKvm

PAYLOADS = Path(launching.__file__).with_name("payloads")


SLOW = {"qemu-tcg-linux"}
EACH_RUNTIME = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in RUNTIMES]
)


def available(name: str) -> Runtime:
    """The runtime, or a skip with its reason."""
    capability = RUNTIMES[name].available()
    if not capability:
        pytest.skip(f"{name}: {capability.why}")
    return RUNTIMES[name]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture(autouse=True)
def _no_launcher_stays():
    yield
    launching.close_warm_launcher()


@EACH_RUNTIME
def test_a_life_passes_its_boundaries_in_order(name: str) -> None:
    runtime = available(name)
    before = time.monotonic_ns()
    stamps = runtime.run()
    after = time.monotonic_ns()
    reached = [stamps[boundary] for boundary in BOUNDARIES if boundary in stamps]
    assert {"call", "first_reply", "gone"} <= set(stamps)
    assert [before, *reached, after] == sorted([before, *reached, after])
    phases = set(stamps) - set(BOUNDARIES)
    assert all(stamps["call"] < stamps[phase] < stamps["gone"] for phase in phases)


@EACH_RUNTIME
def test_an_instance_is_there_until_it_is_stopped(name: str) -> None:
    runtime = available(name)
    with runtime.start() as instance:
        assert "gone" not in instance.stamps
        if instance.pid:
            assert not gone(instance.pid)
            memory = instance.memory()
            assert memory is None or memory > 0
    assert instance.stamps["gone"] > instance.stamps["first_reply"]
    assert not instance.pid or gone(instance.pid)
    instance.stop()


@EACH_RUNTIME
def test_several_live_at_once(name: str) -> None:
    lives = available(name).run_many(3)
    assert len(lives) == 3
    for stamps in lives:
        assert stamps["call"] < stamps["first_reply"] <= stamps["gone"]


@pytest.mark.serial
def test_the_ladder_is_in_order() -> None:
    """Thread before process before container before machine: at their best, so that whatever else
    the machine does just now decides nothing."""
    rungs = [
        name
        for name in ("thread", "posix_spawn", "namespaces", "qemu-tcg")
        if RUNTIMES[name].available()
    ]
    times: dict[str, list[int]] = {name: [] for name in rungs}
    for _ in range(20):
        for name in rungs:
            stamps = RUNTIMES[name].run()
            times[name].append(stamps["first_reply"] - stamps["call"])
    best = [min(times[name]) for name in rungs]
    assert best == sorted(best)


CONTAINERS = [name for name, runtime in RUNTIMES.items() if runtime.kind == "container"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_shows_a_machine_of_its_own(name: str) -> None:
    runtime = available(name)
    assert isinstance(runtime, LaunchedRuntime)
    # Only the shell's own means: an old gVisor does not know the calls of a new `ls`.
    script = "uname -n; echo /*; set -- /proc/[0-9]*; echo $#; grep CapEff /proc/self/status"
    life = runtime.lives(1, ["/bin/sh", "-c", script])[0]
    assert life["status"] == 0
    hostname, root, processes, capabilities = life["output"].strip().split("\n")
    assert hostname == "container"
    assert "/payload" in root.split()
    assert int(processes) <= 4
    assert int(capabilities.split()[1], 16) == 0


# Docker has roots of its own, and crun a launcher of its own.
@pytest.mark.parametrize("name", [name for name in CONTAINERS if name not in ("crun", "docker")])
def test_a_container_adds_nothing_to_the_root_that_many_share(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that start at once would both make the mount point that is missing, and one may fail."""
    runtime = available(name)
    with Launcher() as launcher:
        monkeypatch.setattr(runtime, "launcher", lambda: launcher)
        before = sorted(launcher.root.iterdir())
        runtime.run()
        assert sorted(launcher.root.iterdir()) == before


def test_each_namespace_can_be_switched() -> None:
    """And the positive control: what has no wall shows the host."""
    available("namespaces")
    for kind in DEFAULT_NAMESPACES:
        own = f"/proc/{'thread-' if kind == 'pid' else ''}self/ns/{kind}"
        show = ["/bin/readlink", own]
        host_has = str(Path(f"/proc/self/ns/{kind}").readlink())
        with_wall = Namespaces({kind, "mnt"}).lives(1, show)[0]["output"].strip()
        without = Namespaces(set(DEFAULT_NAMESPACES) - {kind}).lives(1, show)[0]["output"].strip()
        assert with_wall not in ("", host_has), kind
        assert without in ("", host_has), kind


def test_without_any_wall_the_host_shows() -> None:
    available("namespaces")
    life = Namespaces([]).lives(1, ["/bin/sh", "-c", "uname -n; ls -d /payload"])[0]
    assert life["output"].split("\n")[0] == os.uname().nodename
    assert life["status"] != 0


@pytest.mark.serial
def test_a_large_parent_makes_fork_dear_but_not_posix_spawn() -> None:
    """At their best of some tries: a fork copies page tables, posix_spawn borrows them."""

    def best(runtime: LaunchedRuntime) -> int:
        lives = [runtime.run() for _ in range(8)]
        return min(stamps["first_instruction"] - stamps["call"] for stamps in lives)

    large = 256
    assert best(Fork(large)) > 2 * best(Fork())
    assert best(PosixSpawn(large)) < best(Fork(large))


@pytest.mark.serial
def test_a_cold_launcher_costs_more_than_a_warm_one() -> None:
    runtime = PosixSpawn()
    warm = min((stamps := runtime.run())["first_reply"] - stamps["call"] for _ in range(5))
    cold = min((stamps := runtime.run_cold())["first_reply"] - stamps["call"] for _ in range(3))
    assert cold > 2 * warm


@pytest.mark.serial
def test_our_container_starts_no_slower_than_bubblewrap_and_twice_as_fast_as_runc() -> None:
    """With the same namespaces, mounts and program; each at its best of interleaved tries."""
    ours = available("namespaces")
    others = {name: 1.0 for name in ("bubblewrap",) if RUNTIMES[name].available()}
    others |= {name: 0.5 for name in ("runc",) if RUNTIMES[name].available()}
    best = dict.fromkeys([ours.name, *others], float("inf"))
    for _ in range(15):
        for name in best:
            stamps = RUNTIMES[name].run(["/bin/true"])
            best[name] = min(best[name], stamps["gone"] - stamps["call"])
    for name, share in others.items():
        assert best[ours.name] < share * best[name], best


class Odd(LaunchedRuntime):
    """A runtime that does what a test wants."""

    name = "odd"
    kind = "process"
    describe = "odd"

    def __init__(self, *argv: str, clock: str = "timespec", patience_s: float = 30.0) -> None:
        self.argv, self.clock, self.patience_s = argv, clock, patience_s

    def spec(self, launcher, command):
        return recipe(launcher, "spawn", self.argv, clock=self.clock)


def test_a_missing_program_is_one_line() -> None:
    with pytest.raises(RuntimeFailed, match=r"^odd: No such file or directory: /no/such$"):
        Odd("/no/such").run()


def test_a_program_that_dies_tells_its_last_words() -> None:
    with pytest.raises(RuntimeFailed, match=r"^odd: cannot go on$"):
        Odd("/bin/sh", "-c", "echo first >&2; echo cannot go on >&2; exit 3").run()


def test_a_silent_death_tells_the_status() -> None:
    with pytest.raises(RuntimeFailed, match=r"^odd: it ended with status 3"):
        Odd("/bin/sh", "-c", "exit 3").run()


@pytest.mark.parametrize("way", ["run", "start"])
def test_what_hangs_is_ended(way: str) -> None:
    hanging = Odd("/bin/sleep", "1000", patience_s=0.2)
    with pytest.raises(RuntimeFailed, match=r"no (end|reply) within 0\.2 s; it was ended"):
        getattr(hanging, way)()
    helper = launching.warm_launcher().pid
    assert Path(f"/proc/{helper}/task/{helper}/children").read_text() == ""
    assert RUNTIMES["posix_spawn"].run()


def test_a_runtime_that_hangs_in_its_cleaning_up_too_is_ended_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stuck(Odd):
        def spec(self, launcher, command):
            return {**super().spec(launcher, command), "cleanup": [[str(endless)]]}

    monkeypatch.setattr(launched, "TRIAL_S", 0.2)
    monkeypatch.setattr(launching, "_GRACE_S", 0.5)
    endless = launching.warm_launcher().folder / "endless"
    endless.write_text("#!/bin/sh\nexec sleep 1000.125\n")
    endless.chmod(0o755)
    answer = Stuck("/bin/sleep", "1000.125").available()
    assert not answer
    assert answer.why == "odd: the launcher died; the next start makes a new one"
    assert not endless.exists()
    left = [one for one in psutil.process_iter(["cmdline"]) if "1000.125" in str(one.info)]
    assert psutil.wait_procs(left, timeout=10)[1] == []


@pytest.mark.system
def test_a_machine_that_kvm_never_gets_going_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    available("qemu-tcg")
    if not host.kvm or "software" not in kvm_backend():
        pytest.skip("needs a KVM that does not get through a BIOS: one in software")
    machine = QemuKvm()
    machine.accelerator, machine.patience_s = "KVM (as if it had hardware)", 0.5
    answer = machine.available()
    assert (answer.ok, answer.why) == (False, "qemu-kvm: no end within 0.5 s; it was ended")


def test_much_output_does_not_block() -> None:
    life = Odd("/bin/sh", "-c", "head -c 1000000 /dev/zero", clock="").lives(1)[0]
    assert life["status"] == 0


def test_what_a_program_leaves_running_ends_with_the_launcher() -> None:
    script = "sleep 1000 >/dev/null 2>&1 & echo $!"
    with_child = Odd("/bin/sh", "-c", script, clock="")
    sleeper = int(with_child.lives(1)[0]["output"])
    assert not gone(sleeper)
    launching.close_warm_launcher()
    assert gone(sleeper)


def test_the_launcher_closes_all_it_made() -> None:
    with Launcher() as launcher:
        assert launcher.alive
        folder, helper = launcher.folder, launcher.pid
        assert (folder / "root" / "payload").exists()
    assert gone(helper)
    assert not folder.exists()


def test_a_dead_launcher_is_told_and_replaced() -> None:
    launcher = launching.warm_launcher()
    os.kill(launcher.pid, signal.SIGSTOP)
    os.kill(launcher.pid, signal.SIGKILL)
    with pytest.raises(RuntimeFailed, match="the launcher died"):
        launcher.ask({"op": "stop", "id": 0}, 1.0)
    assert not launcher.folder.exists()
    assert RUNTIMES["posix_spawn"].run()


@pytest.mark.xdist_group("leftovers")
@pytest.mark.usefixtures("alone_with_leftovers")
def test_the_launcher_ends_with_a_killed_owner() -> None:
    """SIGKILL takes the owner's chance to clean up; the helper notices and ends all the same."""
    code = (
        "from virtlab.leftovers import owner_mark\n"
        "from virtlab.runtimes import RUNTIMES\n"
        "from virtlab.runtimes.launcher import warm_launcher\n"
        "life = RUNTIMES['posix_spawn'].start()\n"
        "print(owner_mark(), warm_launcher().pid, life.pid, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        mark, *pids = owner.stdout.readline().split()
        owner.kill()
    deadline = time.monotonic() + 20
    while not all(gone(int(pid)) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(gone(int(pid)) for pid in pids)
    leftovers.clean()
    assert not [what for what in leftovers.find() if mark in what]


def assemble(name: str, folder: Path) -> bytes:
    """Assembles a payload again, as the Makefile beside it says; skips where the tools are not."""
    for tool in ("make", "as", "ld"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if name.endswith("aarch64") and shutil.which("aarch64-linux-gnu-as") is None:
        pytest.skip("aarch64-linux-gnu-as is not installed")
    if not name.endswith("aarch64") and os.uname().machine != "x86_64":
        pytest.skip("the assembler here is for another machine")
    for file in ("Makefile", f"{name}.S"):
        shutil.copy(PAYLOADS / file, folder)
    subprocess.run(["make", "-C", folder, f"{name}.bin"], check=True, capture_output=True)
    return (folder / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.S")))
def test_a_payload_is_what_its_assembly_says(name: str, tmp_path: Path) -> None:
    assert assemble(name, tmp_path) == (PAYLOADS / f"{name}.bin").read_bytes()


ELF_HEADERS = 64 + 56  # what lies before the first instruction of a static program
SAME_INSTRUCTION = {"jz": "je", "jnz": "jne", "jc": "jb", "jnc": "jae"}


def instructions(assembly: str) -> list[str]:
    """The names of a program's instructions in order, without their size."""
    found = []
    for line in assembly.splitlines():
        code = re.sub(r"^\w+:\s*", "", re.sub(r"#.*", "", line).strip())
        if code and not code.startswith("."):
            name = code.split()[0]
            found.append(SAME_INSTRUCTION.get(name, name).rstrip("bwlq"))
    return found


@pytest.mark.parametrize(
    "name", [*sorted(path.stem for path in PAYLOADS.glob("kvm-*.S")), "ready-bios", "stamp-x86_64"]
)
def test_a_guest_disassembles_to_its_assembly(name: str) -> None:
    """Where there is no assembler, too."""
    capstone = pytest.importorskip("capstone")
    assembly, program = (PAYLOADS / f"{name}.S").read_text(), payload(name)
    mode = capstone.CS_MODE_16 if ".code16" in assembly else capstone.CS_MODE_64
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, mode)
    disassembler.syntax = capstone.CS_OPT_SYNTAX_ATT
    begin = ELF_HEADERS if program.startswith(b"\x7fELF") else 0
    wanted = instructions(assembly)
    found = [one.mnemonic.rstrip("bwlq") for one in disassembler.disasm(program[begin:], 0)]
    assert found[: len(wanted)] == wanted


def test_every_payload_has_its_assembly() -> None:
    binaries = {path.stem for path in PAYLOADS.glob("*.bin")}
    assert binaries == {path.stem for path in PAYLOADS.glob("*.S")}


def test_the_class_of_the_jvm_rung_is_its_source(tmp_path: Path) -> None:
    javac = shutil.which("javac")
    if javac is None:
        pytest.skip("javac is not installed")
    version = subprocess.run([javac, "-version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("javac 17."):
        pytest.skip(f"made by javac 17, not {version.strip()}")
    options = ["-g:none", "--release", "8", "-nowarn", "-d", tmp_path]
    command = [javac, *options, PAYLOADS / "Stamp.java"]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "Stamp.class").read_bytes() == (PAYLOADS / "Stamp.class").read_bytes()


def test_the_program_of_the_clr_rung_is_its_source(tmp_path: Path) -> None:
    """The compiler puts the time (4 bytes) and a random identity (16 bytes) into what it makes."""
    if shutil.which("mcs") is None:
        pytest.skip("mcs is not installed")
    made = tmp_path / "Stamp.exe"
    subprocess.run(["mcs", f"-out:{made}", PAYLOADS / "Stamp.cs"], check=True)
    ours, theirs = (PAYLOADS / "Stamp.exe").read_bytes(), made.read_bytes()
    assert len(ours) == len(theirs)
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) <= 20


def test_an_emulated_processor_needs_no_gibibyte_of_address_space() -> None:
    if not (unicorn := RUNTIMES["unicorn"].available()):
        pytest.skip(unicorn.why)
    program = (
        "import resource, unicorn\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (400 << 20, 400 << 20))\n"
        "from virtlab.runtimes.cpu_emulator import emulated_processor\n"
        "emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64).mem_map(0x1000, 0x1000)\n"
        "print('made')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "made\n", done.stderr
