"""Experiments of chapter 05: what a prisoner sees, kills and may ask for; what a snapshot gives.

Every attack is aimed at a process, a file or a port that the experiment made for it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, images, leftovers
from virtlab.container.engine import DEFAULT_NAMESPACES
from virtlab.experiments.running import (
    PROGRAMS,
    launched,
    output_of,
    qemu_img,
    qemu_io,
    run_program,
)
from virtlab.host import find_tool
from virtlab.measure.rounds import measure_rounds
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed, configured
from virtlab.runtimes.containers import Namespaces
from virtlab.runtimes.launched import LaunchedRuntime
from virtlab.runtimes.rooted import rooted

CHAPTER = "05-security"
_PATIENCE_S = 30
OPEN, SHUT = "got through", "stopped"


# --- the victim, and what is done to it -----------------------------------------------------------


@dataclass(frozen=True)
class Victim:
    """What an attack is aimed at. All of it was made for the attack.

    Attributes:
        process: a process of the host.
        address: where in its memory a secret lies.
        port: where it gives another secret to callers, on the host's loopback.
        file: a file of the host with a third secret.
        memory, service, text: the three secrets.
    """

    process: subprocess.Popen[str]
    address: int
    port: int
    file: Path
    memory: str
    service: str
    text: str

    @property
    def pid(self) -> int:
        """Its number on the host."""
        return self.process.pid

    def is_alive(self) -> bool:
        """Whether it survived; it gets a moment to die."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.1)
        return self.process.poll() is None


@contextmanager
def victim() -> Iterator[Victim]:
    """Start a victim, and end it afterwards."""
    memory, service, text = (f"{name}-{secrets.token_hex(4)}" for name in ("mem", "net", "file"))
    with leftovers.own_folder() as folder:
        file = folder / "secret"
        file.write_text(f"{text}\n")
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(PROGRAMS / "victim.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
            text=True,
        )
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{memory}\n{service}\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline() or "{}")
            if not told:
                raise CannotMeasure("the victim did not start")
            yield Victim(process, told["address"], told["port"], file, memory, service, text)
        finally:
            process.kill()
            process.communicate()


# The same misbehaving program for every prison: it looks, then takes what it can, and kills last.
MISBEHAVE = """
set -- /proc/[0-9]*; echo "processes $#"
sleep 30 & own=$!; kill -9 $own; wait $own 2>/dev/null; echo "own $?"
read -r word < {file} && echo "file $word"
word=$(echo | busybox nc -w 2 127.0.0.1 {port}) && echo "service $word"
word=$(busybox dd if=/proc/{pid}/mem bs=1 skip={address} count={length}) && echo "memory $word"
kill -9 {pid}
"""
KILLED = 128 + signal.SIGKILL


@experiment(f"{CHAPTER}/prisoner", needs=[host.namespaces, host.busybox], claims=["C023"])
def prisoner() -> pd.DataFrame:
    """Run one misbehaving program as a process, in containers with a wall missing, and in a VM.

    Each time a new victim is outside: a process with a secret in its memory and another one behind
    a port, and a file with a third one. The program first kills a process of its own, to show that
    its weapons work where it is.

    Returns:
        One row for each prison: condition, processes (how many it sees), own_process (killed or
        alive), kill, file, service and memory ("got through" or "stopped"), accelerator.
    """
    rows, failed = [], {}
    with _busybox_root() as root, ExitStack() as stack:
        prisons: dict[str, LaunchedRuntime] = {}

        def add(name: str, runtime: LaunchedRuntime, with_root: bool = True) -> None:
            if available := runtime.available():
                inside = stack.enter_context(rooted(runtime, root)) if with_root else runtime
                prisons[name] = inside
            else:
                failed[name] = available.why

        walls = set(DEFAULT_NAMESPACES)
        add("process", launched("posix_spawn"), with_root=False)
        add("no mount wall", Namespaces(walls - {"mnt"}), with_root=False)
        add("no network wall", Namespaces(walls - {"net"}))
        add("no PID wall", Namespaces(walls - {"pid"}))
        add("no PID wall, all capabilities", Namespaces(walls - {"pid"}, powerless=False))
        add("container", Namespaces(walls))
        add("gVisor", launched("gvisor"))
        add("virtual machine", launched("qemu-tcg-linux"), with_root=False)
        for name, runtime in prisons.items():
            try:
                rows.append({"condition": name} | _misbehave(runtime))
            except RuntimeFailed as error:
                failed[name] = str(error)
    data = pd.DataFrame(rows)
    data["accelerator"] = data["condition"].map({"virtual machine": "TCG"}).fillna("")
    data.attrs["failed"] = failed
    return data


