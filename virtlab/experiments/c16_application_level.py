"""Experiments of chapter 16: a program fooled about its disk, and packed with what it opens."""

from __future__ import annotations

import copy
import os
import random
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, images, leftovers
from virtlab.experiments.running import launched, output_of, run_program
from virtlab.measure.rounds import measure_rounds
from virtlab.models import app_layers
from virtlab.registry import CannotMeasure, experiment
from virtlab.runtimes import RuntimeFailed
from virtlab.runtimes.rooted import rooted

CHAPTER = "16-application-level"
WAYS = ("no package", "path shim", "bind mount", "overlay")


# --- fooled about the disk ------------------------------------------------------------------------


@experiment(f"{CHAPTER}/system-paths", needs=[host.namespaces, host.overlayfs], claims=["C060"])
def system_paths() -> pd.DataFrame:
    """Let an application change real system paths in an overlay of its own; look at the host.

    Returns:
        One row a path: condition (the path), application (what it does there), and hashes of what
        lies there: host_before, application_sees, host_after ("–" for nothing).
    """
    with leftovers.own_folder() as folder:
        return pd.DataFrame(run_program("fooled.py", "system", folder))


@experiment(f"{CHAPTER}/fooled", claims=["C060"])
def fooled() -> pd.DataFrame:
    """Fool one application about its system folder in three ways, and once not at all.

    The system folder is a small one made for this, so that the control may harm it.

    Returns:
        One row a way: condition, believes (it reads back all that it wrote), host_changes (paths of
        the host that are no longer as they were), package_files and package_kib (what the package
        then holds), child_sees (whose file a program that it starts sees).
    """
    rows, failed = [], {}
    for name in WAYS:
        with leftovers.own_folder() as folder:
            try:
                rows.append({"condition": name, **run_program("fooled.py", name, folder)})
            except CannotMeasure as error:
                failed[name] = f"mounts in a namespace of its own: {error}"
    data = pd.DataFrame(rows)
    data.attrs["failed"] = failed
    return data


@experiment(
    f"{CHAPTER}/open-cost",
    needs=[host.namespaces, host.overlayfs],
    recorded_with={"samples": 100},
)
def open_cost(samples: int = 100, seed: int = 1) -> pd.DataFrame:
    """Time opening, reading and closing a small file, each way that the program is fooled.

    Returns:
        One row a sample: round, order, condition, us (mean of a batch of openings).
    """
    with leftovers.own_folder() as folder:
        return pd.DataFrame(run_program("fooled.py", "cost", folder, samples, seed))


# --- packed with what it opens --------------------------------------------------------------------

REPORT = """#!/bin/sh
PATH=/usr/bin:/bin LC_ALL=C
export PATH LC_ALL
echo "in $1 it was $(TZ=$1 date -d @0 +%H:%M)"
printf '\\360\\322\\311\\327\\305\\324\\n' | iconv -f KOI8-R -t UTF-8
"""
USED = ("sh", "date", "iconv")
ZONE, OTHER_ZONE = "Asia/Tokyo", "America/Bogota"
KERNELS_OWN = ("/proc", "/sys", "/dev")
_CALL = re.compile(r'^\d+ +(\w+)\((?:AT_FDCWD, )?"([^"]+)".*\) += (-?\d+)')


def trace(script: Path, zone: str = ZONE) -> list[tuple[str, str, int]]:
    """Run the application under strace; return its calls with a path: name, path, result.

    Raises:
        CannotMeasure: strace is not here, or may not trace.
    """
    with leftovers.own_folder() as folder:
        log = folder / "trace"
        strace = host.find_tool("strace")
        if strace is None:
            raise CannotMeasure("no strace here; apt-get install strace")
        command = [strace, "-f", "-qq", "-e", "trace=%file", "-s", "4096", "-o", str(log)]
        done = subprocess.run(
            [*command, "/bin/sh", str(script), zone], capture_output=True, text=True, timeout=30
        )
        if done.returncode or not log.exists():
            said = done.stderr.strip().splitlines() or ["it failed"]
            raise CannotMeasure(f"strace: {said[-1]}")
        return [
            (match[1], match[2], int(match[3]))
            for line in log.read_text(errors="replace").splitlines()
            if (match := _CALL.match(line))
        ]


