"""Experiments of chapter 03: what a container is made of, and what it costs."""

from __future__ import annotations

import copy
import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from virtlab import host, images, leftovers
from virtlab.container.engine import DEFAULT_NAMESPACES
from virtlab.experiments import docker
from virtlab.experiments.ladder import start_once
from virtlab.experiments.running import launched, output_of, run_program
from virtlab.measure.rounds import measure_rounds, measure_rows
from virtlab.registry import CannotMeasure, experiment
from virtlab.resources import cgroups
from virtlab.runtimes import RUNTIMES, Instance, RuntimeFailed
from virtlab.runtimes.containers import Namespaces
from virtlab.runtimes.launched import LaunchedRuntime
from virtlab.runtimes.launcher import Launcher
from virtlab.runtimes.rooted import rooted

CHAPTER = "03-containers"

GREET = """#!/bin/sh
read word < /app/word
echo "$word from a box with: " /*
"""
COMMAND = ("/app/greet",)
TOOLS = ("sh", "cat", "uname")


# --- walls --------------------------------------------------------------------------------------


@experiment(
    f"{CHAPTER}/walls",
    needs=[host.namespaces, host.user_namespace],
    claims=["C014"],
    recorded_with={"rounds": 200},
)
def walls(rounds: int = 100, seed: int = 1) -> pd.DataFrame:
    """Build one container a round, one wall after the other, and time each step.

    The order of the namespaces is drawn for each round; the user namespace always comes first,
    the root and /proc last. "nothing" is the same call without a new namespace.

    Returns:
        One row a step: round, order, condition (the wall), us.
    """
    steps = _build_walls(rounds, seed)["steps"]
    return pd.DataFrame(steps, columns=["round", "order", "condition", "us"])


@experiment(f"{CHAPTER}/inside-and-outside", needs=[host.namespaces, host.user_namespace])
def inside_and_outside() -> pd.DataFrame:
    """Look at the same things from outside and from inside a finished container.

    Returns:
        One row a wall: condition, what, outside, inside (as text).
    """
    what = {
        "user": "my user number",
        "uts": "the host's name",
        "ipc": "segments of System V shared memory",
        "cgroup": "control groups above mine that I can name",
        "pid": "processes in /proc",
        "net": "network cards",
        "mnt": "mounted file systems",
        "root": "names in /",
    }
    rows = [
        (wall, what[wall], str(outside), str(inside))
        for wall, outside, inside in _build_walls(1, 1)["seen"]
    ]
    return pd.DataFrame(rows, columns=["condition", "what", "outside", "inside"])


def _build_walls(rounds: int, seed: int) -> Any:
    with leftovers.own_folder() as folder:
        (folder / "root" / "proc").mkdir(parents=True)
        return run_program("walls.py", rounds, seed, folder / "root")


# --- layers -------------------------------------------------------------------------------------


@experiment(f"{CHAPTER}/overlay", needs=[host.overlayfs])
def overlay() -> pd.DataFrame:
    """Change files in an overlay; say what then lies in each layer on disk.

    Returns:
        One row a path: condition (the path), lower, upper, merged.
    """
    with leftovers.own_folder() as folder:
        return pd.DataFrame(run_program("overlay.py", folder, 1 << 20)["paths"])


@experiment(f"{CHAPTER}/copy-up", needs=[host.overlayfs], recorded_with={"mib": 16})
def copy_up(mib: int = 8) -> pd.DataFrame:
    """Append a byte, twice, to each of several files of a lower layer.

    Returns:
        One row a write: round (the file), order, condition (first write, second write), ms.
    """
    with leftovers.own_folder() as folder:
        writes = run_program("overlay.py", folder, mib << 20)["writes"]
    rows = [
        (number, place, name, ms)
        for number, pair in enumerate(writes)
        for place, (name, ms) in enumerate(zip(("first write", "second write"), pair, strict=True))
    ]
    return pd.DataFrame(rows, columns=["round", "order", "condition", "ms"])


# --- images -------------------------------------------------------------------------------------


def layers(word: str = "hello", patch: str = "") -> dict[str, bytes]:
    """Return the course's little application as three layers: base, settings, app.

    Args:
        word: what the application says; it lies in the topmost layer.
        patch: a note that changes the base, as a security update would.
    """
    base: dict[str, Any] = {**images.programs(*TOOLS)}
    if patch:
        base["/etc/patched"] = patch
    return {
        "base": images.pack(base),
        "settings": images.pack({"/etc/greet.conf": "loud=no\n"}),
        "app": images.pack({"/app/greet": GREET, "/app/word": f"{word}\n"}),
    }