def _misbehave(runtime: LaunchedRuntime) -> dict[str, Any]:
    with victim() as target:
        script = MISBEHAVE.format(
            pid=target.pid,
            file=target.file,
            port=target.port,
            address=target.address,
            length=len(target.memory),
        )
        said = _said(output_of(runtime, _shell(script)))
        killed = not target.is_alive()
    return {
        "processes": int(said.get("processes", 0)),
        "own_process": "killed" if said.get("own") == str(KILLED) else "alive",
        "kill": _outcome(killed),
        "file": _outcome(said.get("file") == target.text),
        "service": _outcome(said.get("service") == target.service),
        "memory": _outcome(said.get("memory") == target.memory),
    }


# --- policies: three refusals ---------------------------------------------------------------------

# What Docker's own profile refuses, too: a new user namespace, by either call that can make one.
NEW_USER = 0x10000000
PROFILE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [
        {
            "names": ["unshare", "clone"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": 1,
            "args": [
                {"index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": NEW_USER, "valueTwo": NEW_USER}
            ],
        },
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    ],
}
POLICIES: dict[str, tuple[configured.Option, ...]] = {
    "no policy": (configured.all_capabilities,),
    "seccomp": (configured.all_capabilities, configured.seccomp(PROFILE)),
    "no capabilities": (),
    "read-only root": (configured.all_capabilities, configured.read_only_root),
    "all three": (configured.seccomp(PROFILE), configured.read_only_root),
}
ASK = """
try() {
  name=$1; shift
  if said=$("$@" 2>&1); then echo "$name done"; else echo "$name ${said##*: }"; fi
}
try hostname hostname free
try namespace busybox unshare -U true
try write sh -c 'echo mine > /written'
try remount sh -c 'mount -o remount,rw,bind / / && echo mine > /written'
"""


@experiment(
    f"{CHAPTER}/policies", needs=[host.namespaces, host.runc, host.busybox], claims=["C024"]
)
def policies() -> pd.DataFrame:
    """Let a program ask for four things under each policy of a container, by runc.

    Without any policy (it has every capability, no filter, a root that it may write to) all four
    are granted: that is the control.

    Returns:
        One row for each policy: condition, hostname (change it), namespace (make a user namespace),
        write (to the root), remount (make the root writable, then write), each "done" or the
        kernel's refusal.
    """
    rows = []
    with _busybox_root() as root:
        for name, options in POLICIES.items():
            with rooted(configured.ConfiguredRunc(*options), root) as container:
                rows.append({"condition": name} | _said(output_of(container, _shell(ASK))))
            (root / "written").unlink(missing_ok=True)
    return pd.DataFrame(rows, columns=["condition", "hostname", "namespace", "write", "remount"])


# --- one dangerous option at a time ---------------------------------------------------------------

REACH = """
set -- /proc/[0-9]*; echo "processes $#"
cards=0; while read -r line; do case $line in *:*) cards=$((cards + 1));; esac; done < /proc/net/dev
echo "cards $cards"
word=$(echo | busybox nc -w 2 127.0.0.1 {port}) && echo "service $word"
read -r word < /proc/{pid}/root{file} && echo "file $word"
change() {{ echo mine > /shared/notes; }}
change || {{ mount -o remount,rw,bind /shared /shared && change; }}
kill -9 {pid}
"""