def needed(calls: Sequence[tuple[str, str, int]], script: Path) -> dict[str, Path]:
    """Return the files that a trace says must be packed: path in the package → file of the host.

    The program that the kernel starts a dynamic program with, its loader, opens no trace line: it
    is read out of the programs themselves.
    """
    files: dict[str, Path] = {}
    for call, path, result in calls:
        ours = path == str(script) or path.startswith(KERNELS_OWN)
        if result < 0 or ours or not Path(path).is_file():
            continue
        files[os.path.normpath(path)] = Path(path).resolve()
        if call == "execve" and (loader := _loader(Path(path))):
            files[loader] = Path(loader).resolve()
    return dict(sorted(files.items()))


def _loader(program: Path) -> str:
    """The loader that a program names in its first bytes; empty for a script or a static one."""
    found = re.search(rb"\0(/[\w/.-]*/ld-[\w.-]+)\0", program.read_bytes()[:8192])
    return found[1].decode() if found else ""


@contextmanager
def application() -> Iterator[Path]:
    """Write the application's script into a folder of its own, and give its path."""
    with leftovers.own_folder() as folder:
        script = folder / "report"
        script.write_text(REPORT)
        script.chmod(0o755)
        yield script


def build(root: Path, files: Mapping[str, Path]) -> tuple[int, float]:
    """Fill an empty folder as a package: the application and files of the host.

    Returns:
        How many files it has, and KiB in all.
    """
    (root / "app").mkdir(parents=True)
    (root / "app/report").write_text(REPORT)
    for path, source in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
    sizes = [one.stat().st_size for one in root.rglob("*") if one.is_file()]
    return len(sizes), sum(sizes) / 1024


@experiment(f"{CHAPTER}/traced", needs=[host.strace], claims=["C061"])
def traced() -> pd.DataFrame:
    """Trace an application, and say who knew of each file that it opened.

    Returns:
        One row a file: condition (its path), kib, known_by ("ldd", "the trace" where only it knew,
        "the program's first bytes" for the loader).
    """
    with application() as script:
        files = needed(trace(script), script)
    of_ldd = {str(path) for path in _ldd().values()}
    loaders = {_loader(path) for path in files.values()}
    rows = []
    for path, source in files.items():
        if path in loaders:
            known = "the program's first bytes"
        else:
            known = "ldd" if str(source) in of_ldd else "the trace"
        rows.append((path, source.stat().st_size / 1024, known))
    return pd.DataFrame(rows, columns=["condition", "kib", "known_by"])


def _ldd() -> dict[str, Path]:
    """The programs of the application with the libraries that ldd lists."""
    try:
        return images.programs(*USED)
    except images.ImageError as error:
        raise CannotMeasure(str(error)) from None


@experiment(f"{CHAPTER}/packed", needs=[host.strace, host.namespaces], claims=["C061"])
def packed() -> pd.DataFrame:
    """Run an application from packages, with all files of the host hidden; and on the host.

    Each run also looks for a file that we put on the host a moment ago: on the host it is found.

    Returns:
        One row a run: condition, files and kib (of the package), zone and word (what it says),
        right (the same as on the host), finds_a_file_of_the_host.
    """
    rows = []
    with application() as script, leftovers.own_folder() as folder:
        (folder / "marker").write_text("here\n")
        look = f"echo {folder}/marke*"
        files = needed(trace(script), script)
        plain = launched("posix_spawn")
        truth = {}
        for zone in (ZONE, OTHER_ZONE):
            truth[zone] = output_of(plain, ["/bin/sh", str(script), zone]).splitlines()
        found = output_of(plain, ["/bin/sh", "-c", look]) == f"{folder}/marker"
        rows.append(("on the host", 0, 0.0, *truth[ZONE], True, found))
        of_ldd = _ldd()
        packages = (
            ("what ldd lists", of_ldd, ZONE),
            ("what the trace lists", files, ZONE),
            ("the same, another zone", files, OTHER_ZONE),
        )
        for number, (name, content, zone) in enumerate(packages):
            root = folder / f"package{number}"
            count, kib = build(root, content)
            with rooted(launched("namespaces"), root) as inside:
                said = output_of(inside, ["/bin/sh", "/app/report", zone]).splitlines()
                found = output_of(inside, ["/bin/sh", "-c", look]) == f"{folder}/marker"
            lines = [*said, "–", "–"][:2]
            rows.append((name, count, kib, *lines, lines == truth[zone], found))
    names = ["condition", "files", "kib", "zone", "word", "right", "finds_a_file_of_the_host"]
    return pd.DataFrame(rows, columns=names)


