"""Attacks on the grader: none may gain a point, read a secret, leave a trace or hurt another.

The catalogue is in the Markdown files beside this one: a family each, an attack a heading. A
block `python` is the attacker's cell; `python limit` one that must meet a limit; `python whole` one
that spoils its own submission for good, not only its exercise; `python test` the test cell instead
of the usual one; `python after` a later cell of the attacker.

    python tests/autograder/attacks/test_attacks.py            prints the table
    python tests/autograder/attacks/test_attacks.py --layers   what each layer alone was holding

A layer is taken away only in a mount, pid and network namespace with a read-only file tree, under
limits on processes and memory of its own: without the room's limits a fork bomb is one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autograder.cells import Limits, Outcome, Place, Step
from autograder.examiner import SourceCell, run_steps, source_names
from autograder.sandbox import SandboxUnavailable, Zygote, ZygoteDied, room
from autograder.sandbox.limits import MemoryGroup, own_group, processes_below
from autograder.sandbox.scratch import owned_name

MiB = 1024 * 1024
LIMITS = Limits(
    memory_bytes=512 * MiB, cell_wall_s=1.0, total_wall_s=60.0, cpu_s=20, processes=48,
    file_bytes=32 * MiB, open_files=128, output_bytes=64 * 1024,
)  # fmt: skip

PREAMBLE = """
import gc, json
where = json.load(open("where.json"))
def room(): return next(x for x in gc.get_objects() if type(x).__name__ == "_Room")
"""
TEST = """
assert answer(3) == 9, "answer(3) should be 9"
### BEGIN HIDDEN TESTS
secret = "hunter2-hidden"
assert answer(4711) == 22193521
### END HIDDEN TESTS
"""
REFERENCE = "def answer(n): return n * n\ndef honest_exercise(n): return n + 1"
HONEST = "def honest_exercise(n): return n + 1"
HONEST_TEST = "assert honest_exercise(1) == 2"

# Prints what a submission can see of the process that it got; always the same if nothing is left.
PROBE = """
import os, sys, builtins, random, signal, warnings, glob, resource
import numpy as np, matplotlib
files = [name for name in os.listdir("/tmp") if "autograder-" not in name]
print(sorted(files), sorted(os.listdir("/dev/shm")), sorted(os.listdir()))
print(sorted(os.environ.items()), sys.path, os.umask(0o22), sys.getrecursionlimit())
print(len(vars(builtins)), len(vars(np)), len(warnings.filters), signal.getsignal(signal.SIGTERM))
print(hash(str(sorted(matplotlib.rcParams.items(), key=str))), random.random(), np.random.rand())
print(resource.getrlimit(resource.RLIMIT_NOFILE), os.nice(0))
print([p for p in os.listdir("/proc") if p.isdigit()] if os.path.isdir("/proc/self") else ["1"])
found = 0
needle = b"hunter2" + b"-before"
for line in open("/proc/self/maps") if os.path.exists("/proc/self/maps") else ():
    span, mode = line.split()[:2]
    if mode.startswith("rw") and "[v" not in line:
        first, last = (int(x, 16) for x in span.split("-"))
        with open("/proc/self/mem", "rb", 0) as memory:
            memory.seek(first)
            try: found += memory.read(last - first).count(needle)
            except OSError: pass