@experiment(
    f"{CHAPTER}/dangerous-options",
    needs=[host.namespaces, host.runc, host.busybox],
    claims=["C095"],
)
def dangerous_options() -> pd.DataFrame:
    """Start a container by runc with one dangerous option at a time, and let it attack a victim.

    All containers are shown one folder of the host, read-only unless the option says otherwise.

    Returns:
        One row for each option: condition, flag (as Docker calls it), processes and cards (how many
        it sees), kill, service, folder (it changed a file in the shared folder) and file (it read a
        file that was never shared), each "got through" or "stopped".
    """
    pid, net, every = (
        configured.host_pid,
        configured.host_network,
        configured.all_capabilities,
    )
    table: dict[str, tuple[str, bool, tuple[configured.Option, ...]]] = {
        "default": ("–", False, ()),
        "host pid": ("--pid=host", False, (pid,)),
        "host network": ("--network=host", False, (net,)),
        "writable mount": ("-v FOLDER:/shared", True, ()),
        "all capabilities": ("--cap-add=ALL", False, (every,)),
        "host pid + all capabilities": ("--pid=host --cap-add=ALL", False, (pid, every)),
    }
    rows = []
    with _busybox_root() as root, leftovers.own_folder() as shared:
        (root / "shared").mkdir()
        notes = shared / "notes"
        for name, (flag, writable, options) in table.items():
            notes.write_text("yours\n")
            share = configured.share(shared, "/shared", writable)
            runtime = configured.ConfiguredRunc(share, *options)
            with rooted(runtime, root) as container, victim() as target:
                script = REACH.format(pid=target.pid, port=target.port, file=target.file)
                said = _said(output_of(container, _shell(script)))
                rows.append(
                    {
                        "condition": name,
                        "flag": flag,
                        "processes": int(said.get("processes", 0)),
                        "cards": int(said.get("cards", 0)),
                        "kill": _outcome(not target.is_alive()),
                        "service": _outcome(said.get("service") == target.service),
                        "folder": _outcome(notes.read_text() != "yours\n"),
                        "file": _outcome(said.get("file") == target.text),
                    }
                )
    return pd.DataFrame(rows)


# --- capabilities through execve ------------------------------------------------------------------


def _process(**sets: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "permitted": [],
        "inheritable": [],
        "bounding": ["CHOWN", "KILL", "NET_RAW"],
        "ambient": [],
        "root": False,
        "no_new_privs": False,
    }
    return usual | sets


PING = {"permitted": ["NET_RAW"], "inheritable": [], "effective": True}
RAW = {"permitted": ["NET_RAW"], "inheritable": ["NET_RAW"]}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "plain process, plain file": (_process(permitted=["NET_RAW"]), None),
    "plain process, ping": (_process(), PING),
    "the same, NET_RAW not in the bounding set": (_process(bounding=["CHOWN", "KILL"]), PING),
    "the same, no_new_privs": (_process(no_new_privs=True), PING),
    "ambient NET_RAW, plain file": (_process(**RAW, ambient=["NET_RAW"]), None),
    "ambient NET_RAW, ping": (_process(**RAW, ambient=["NET_RAW"]), PING),
    "root, plain file": (_process(root=True, permitted=["CHOWN"]), None),
    "root, plain file, no_new_privs": (
        _process(root=True, permitted=["CHOWN"], no_new_privs=True),
        None,
    ),
}


@experiment(f"{CHAPTER}/execve", needs=[host.namespaces, host.busybox], claims=["C024"])
def execve() -> pd.DataFrame:
    """Start a program with and without capabilities of its file; read what it may do then.

    `ping` is a small program of ours whose file has NET_RAW permitted, and effective.

    Returns:
        One row a case: condition, before and bounding (the process's permitted and bounding set),
        after (the program's effective set), each as text; "refused" where the kernel did not start
        it.
    """
    answers = ask_the_kernel(
        [{"process": process, "file": file} for process, file in CASES.values()]
    )
    rows = []
    for (name, (process, _)), answer in zip(CASES.items(), answers, strict=True):
        after = "refused" if answer is None else _listed(answer["effective"])
        rows.append((name, _listed(process["permitted"]), _listed(process["bounding"]), after))
    return pd.DataFrame(rows, columns=["condition", "before", "bounding", "after"])