@contextmanager
def unpacked_image() -> Iterator[Path]:
    """Build the application's image, unpack it, and give the folder."""
    store: dict[str, bytes] = {}
    manifest = images.build(list(layers().values()), COMMAND, store)
    with leftovers.own_folder() as folder:
        root = folder / "image"
        root.mkdir()
        images.unpack(manifest, store, root)
        yield root


@experiment(f"{CHAPTER}/package", needs=[host.namespaces], claims=["C012"])
def package() -> pd.DataFrame:
    """Run an application from its image, with no file of the host in sight; and on the host.

    Each looks for a file that we put on the host a moment ago: on the host it is found.

    Returns:
        One row for each place: condition, says, finds_a_file_of_the_host.
    """
    with unpacked_image() as root, leftovers.own_folder() as elsewhere:
        marker = elsewhere / "marker"
        marker.write_text("here\n")
        with rooted(launched("namespaces"), root) as container:
            inside = output_of(container, ["/bin/sh", "/app/greet"])
            found_inside = output_of(container, ["/bin/sh", "-c", f"echo {marker}*"])
        found_outside = output_of(launched("posix_spawn"), ["/bin/sh", "-c", f"echo {marker}*"])
    # A pattern that matches nothing stays as it is.
    rows = [
        ("in the container", inside, found_inside == str(marker)),
        ("on the host", "(no /app here)", found_outside == str(marker)),
    ]
    return pd.DataFrame(rows, columns=["condition", "says", "finds_a_file_of_the_host"])


@experiment(f"{CHAPTER}/upgrade", claims=["C017"])
def upgrade() -> pd.DataFrame:
    """Pull an image from a registry on this machine, then newer versions of it; count the bytes.

    Returns:
        One row a pull and blob: condition (the pull), blob, bytes, moved.
    """
    first = layers()
    versions = {
        "first pull": first,
        "the same again": first,
        "one file of the app changed": first | {"app": layers(word="bonjour")["app"]},
        "the base patched": first | {"base": layers(patch="CVE mended\n")["base"]},
    }
    store: dict[str, bytes] = {}
    mine: dict[str, bytes] = {}
    rows = []
    with images.Registry(store) as registry:
        for name, version in versions.items():
            manifest = images.build(list(version.values()), COMMAND, store)
            registry.push("greet:latest", manifest)
            _, fetched = images.pull(registry.address, "greet:latest", mine)
            listed = zip(
                ("config", *version), [manifest["config"], *manifest["layers"]], strict=True
            )
            rows += [
                (name, blob, entry["size"], entry["digest"] in fetched) for blob, entry in listed
            ]
    return pd.DataFrame(rows, columns=["condition", "blob", "bytes", "moved"])


# --- runtimes -----------------------------------------------------------------------------------

STARTED = ("posix_spawn", "namespaces", "bubblewrap", "crun", "runc", "gvisor", "qemu-tcg")