@experiment(f"{CHAPTER}/installed", needs=[host.strace])
def installed() -> pd.DataFrame:
    """Set what the application opened beside what is installed of the Debian packages it is from.

    Returns:
        One row a package: condition (its name), installed_kib, opened_kib (of its files).
    """
    with application() as script:
        files = needed(trace(script), script)
    asked = {}  # a path as the package's list may spell it → the file
    for path, source in files.items():
        for name in (str(source), str(source).removeprefix("/usr"), path):
            asked[name] = source
    opened: dict[str, set[Path]] = {}
    for line in _dpkg("-S", *asked):
        owner, _, path = line.partition(": ")
        if path in asked and not owner.startswith("diversion "):
            opened.setdefault(owner, set()).add(asked[path])
    rows = []
    for owner_name, sources in sorted(opened.items()):
        listed = {Path(line).resolve() for line in _dpkg("-L", owner_name)}
        whole = sum(one.stat().st_size for one in listed | sources if one.is_file()) / 1024
        rows.append((owner_name, whole, sum(one.stat().st_size for one in sources) / 1024))
    if not rows:
        raise CannotMeasure("no file of the application is from a Debian package")
    return pd.DataFrame(rows, columns=["condition", "installed_kib", "opened_kib"])


def _dpkg(*arguments: str) -> list[str]:
    """The lines that dpkg-query answers with; none if it knows nothing, or is not here."""
    command = ["dpkg-query", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except OSError as error:
        raise CannotMeasure(f"dpkg-query: {error.strerror}") from None
    return done.stdout.splitlines()


# --- as one file ----------------------------------------------------------------------------------


@experiment(
    f"{CHAPTER}/one-file",
    needs=[host.strace, host.squashfs, host.namespaces, host.loop_device],
    claims=["C061"],
    recorded_with={"rounds": 20},
)
def one_file(rounds: int = 8, idle_mib: int = 12, seed: int = 1) -> pd.DataFrame:
    """Keep the package as a folder, a tar archive and a squashfs image; run it from each.

    The latter two also with a file in it that nobody opens: bytes made by chance.

    Returns:
        One row a run: round, order, condition, ready_ms (unpack or mount), run_ms (the
        application in a root of its own), total_ms, kib (of what is carried about).
    """
    with application() as script, leftovers.own_folder() as folder:
        root = folder / "folder"
        _, kib = build(root, needed(trace(script), script))
        for name in ("proc", "dev", "tmp"):
            (root / name).mkdir()
        carried = {"folder": kib}
        idle = random.Random(seed).randbytes(idle_mib << 20)
        for more in ("", ", idle files"):
            if more:
                (root / "idle").write_bytes(idle)
            archive, image = folder / f"tar.gz{more}", folder / f"squashfs{more}"
            with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
                tar.add(root, ".")
            _run("mksquashfs", root, image, "-quiet", "-no-progress", "-all-root")
            carried |= {archive.name: _kib(archive), image.name: _kib(image)}
        conditions = {name: partial(_once, name, folder) for name in carried}
        data = measure_rounds(conditions, rounds=rounds, seed=seed)
    data["kib"] = data["condition"].map(carried)
    return data


def _once(name: str, folder: Path) -> dict[str, float]:
    """Make the package ready and run it; unmount or remove what that made."""
    kind = name.partition(",")[0]
    place = folder / "ready"
    start = time.perf_counter_ns()
    if kind == "tar.gz":
        with tarfile.open(folder / name) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(place, filter="data")
            else:
                tar.extractall(place)
    elif kind == "squashfs":
        place.mkdir()
        try:
            _run("mount", "-o", "loop,ro", "-t", "squashfs", folder / name, place)
        except RuntimeFailed:
            place.rmdir()
            raise
    else:
        place = folder / "folder"
    try:
        ready = time.perf_counter_ns()
        launcher = copy.copy(launched("namespaces").launcher())
        launcher.root, launcher.binds = place, []
        runtime = copy.copy(launched("namespaces"))
        runtime.launcher = lambda: launcher  # type: ignore[method-assign]
        said = output_of(runtime, ["/bin/sh", "/app/report", ZONE])
        done = time.perf_counter_ns()
        if ZONE not in said:
            raise RuntimeFailed(f"the package did not run from {name}: {said[:80]}")
    finally:
        if kind == "squashfs":
            _run("umount", place)
            place.rmdir()
        elif kind == "tar.gz":
            shutil.rmtree(place)
    return {
        "ready_ms": (ready - start) / 1e6,
        "run_ms": (done - ready) / 1e6,
        "total_ms": (done - start) / 1e6,
    }


# --- the rules of the products, modelled ----------------------------------------------------------


@experiment(f"{CHAPTER}/isolation-modes", simulated=True, claims=["C062"])
def isolation_modes() -> pd.DataFrame:
    """Model the three isolation modes of ThinApp: what the application sees, what the host keeps.

    Returns:
        One row a mode: condition, reads_host (does it see a file that only the host has),
        change, remove, create (where each of these ends up: "sandbox" or "host"), own (where a
        change to a file of the package ends up).
    """
    rows = []
    for mode in app_layers.MODES:
        row: dict[str, Any] = {"condition": mode}
        for what, path, text in (
            ("change", "/etc/hosts", "new"),
            ("remove", "/etc/motd", None),
            ("create", "/etc/app.conf", "new"),
            ("own", "/app/settings", "new"),
        ):
            before = {"/etc/hosts": "old", "/etc/motd": "old", "/app/settings": "the host's"}
            files = app_layers.VirtualFiles({"/app/settings": "packed"}, dict(before), mode)
            if what == "change":
                row["reads_host"] = "seen" if files.read("/etc/motd") else "hidden"
            files.write(path, text)
            row[what] = "sandbox" if files.host == before else "host"
        rows.append(row)
    return pd.DataFrame(rows)


@experiment(f"{CHAPTER}/registry-rules", simulated=True, claims=["C062"])
def registry_rules() -> pd.DataFrame:
    """Model the rules of App-V's virtual registry: what the application finds under one key.

    Returns:
        One row a rule of the package for its key: condition, and the values that are seen: theme
        (only the host has it), font (host and package), zoom (the user changed it), and subkey
        (whether a subkey of the host's is seen).
    """
    rows = []
    for rule in app_layers.RULES:
        local: app_layers.Layer = {
            r"software\paint": (app_layers.MERGE, {"theme": "host", "font": "host"}),
            r"software\paint\recent": (app_layers.MERGE, {"file": "host"}),
        }
        package: app_layers.Layer = {
            r"software\paint": (rule, {"font": "package", "zoom": "package"})
        }
        user: app_layers.Layer = {r"software\paint": (app_layers.MERGE, {"zoom": "user"})}
        seen = app_layers.merged_keys([local, package, user])
        values = seen.get(r"software\paint", {})
        row = {name: values.get(name, "–") for name in ("theme", "font", "zoom")}
        subkey = "host" if r"software\paint\recent" in seen else "–"
        rows.append({"condition": rule, **row, "subkey": subkey})
    return pd.DataFrame(rows)


# --- helpers --------------------------------------------------------------------------------------


def _kib(file: Path) -> float:
    return file.stat().st_size / 1024


def _run(name: str, *arguments: object) -> None:
    """Run a system tool to its end; what it says is told only if it fails."""
    command = [host.find_tool(name) or name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeFailed(f"{name}: {said[-1]}")