def ask_the_kernel(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, list[str]] | None]:
    """Ask the kernel what becomes of capabilities; `programs/execve.py` says what a case is."""
    with leftovers.own_folder() as folder:
        answers: list[dict[str, list[str]] | None] = run_program(
            "execve.py", folder, given=json.dumps(list(cases))
        )
    return answers


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


# --- snapshots ------------------------------------------------------------------------------------

SIZES = (16, 64, 256)


@experiment(
    f"{CHAPTER}/snapshot-cost",
    needs=[host.qemu_img],
    claims=["C025"],
    recorded_with={"rounds": 7},
)
def snapshot_cost(
    sizes: Sequence[int] = SIZES, rounds: int = 3, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Secure a disk by a full copy and by a copy-on-write overlay, damage it, and restore it.

    Both ends of the stopwatch are the call and its return. The files are warm (in the page cache),
    and nobody waits until they have reached the disk.

    Args:
        sizes: of the disk, in MiB; every byte of it is in use.
        rounds: how often.
        seed: of the order.
        progress: show a progress bar.

    Returns:
        Columns round, order, condition (full copy, snapshot), mib, secure_ms, restore_ms, kib (what
        it takes on disk at first).
    """
    with leftovers.own_folder() as folder:
        conditions: dict[str, Callable[[], dict[str, float]]] = {}
        for mib in sizes:
            disk = folder / f"disk-{mib}.raw"
            disk.write_bytes(os.urandom(1 << 20) * mib)
            conditions[f"full copy {mib}"] = partial(_by_copy, disk)
            conditions[f"snapshot {mib}"] = partial(_by_overlay, disk)
        data = measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)
    parts = data["condition"].str.rsplit(" ", n=1)
    data["condition"], data["mib"] = parts.str[0], parts.str[1].astype(int)
    return data


def _by_copy(disk: Path) -> dict[str, float]:
    copy = disk.with_suffix(".copy")
    try:
        secure = _timed(lambda: _copy(disk, copy))
        _damage(disk)
        restore = _timed(lambda: _copy(copy, disk))
        return {"secure_ms": secure, "restore_ms": restore, "kib": _kib(copy)}
    finally:
        copy.unlink(missing_ok=True)


def _by_overlay(disk: Path) -> dict[str, float]:
    overlay = disk.with_suffix(".qcow2")
    try:
        secure = _timed(lambda: _overlay(disk, "raw", overlay))
        kib = _kib(overlay)
        qemu_io(overlay, "write -P 0 0 1M")
        # To restore is to forget what was written since.
        restore = _timed(lambda: _overlay(disk, "raw", overlay))
        return {"secure_ms": secure, "restore_ms": restore, "kib": kib}
    finally:
        overlay.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    # Piece by piece: some file systems would answer a copy of a whole file with a snapshot.
    with source.open("rb") as read, target.open("wb") as write:
        while piece := read.read(1 << 20):
            write.write(piece)


def _damage(disk: Path) -> None:
    with disk.open("r+b") as opened:
        opened.write(bytes(1 << 20))


def _overlay(below: Path, kind: str, overlay: Path) -> None:
    qemu_img("create", "-q", "-f", "qcow2", "-b", below, "-F", kind, overlay)


def _kib(file: Path) -> float:
    return file.stat().st_blocks * 512 / 1024


def _timed(act: Callable[[], None]) -> float:
    before = time.perf_counter_ns()
    act()
    return (time.perf_counter_ns() - before) / 1e6


MARK = 0x41
DISK_MIB = 4


@experiment(f"{CHAPTER}/snapshot-damage", needs=[host.qemu_img], claims=["C025"])
def snapshot_damage() -> pd.DataFrame:
    """Secure a disk in three ways, do it four kinds of harm, and try to restore every byte.

    The snapshot is a qcow2 overlay; a copy lies beside the disk, another one in another folder,
    which stands for another machine.

    Returns:
        One row a kind of harm: condition, snapshot, copy_beside, copy_elsewhere ("restored" or
        "lost").
    """
    harms: dict[str, Callable[[Path], object]] = {
        "the guest deletes its data": lambda here: qemu_io(here / "work.qcow2", "write -P 0 0 4M"),
        "the base disk is damaged": lambda here: _damage(here / "base.raw"),
        "the base disk is deleted": lambda here: (here / "base.raw").unlink(),
        "the whole folder is lost": shutil.rmtree,
    }
    rows = []
    for name, harm in harms.items():
        with leftovers.own_folder() as folder:
            here, elsewhere = folder / "here", folder / "elsewhere"
            here.mkdir()
            elsewhere.mkdir()
            base = here / "base.raw"
            base.write_bytes(bytes([MARK]) * (DISK_MIB << 20))
            for copy in (here / "copy.raw", elsewhere / "copy.raw"):
                _copy(base, copy)
            _overlay(base, "raw", here / "work.qcow2")  # from now on, base is the snapshot
            harm(here)
            rows.append(
                {
                    "condition": name,
                    "snapshot": _restored(base),
                    "copy_beside": _restored(here / "copy.raw"),
                    "copy_elsewhere": _restored(elsewhere / "copy.raw"),
                }
            )
    return pd.DataFrame(rows)


def _restored(disk: Path) -> str:
    """Go on from a secured disk, by a new overlay, and say whether every byte is back."""
    again = disk.with_name("again.qcow2")
    try:
        _overlay(disk, "raw", again)
        said = qemu_io(again, f"read -P {MARK} 0 {DISK_MIB}M")
    except RuntimeFailed:
        return "lost"
    return "lost" if "failed" in said else "restored"


# --- whose consistency ----------------------------------------------------------------------------

TELLERS = ("two files", "journal", "late journal")
WAYS = ("while it runs", "frozen", "asked to rest")
PIECE = 4096
MONEY = 2_000_000


@experiment(f"{CHAPTER}/consistency", claims=["C025"], recorded_with={"rounds": 50})
def consistency(rounds: int = 8, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Take snapshots of applications that move money all the time; count the money afterwards.

    "while it runs" copies the files piece by piece, with a short wait after each, as a large disk
    would make one wait. "frozen" stops the process first, as a hypervisor pauses a guest: a
    crash-consistent snapshot. "asked to rest" lets the application finish and write: an
    application-consistent one. What the kernel keeps in its page cache is in all of them; after a
    power cut it would not be.

    Returns:
        One row a snapshot: round, order, condition (the application and the way), application, way,
        adds_up (1 if no money appeared or vanished, else 0), lost (transfers that the customer had
        been told about and that are not there; not known where it does not add up).
    """
    with ExitStack() as stack:
        conditions: dict[str, Callable[[], dict[str, float]]] = {}
        for kind in TELLERS:
            teller = stack.enter_context(_teller(kind))
            for way in WAYS:
                conditions[f"{kind}, {way}"] = partial(_snapshot, teller, way)
        data = measure_rounds(conditions, rounds=rounds, seed=seed, warm=False, progress=progress)
    parts = data["condition"].str.split(", ")
    data["application"], data["way"] = parts.str[0], parts.str[1]
    return data


@dataclass(frozen=True)
class _Teller:
    process: subprocess.Popen[str]
    folder: Path
    truth: Path

    def told(self) -> int:
        """How many transfers its customer believes in."""
        return int(struct.unpack("<q", self.truth.read_bytes())[0])

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


@contextmanager
def _teller(kind: str) -> Iterator[_Teller]:
    with leftovers.own_folder() as folder:
        bank, truth = folder / "bank", folder / "truth"
        bank.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAMS / "teller.py"), kind, str(bank), str(truth)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
            text=True,
        )
        try:
            assert process.stdout
            if process.stdout.readline() != "open\n":
                raise CannotMeasure("the application did not start")
            process.send_signal(signal.SIGSTOP)  # until it is its turn
            yield _Teller(process, bank, truth)
        finally:
            process.kill()  # also ends what is stopped
            process.communicate()