@experiment(
    f"{CHAPTER}/start",
    needs=[host.namespaces],
    claims=["C014"],
    recorded_with={"budget_s": 40.0},
)
def start(
    budget_s: float = 4.5, only: Sequence[str] = STARTED, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Start and end a process, containers of several makers, and a virtual machine.

    Returns:
        Columns round, order, condition, first_instruction_ms (where the clock is the host's),
        first_reply_ms, gone_ms (all from the call), end_ms (from the first reply to the end), kind.
    """
    failed: dict[str, str] = {}
    conditions = {}
    for name in only:
        if available := RUNTIMES[name].available():
            conditions[name] = partial(start_once, RUNTIMES[name])
        else:
            failed[name] = available.why
    data = measure_rounds(
        conditions,
        budget_s=budget_s,
        least=5,
        seed=seed,
        progress=progress,
    )
    data["end_ms"] = data["gone_ms"] - data["first_reply_ms"]
    data["kind"] = data["condition"].map(lambda name: RUNTIMES[name].kind)
    data["accelerator"] = data["condition"].map(lambda name: RUNTIMES[name].accelerator)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


LOOK = """
echo "kernel $(uname -r)"
read -r id < /proc/sys/kernel/random/boot_id && echo "boot $id"
for folder in /proc/[0-9]*; do
  read -r line < "$folder/stat" && echo "process $line"
done 2>/dev/null
"""


@experiment(f"{CHAPTER}/whose-kernel", needs=[host.namespaces], claims=["C013", "C018"])
def whose_kernel() -> pd.DataFrame:
    """Ask the same questions on the host, in one image under several runtimes, and in a guest.

    Returns:
        One row for each place: condition, kernel (its release), boot_id ("–" where there is none),
        programs and kernel_threads (how many processes of each kind it sees), first (the name of
        its process 1; not told of the host), hosts_kernel (whether the boot_id is the host's).
    """
    rows, failed = [], {}
    with unpacked_image() as root, ExitStack() as stack:
        places: dict[str, LaunchedRuntime] = {"on the host": launched("posix_spawn")}
        for name in ("namespaces", "bubblewrap", "crun", "runc", "gvisor"):
            runtime = launched(name)
            if available := runtime.available():
                places[name] = stack.enter_context(rooted(runtime, root))
            else:
                failed[name] = available.why
        guest = launched("qemu-tcg-linux")
        if available := guest.available():
            places["qemu-tcg-linux"] = guest
        else:
            failed["qemu-tcg-linux"] = available.why
        for name, runtime in places.items():
            try:
                seen = _seen(output_of(runtime, ["/bin/sh", "-c", LOOK]))
                rows.append({"condition": name, **seen})
            except RuntimeFailed as error:
                failed[name] = str(error)
    data = pd.DataFrame(rows)
    data["hosts_kernel"] = data["boot_id"] == data["boot_id"].iloc[0]
    data.loc[0, "first"] = "–"  # whatever runs this machine is not the lesson
    data.attrs["failed"] = failed
    return data


def _seen(report: str) -> dict[str, Any]:
    """Turn what LOOK printed into one row."""
    told: dict[str, list[str]] = {"kernel": [], "boot": [], "process": []}
    for line in report.splitlines():
        word, _, rest = line.partition(" ")
        if word in told:
            told[word].append(rest.strip())
    kthreadd = 2
    processes = {}
    for line in told["process"]:
        # As `4711 (name) S 1 …`; what ended while it was read is not whole.
        if whole := re.match(r"(\d+) \((.*)\) \S (\d+)", line):
            processes[int(whole[1])] = (whole[2], int(whole[3]))
    # On a real kernel, its own threads descend from process 2; elsewhere 2 is a program.
    own = {
        pid
        for pid, (name, parent) in processes.items()
        if (pid == kthreadd and name == "kthreadd")
        or (parent == kthreadd and processes.get(kthreadd, ("",))[0] == "kthreadd")
    }
    return {
        "kernel": "".join(told["kernel"]),
        "boot_id": "".join(told["boot"]) or "–",
        "programs": len(processes) - len(own),
        "kernel_threads": len(own),
        "first": processes.get(1, ("",))[0],
    }


@experiment(f"{CHAPTER}/missing-wall", needs=[host.namespaces])
def missing_wall(walls: Sequence[str] = ("pid", "net", "uts")) -> pd.DataFrame:
    """Leave out one wall at a time, and let the program in the container attack a process outside.

    The container with all walls is the control of the wall, those with one missing of the attack.

    Returns:
        One row a container: condition, victim (killed or alive), processes, cards, hostname (what
        it sees; the hostname as "the host's" or "its own").
    """
    rows = []
    for missing in (None, *walls):
        container = Namespaces(set(DEFAULT_NAMESPACES) - {missing})
        name = "all walls" if missing is None else f"without {missing}"
        rows.append({"condition": name, **_attack(container)})
    return pd.DataFrame(rows)


ATTACK = """
kill -9 {victim} 2>/dev/null
set -- /proc/[0-9]*; echo $#
cards=0; while read -r line; do case $line in *:*) cards=$((cards + 1));; esac; done < /proc/net/dev
echo $cards
read -r name < /proc/sys/kernel/hostname; echo "$name"
"""


def _attack(container: Namespaces) -> dict[str, Any]:
    """Start a victim outside, run the attack inside, and say what became of both."""
    victim = subprocess.Popen(["sleep", "30"])
    try:
        script = ATTACK.format(victim=victim.pid)
        processes, cards, name = output_of(container, ["/bin/sh", "-c", script]).splitlines()
        with suppress(subprocess.TimeoutExpired):
            victim.wait(0.2)
        return {
            "victim": "alive" if victim.poll() is None else "killed",
            "processes": int(processes),
            "cards": int(cards),
            "hostname": "the host's" if name == platform.node() else "its own",
        }
    finally:
        victim.kill()
        victim.wait()


@experiment(
    f"{CHAPTER}/docker-run",
    needs=[host.docker, host.process_events],
    claims=["C016"],
    recorded_with={"rounds": 20},
)
def docker_run(rounds: int = 3, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Split `docker run` into its stages, and run the same image by runc alone.

    Returns:
        One row a stage: round, order, condition, phase, start_ms and end_ms (from the call).
    """
    docker.need_bridge()
    store: dict[str, bytes] = {}
    manifest = images.build(list(layers().values()), COMMAND, store)
    with (
        docker.loaded(manifest, store) as name,
        unpacked_image() as root,
        rooted(launched("runc"), root) as runc,
    ):

        def runc_alone() -> list[dict[str, Any]]:
            stamps = runc.run(["/bin/sh", *COMMAND])
            whole = (stamps["gone"] - stamps["call"]) / 1e6
            return [{"phase": "runc run", "start_ms": 0.0, "end_ms": whole}]

        conditions: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "docker run": partial(docker.run_in_stages, name),
            "docker run, no network": partial(docker.run_in_stages, name, ("--network", "none")),
            "runc run": runc_alone,
        }
        data = measure_rows(conditions, rounds=rounds, seed=seed, progress=progress)
    places = list(reversed(conditions))  # as a figure shows them, from the bottom up
    data.sort_values(
        "condition", key=lambda names: names.map(places.index), kind="stable", inplace=True
    )
    return data.reset_index(drop=True)


# --- what an idle one costs ---------------------------------------------------------------------

IDLE = {
    "posix_spawn": 8,
    "namespaces": 8,
    "runc": 4,
    "gvisor": 2,
    "qemu-tcg": 1,
    "qemu-tcg-linux": 1,
}


@experiment(
    f"{CHAPTER}/idle-memory",
    needs=[host.namespaces],
    claims=["C015", "C018"],
    recorded_with={"budget_s": 40.0},
)
def idle_memory(budget_s: float = 3.0, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Hold several idle instances of each kind at once; share out what they cost.

    Returns:
        Columns round, order, condition, instances (held at once), and for each of them:
        program_kib (PSS of the program itself), keeper_kib (PSS of processes that keep it: a
        runtime, a sandbox, a virtual machine monitor), kernel_kib (kernel memory charged to them),
        total_kib, kind, accelerator.
    """
    with cgroups.group("memory") as group:
        group.kernel_memory_bytes()  # without it, the walls would seem to cost nothing
    failed: dict[str, str] = {}
    conditions: dict[str, Callable[[], dict[str, float]]] = {}
    for name, count in IDLE.items():
        if available := RUNTIMES[name].available():
            conditions[name] = partial(_hold, launched(name), count)
        else:
            failed[name] = available.why
    data = measure_rounds(
        conditions,
        budget_s=budget_s,
        least=1,
        most=20,
        seed=seed,
        warm=False,  # memory does not get faster
        progress=progress,
    )
    data["kind"] = data["condition"].map(lambda name: RUNTIMES[name].kind)
    data["accelerator"] = data["condition"].map(lambda name: RUNTIMES[name].accelerator)
    data.attrs["failed"] = failed | data.attrs["failed"]
    return data


def _hold(runtime: LaunchedRuntime, count: int) -> dict[str, float]:
    """Hold so many instances at once and return what one of them costs, in KiB."""
    with cgroups.group("memory") as group, Launcher() as launcher:
        group.child("held").add(launcher.pid)  # and with it all that it starts
        counted = copy.copy(runtime)
        counted.launcher = lambda: launcher  # type: ignore[method-assign]
        before = group.kernel_memory_bytes()
        with ExitStack() as stack:
            held = [stack.enter_context(counted.start()) for _ in range(count)]
            charged = group.kernel_memory_bytes() - before
            shares = [_shares(instance) for instance in held]
    program, keeper = (sum(share[part] for share in shares) for part in (0, 1))
    return {
        "instances": count,
        "program_kib": program / count / 1024,
        "keeper_kib": keeper / count / 1024,
        "kernel_kib": charged / count / 1024,
        "total_kib": (program + keeper + charged) / count / 1024,
    }


def _shares(instance: Instance) -> tuple[int, int]:
    """PSS in bytes of the held program itself, and of the processes that keep it."""
    first = psutil.Process(instance.pid)
    program = keeper = 0
    for process in [first, *first.children(recursive=True)]:
        try:
            size = process.memory_full_info().pss
            is_program = Path(process.exe()).name == "payload"
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied as error:
            raise CannotMeasure(f"the memory of a held process is hidden: {error}") from None
        program, keeper = program + size * is_program, keeper + size * (not is_program)
    return program, keeper