print(found)
"""


@dataclass(frozen=True)
class Attack:
    """One entry of the catalogue."""

    family: str
    name: str
    cell: str
    test: str = TEST
    after: str = ""
    meets_limit: bool = False
    costs_all: bool = False

    @property
    def title(self) -> str:
        return f"{self.family}/{self.name}"


@dataclass
class Seen:
    """What came of one attack."""

    score: float = 0.0
    read: list[str] = field(default_factory=list)
    broke: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    honest: bool = False
    others: bool = False
    states: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.score == 0 and not (self.read or self.broke or self.trace) and self.others

    def beyond(self, usual: Seen) -> bool:
        """Whether it got further than a harmless submission does where a layer is gone."""
        return bool(
            self.score > usual.score
            or set(self.read) - set(usual.read)
            or set(self.trace) - set(usual.trace)
            or self.broke
            or self.others < usual.others
        )


def catalogue() -> list[Attack]:
    attacks = []
    for path in sorted(Path(__file__).parent.glob("*.md")):
        for section in re.split(r"^## ", path.read_text(), flags=re.M)[1:]:
            name = section.split("\n", 1)[0].strip()
            blocks = dict(re.findall(r"^```python ?(\w*)\n(.*?)^```", section, flags=re.M | re.S))
            cell = next(blocks[kind] for kind in ("", "limit", "whole") if kind in blocks)
            attacks.append(
                Attack(
                    path.stem,
                    name,
                    cell,
                    blocks.get("test", TEST),
                    blocks.get("after", ""),
                    meets_limit="limit" in blocks,
                    costs_all="whole" in blocks,
                )
            )
    return attacks


ATTACKS = catalogue()
HARMLESS = Attack("", "a wrong answer", "def answer(n): return 0")


class Ground:
    """A host with secrets to read, a folder to write to and sockets to reach."""

    def __init__(self, folder: Path, zygote: Zygote) -> None:
        self.zygote = zygote
        kinds = ("hidden", "source", "other", "gradebook", "env", "home")
        self.tokens = {kind: f"hunter2-{kind}-{secrets.token_hex(6)}" for kind in kinds}
        self.submission = folder / "submitted" / "mallory"
        self.source = folder / "source"
        other = folder / "submitted" / "alice"
        self.writable = folder / "writable"
        for made in (self.submission, self.source, other, self.writable):
            made.mkdir(parents=True)
        self.writable.chmod(0o777)
        files = {
            self.source / "helper.py": self.tokens["source"],
            other / "work.py": self.tokens["other"],
            folder / "gradebook.db": self.tokens["gradebook"],
            folder / "home.txt": self.tokens["home"],
        }
        for path, token in files.items():
            path.write_text(f"token = {token!r}\n")
        (self.submission / "planted-link").symlink_to(self.source / "helper.py")
        (self.submission / "planted-folder").symlink_to(folder)
        self.watched = folder
        self.reached: list[str] = []
        self.confined = os.environ.get("AUTOGRADER_CONFINED") == "yes"
        self.stack = ExitStack()
        port = self._listen(socket.AF_INET, ("127.0.0.1", 0), "loopback")[1]
        abstract = f"autograder-attack-{secrets.token_hex(6)}"
        self._listen(socket.AF_UNIX, "\0" + abstract, "abstract")
        assert zygote._process is not None
        where = {
            "secrets": [str(path) for path in files],
            "writable": str(self.writable),
            "port": port,
            "abstract": abstract,
            "grader": os.getpid(),
            "zygote": zygote._process.pid,
        }
        (self.submission / "where.json").write_text(json.dumps(where))
        self.before = self.listing()
        self.processes = set(self.running())
        self.clean = self.probe()

    def _listen(self, family: int, address: Any, name: str) -> Any:
        listener = self.stack.enter_context(socket.socket(family))
        listener.bind(address)
        listener.listen()

        def accept() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return
                self.reached.append(name)

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()

    def listing(self) -> list[tuple[str, bytes]]:
        """Every file of the host's folder with its contents."""
        paths = sorted(path for path in self.watched.rglob("*") if path.is_file())
        return [(str(path), path.read_bytes()) for path in paths]

    def run(
        self, *cells: tuple[str, str], reference: str = REFERENCE, limits: Limits = LIMITS
    ) -> list[Outcome]:
        """Run cells; in the source, `reference` stands for every solution."""
        source = [
            SourceCell(f"c{n}", text if kind == "test" else reference, grade=kind == "test",
                       solution=kind == "solution")
            for n, (kind, text) in enumerate(cells)
        ]  # fmt: skip
        steps = [
            Step(c.cell_id, text, Place.EXAMINER if c.grade else Place.ROOM, 2.0 * c.grade)
            for c, (_, text) in zip(source, cells, strict=True)
        ]
        return run_steps(
            self.zygote, steps, folder=self.submission, source_folder=self.source,
            names=source_names(source), limits=limits,
        )  # fmt: skip

    def probe(self) -> list[Outcome]:
        """What an honest submission gets and sees."""
        return self.run(
            ("solution", PROBE), ("solution", HONEST), ("test", HONEST_TEST),
            limits=Limits(),
        )  # fmt: skip

    def attack(self, attack: Attack) -> Seen:
        """Run one attack, and an honest submission after it."""
        seen = Seen()
        hidden = attack.test.replace("hunter2-hidden", self.tokens["hidden"])
        outcomes = self.run(
            ("solution", PREAMBLE),
            ("solution", attack.cell),
            ("test", hidden),
            ("solution", HONEST),
            ("test", HONEST_TEST),
            *([("solution", attack.after)] if attack.after else []),
        )
        shown = repr(outcomes)
        seen.states = [outcome.state for outcome in outcomes]
        seen.score = outcomes[2].score or 0.0
        seen.read = [kind for kind, token in self.tokens.items() if token in shown]
        seen.read += [number for number in ("4711", "22193521") if number in shown]
        seen.broke = re.findall(r"BROKE[^'\"\\]{0,80}", shown)
        seen.honest = outcomes[4].score == 2.0
        seen.trace = self.traces()
        after = self.probe()
        seen.others = after[2].score == 2.0
        if after != self.clean:
            seen.trace.append("the next submission sees a difference")
        return seen

    def left_over(self) -> list[int]:
        """Processes that an attack has left."""
        return sorted(set(self.running()) - self.processes)

    def running(self) -> list[int]:
        """Processes of the warm process; where this is confined, all that there are."""
        if self.confined:
            return [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        assert self.zygote._process is not None
        return processes_below(self.zygote._process.pid)

    def traces(self) -> list[str]:
        found = []
        if self.listing() != self.before:
            found.append("a file of the host changed")
            for path in self.writable.iterdir():
                path.unlink()
        if self.reached:
            found.append(f"reached: {', '.join(self.reached)}")
            self.reached.clear()
        if self.left_over():
            found.append("a process is left")
        group = own_group()
        if group is not None and list(group.glob(f"{owned_name()}*")):
            found.append("a cgroup is left")
        return found


# Where an ordinary user may reach the interpreter, which can live under root's own home.
REACHABLE = """
set -e
home=$(echo "$1" | cut -d/ -f1-2)
if [ "$home" != /usr ]; then
  mount -t tmpfs held /media && mkdir /media/python && mount --bind "$1" /media/python
  mount -t tmpfs -o mode=755 home "$home" && mkdir -p "$1" && mount --move /media/python "$1"
  umount /media
fi
shift
exec "$@"
"""
AS_REACHABLE = ("sh", "-c", REACHABLE, "sh", sys.base_prefix)
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
AS_USER = ("unshare", "--mount", *AS_REACHABLE, *AS_NOBODY)

CONFINED_PROCESSES = 600
CONFINED_BYTES = 4096 * MiB
# What the layer-removal test runs in: nothing of the host can be written, killed or reached, since
# with a layer gone some attacks do what they want.
CONFINED = """
import os, sys
from autograder.sandbox import linux
linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
linux.restrict_mount("/", linux.ATTR_RDONLY)
for folder in ("/tmp", "/dev/shm"):
    linux.mount("tmp", folder, "tmpfs", 0, "mode=1777,size=4g")
linux.mount("proc", "/proc", "proc")
os.chdir("/")
os.execvp(sys.argv[1], sys.argv[1:])
"""


@contextmanager
def ground(
    folder: Path, *, as_user: bool = False, without: frozenset[str] = frozenset()
) -> Iterator[Ground]:
    """A warm process with a host around it."""
    token = "hunter2-env-" + secrets.token_hex(6)
    os.environ["GRADER_TOKEN"] = token
    zygote = Zygote(without=without)
    if as_user:
        zygote.prefix = AS_USER
    try:
        with zygote:
            made = Ground(folder, zygote)
            made.tokens["env"] = token
            with made.stack:
                yield made
    finally:
        os.environ.pop("GRADER_TOKEN", None)  # there may be two hosts at once


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Rooms as this user can make them."""
    try:
        with ground(tmp_path_factory.mktemp("host")) as made:
            yield made
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def host_of_a_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Rooms as an ordinary user makes them, when this one is root."""
    if os.geteuid() != 0:
        pytest.skip("this user is no root: the other test is this one")
    try:
        with ground(tmp_path_factory.mktemp("host"), as_user=True) as made:
            yield made
    except SandboxUnavailable as error:
        pytest.skip(str(error))


def check(host: Ground, attack: Attack) -> None:
    seen = host.attack(attack)
    assert seen.score == 0, "it gained points"
    assert not seen.read, "it read a secret"
    assert not seen.broke, "it did what it must not"
    assert not seen.trace, "it left a trace"
    assert seen.others, "another submission was not graded as it deserves"
    if attack.meets_limit:
        assert seen.states[1] in ("limit", "dead"), seen.states
    if attack.family in ("time", "resources", "protocol") and not attack.costs_all:
        assert seen.honest, "the exercise beside it was not graded as it deserves"


@pytest.mark.long
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.title)
def test_attack_fails(host: Ground, attack: Attack) -> None:
    check(host, attack)


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.title)
def test_attack_fails_as_an_ordinary_user(host_of_a_user: Ground, attack: Attack) -> None:
    check(host_of_a_user, attack)