def _snapshot(teller: _Teller, way: str) -> dict[str, float]:
    """Let the application work for a while, take a snapshot of its files, and count the money."""
    process = teller.process
    process.send_signal(signal.SIGCONT)
    # Its steps take well under a millisecond: any moment of them may be hit.
    time.sleep(0.02 + secrets.randbelow(10_000) / 1e6)
    with leftovers.own_folder() as snapshot:
        if way == "asked to rest":
            teller.say("rest")
            assert process.stdout
            process.stdout.readline()
        elif way == "frozen":
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        told = teller.told()
        for file in sorted(teller.folder.iterdir()):
            with suppress(FileNotFoundError):  # a journal is gone as soon as it came
                _copy_slowly(file, snapshot / file.name, 0.002 if way == "while it runs" else 0)
        if way == "asked to rest":
            teller.say("go")
        process.send_signal(signal.SIGSTOP)
        money, number = _count(snapshot)
    adds_up = money == MONEY
    # One may be written of which the customer had not been told yet.
    return {"adds_up": int(adds_up), "lost": max(0, told - number) if adds_up else float("nan")}


def _copy_slowly(source: Path, target: Path, pause_s: float) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        while piece := read.read(PIECE):
            write.write(piece)
            time.sleep(pause_s)


def _count(folder: Path) -> tuple[int, int]:
    """The money in a restored folder, and the number of its last whole transfer."""
    base = folder / "bank.db"
    if not base.exists():
        accounts = [(folder / name).read_bytes() for name in ("alice", "bob")]
        balances = [struct.unpack("<qq", account) for account in accounts]
        return sum(balance for balance, _ in balances), min(number for _, number in balances)
    opened = sqlite3.connect(base)
    try:
        found = opened.execute("SELECT SUM(balance), MAX(number) FROM account").fetchone()
        return int(found[0]), int(found[1])
    except sqlite3.DatabaseError:
        return 0, 0
    finally:
        opened.close()