def test_the_catalogue_is_large_and_has_no_name_twice() -> None:
    titles = [attack.title for attack in ATTACKS]
    assert len(titles) == len(set(titles)) >= 80


# -- the tables --------------------------------------------------------------------------------


def yes_no(value: object) -> str:
    return "yes" if value else "no"


def table(attacks: Sequence[Attack], as_user: bool) -> bool:
    """Print attack, score gained, secret read, trace left, others graded; True if all held."""
    held = True
    print(f"{'attack':52} {'score':>6} {'read':>5} {'broke':>6} {'trace':>6} {'others':>7}")
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder), as_user=as_user) as host:
        Path(folder).chmod(0o755)
        for attack in attacks:
            seen = host.attack(attack)
            held &= seen.held
            print(
                f"{attack.title:52} {seen.score:6g} {yes_no(seen.read):>5} "
                f"{yes_no(seen.broke):>6} {yes_no(seen.trace):>6} {yes_no(seen.others):>7}"
                + ("" if seen.held else f"   {seen}"),
                flush=True,
            )
    print(f"{len(attacks)} attacks, {'all held' if held else 'NOT ALL HELD'}")
    return held


def without_a_layer(layer: str, attacks: Sequence[Attack]) -> list[str]:
    """The attacks that get through when this layer alone is gone; run this confined."""
    through = []
    left = list(attacks)
    failed_starts = 0
    while left:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                ground(Path(folder), without=frozenset({layer})) as host,
            ):
                usual = host.attack(HARMLESS)
                failed_starts = 0
                while left:
                    attack = left.pop(0)
                    if not stays_within(host, attack, usual):
                        through.append(attack.title)
                    if host.left_over():
                        break  # go on with a clean host
        except (ZygoteDied, SandboxUnavailable, OSError):
            failed_starts += 1
            if failed_starts == 5:
                raise
        finally:
            end_everything()
    return through


def stays_within(host: Ground, attack: Attack, usual: Seen) -> bool:
    """Whether an attack gets no further than a harmless submission, and the host outlives it."""
    try:
        return not host.attack(attack).beyond(usual)
    except (ZygoteDied, SandboxUnavailable, OSError):
        return False


def end_everything() -> None:
    """End all other processes of the pid namespace that this process is the first of."""
    if os.environ.get("AUTOGRADER_CONFINED") != "yes" or os.getpid() != 1:
        return
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def confined(*arguments: str) -> str:
    """Run this file with these arguments where it can do no harm; return what it prints."""
    as_root = os.geteuid() == 0
    namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork"]
    if as_root:
        start: tuple[str, ...] = ("unshare", *namespaces, *AS_REACHABLE)
        become = AS_NOBODY
    else:
        start = ("unshare", "--user", "--map-root-user", *namespaces)
        become = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    within = ("prlimit", f"--nproc={CONFINED_PROCESSES}")
    command = [*start, sys.executable, "-c", CONFINED, *become, *within, sys.executable, __file__]
    root = str(Path(__file__).parents[3])
    environment = os.environ | {"AUTOGRADER_CONFINED": "yes", "PYTHONPATH": root, "HOME": "/tmp"}
    process = subprocess.Popen(
        [*command, *arguments], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    group = MemoryGroup.make(f"attacks-{process.pid}", CONFINED_BYTES, process.pid)
    try:
        out, err = process.communicate()
    finally:
        process.kill()
        process.wait()
        group.remove()
    if process.returncode:
        raise RuntimeError(err.strip().splitlines()[-1] if err else "no output")
    return out


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("layer", sorted(room.LAYERS))
def test_each_layer_alone_holds_some_attacks(layer: str) -> None:
    try:
        through = confined("--without", layer).split()
    except RuntimeError as error:
        pytest.skip(f"cannot confine the attacks here: {error}")
    print(f"without {layer}: {len(through)} of {len(ATTACKS)} get through: {', '.join(through)}")
    assert through
    assert len(through) < len(ATTACKS) / 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--user", action="store_true", help="build rooms as an ordinary user")
    parser.add_argument("--only", default="", help="attacks whose title holds this text")
    parser.add_argument("--layers", action="store_true", help="what each layer alone was holding")
    parser.add_argument("--without", choices=sorted(room.LAYERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    chosen = [attack for attack in ATTACKS if arguments.only in attack.title]
    if arguments.without:
        if os.environ.get("AUTOGRADER_CONFINED") != "yes":
            parser.error("--without runs confined only; use --layers")
        print("\n".join(without_a_layer(arguments.without, chosen)))
        return 0
    if arguments.layers:
        for layer in sorted(room.LAYERS):
            through = confined("--without", layer, "--only", arguments.only).split()
            print(f"without {layer}, {len(through)} of {len(chosen)} attacks get through:")
            print("".join(f"  {title}\n" for title in through), flush=True)
        return 0
    return 0 if table(chosen, arguments.user) else 1


if __name__ == "__main__":
    sys.exit(main())