# --- below every wall: the CPU --------------------------------------------------------------------

_CPU = Path("/sys/devices/system/cpu")
_STATES = {
    "not affected": "not affected",
    "mitigation": "mitigated",
    "vulnerable": "vulnerable",
}
NO_FLAW = "not a flaw"


@experiment(f"{CHAPTER}/cpu-flaws", claims=["C095"])
def cpu_flaws() -> pd.DataFrame:
    """Read what this kernel says about known flaws of its CPU, and about sibling threads.

    Returns:
        One row a flaw: condition (its name in Linux), says, state (not affected, mitigated,
        vulnerable or unknown). Last a row "smt", whose state is "not a flaw".
    """
    folder = _CPU / "vulnerabilities"
    if not folder.is_dir():
        raise CannotMeasure("this kernel does not tell of flaws of its CPU")
    rows = []
    for file in sorted(folder.iterdir()):
        says = file.read_text().strip()
        start = says.lower().removeprefix("kvm: ")
        words = (word for begin, word in _STATES.items() if start.startswith(begin))
        rows.append((file.name, says, next(words, "unknown")))
    with suppress(OSError):
        threads = (_CPU / "smt" / "active").read_text().strip()
        says = "sibling threads share cores" if threads == "1" else "one thread a core"
        rows.append(("smt", says, NO_FLAW))
    return pd.DataFrame(rows, columns=["condition", "says", "state"])


# --- helpers --------------------------------------------------------------------------------------


@contextmanager
def _busybox_root() -> Iterator[Path]:
    """A root with one program in it, under the names that the scripts use."""
    with leftovers.own_folder() as folder:
        root = folder / "root"
        (root / "bin").mkdir(parents=True)
        for path, file in images.programs("busybox").items():
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
        for name in ("sh", "sleep", "mount", "hostname"):
            (root / "bin" / name).symlink_to("busybox")
        yield root


def _shell(script: str) -> list[str]:
    # In a root of ours and in the guest it lies in /bin; on a host with a merged /usr, there, too.
    at = "/bin/busybox" if Path("/bin/busybox").exists() else find_tool("busybox")
    return [at or "/bin/busybox", "sh", "-c", script]


def _said(output: str) -> dict[str, str]:
    """Lines such as `name value` as a dictionary."""
    lines = (line.partition(" ") for line in output.splitlines())
    return {name: value.strip() for name, _, value in lines if value}


def _outcome(got_through: bool) -> str:
    return OPEN if got_through else SHUT
