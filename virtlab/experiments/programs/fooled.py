"""Fools a program about its disk, and looks at what the host has afterwards.

`fooled.py CONDITION FOLDER`, run by `python -I -S`, never imported, fills the empty FOLDER with a
small system folder, the host's, and runs an application that changes it. CONDITION says how the
application is fooled: "no package", "path shim", "bind mount" or "overlay"; "system" lays an
overlay over the real /etc and /usr/bin. `fooled.py cost FOLDER SAMPLES SEED` times the opening of a
file each way. Prints one JSON object.
"""

import builtins
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container import walls

HOST = {
    "hosts": "127.0.0.1 localhost\n",
    "motd": "Welcome.\n",
    "old.conf": "color=green\n",
    "big.db": "x" * (1 << 20),
    "untouched": "as ever\n",
}
LINE = "10.0.0.7 printer\n"
BATCH = 50


def overlay(lower: Path, above: Path, place: Path, more: str) -> None:
    """Lay the folder `above`/upper over `lower`, and show the result at `place`."""
    for name in ("upper", "work"):
        (above / name).mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={above}/upper,workdir={above}/work{more}"
    syscalls.mount("overlay", str(place), "overlay", 0, options)


def memory(folder: Path) -> Path:
    """Put a file system in memory there: no upper layer may lie on what is an overlay itself."""
    folder.mkdir(exist_ok=True)
    syscalls.mount("package", str(folder), "tmpfs", 0)
    return folder


# --- the application, which knows nothing of all this ---------------------------------------------


def application(system: Path) -> dict[str, str]:
    """Change the system folder, then read back what was written."""
    with open(system / "hosts", "a") as hosts:  # noqa: PTH123
        hosts.write(LINE)
    with open(system / "motd", "w") as motd:  # noqa: PTH123
        motd.write("Bonjour.\n")
    os.remove(system / "old.conf")  # noqa: PTH107
    with open(system / "app.conf", "w") as own:  # noqa: PTH123
        own.write("loud=no\n")
    seen = {}
    for name in ("hosts", "motd", "old.conf", "app.conf"):
        try:
            with open(system / name) as file:  # noqa: PTH123
                seen[name] = file.read()
        except FileNotFoundError:
            seen[name] = "–"
    try:  # a program of its own, as applications start them
        asked = subprocess.run(["cat", system / "hosts"], capture_output=True, text=True)
    except OSError as error:
        raise OSError(f"cannot start cat: {error}") from None
    seen["child"] = asked.stdout
    return seen


EXPECTED = {
    "hosts": HOST["hosts"] + LINE,
    "motd": "Bonjour.\n",
    "old.conf": "–",
    "app.conf": "loud=no\n",
}


class Shim:
    """Stands between the application and two functions of its language; rewrites the paths.

    Args:
        system: the folder that the application shall not change.
        package: where its changes go instead.
    """

    def __init__(self, system: Path, package: Path) -> None:
        self.system, self.package, self.removed = str(system), package, set[str]()
        self.open, self.remove = builtins.open, os.remove

    def place(self, path: Any, writing: bool = False) -> Any:
        """Return where a path leads now."""
        name = os.fspath(path)
        if not isinstance(name, str) or not name.startswith(self.system + "/"):
            return path
        own = self.package / name[len(self.system) + 1 :]
        if writing or own.exists():
            return own
        return os.devnull + "/removed" if name in self.removed else path

    def opened(self, path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        """In place of open."""
        writing = any(letter in mode for letter in "wax+")
        own = self.place(path, writing)
        if writing and own != path:
            fresh = "w" in mode or os.fspath(path) in self.removed
            if not fresh and not own.exists() and Path(path).exists():
                shutil.copyfile(path, own)
            self.removed.discard(os.fspath(path))
        try:
            return self.open(own, mode, *more, **named)
        except NotADirectoryError:
            raise FileNotFoundError(path) from None

    def gone(self, path: Any) -> None:
        """In place of os.remove."""
        own = self.place(path, writing=True)
        if own == path:
            self.remove(path)
            return
        own.unlink(missing_ok=True)
        self.removed.add(os.fspath(path))

    def __enter__(self) -> None:
        builtins.open, os.remove = self.opened, self.gone  # type: ignore[assignment]

    def __exit__(self, *failure: object) -> None:
        builtins.open, os.remove = self.open, self.remove


# --- one way to fool it ---------------------------------------------------------------------------


def fool(condition: str, folder: Path) -> dict[str, Any]:
    """Run the application in one condition; say what it saw, and what host and package have."""
    system, package = folder / "host", folder / "package"
    system.mkdir()
    package.mkdir()
    for name, text in HOST.items():
        (system / name).write_text(text)
    if condition == "no package":
        seen = application(system)
    elif condition == "path shim":
        with Shim(system, package):
            seen = application(system)
    else:
        seen, own = walls.in_child(lambda: beside(condition, system, package))
    if condition in ("no package", "path shim"):
        own = sizes(package)
    changed = [
        name
        for name in {*HOST, *os.listdir(system)}  # noqa: PTH208
        if not (system / name).exists()
        or name not in HOST
        or (system / name).read_text() != HOST[name]
    ]
    return {
        "believes": all(seen[name] == text for name, text in EXPECTED.items()),
        "host_changes": len(changed),
        "package_files": len(own),
        "package_kib": round(sum(own.values()) / 1024, 2),
        "child_sees": "the application's" if LINE in seen["child"] else "the host's",
    }


def beside(condition: str, system: Path, package: Path) -> tuple[dict[str, str], dict[str, int]]:
    """Mount, run the application; return what it saw, and the sizes of what the package has."""
    more = walls.own_mounts()
    memory(package)
    if condition == "bind mount":
        shutil.copytree(system, package / "copy")
        syscalls.mount(str(package / "copy"), str(system), None, syscalls.MS_BIND)
        return application(system), sizes(package / "copy")
    overlay(system, package, system, more)
    return application(system), sizes(package / "upper")


def sizes(folder: Path) -> dict[str, int]:
    """Return the size of every file below a folder, whiteouts too."""
    return {str(one): one.lstat().st_size for one in folder.rglob("*") if not one.is_dir()}


# --- the real system folders ----------------------------------------------------------------------


def digest(path: str) -> str:
    """Return a hash of what lies at a path, "–" for nothing."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]
    except OSError:
        return "–"


def system_folders(folder: Path) -> list[dict[str, str]]:
    """Change real system paths in an overlay of our own; compare before, inside and after."""
    paths = {
        "/etc/hosts": "adds a line",
        "/etc/passwd": "removes it",
        "/usr/bin/env": "replaces it",
        "/etc/virtlab.conf": "makes it",
    }
    before = {path: digest(path) for path in paths}
    inside = walls.in_child(lambda: change_system(folder))
    return [
        {
            "condition": path,
            "application": does,
            "host_before": before[path],
            "application_sees": inside[path],
            "host_after": digest(path),
        }
        for path, does in paths.items()
    ]


def change_system(folder: Path) -> dict[str, str]:
    """In a child: lay overlays over /etc and /usr/bin, change files there, say what is seen."""
    more = walls.own_mounts()
    package = memory(folder / "package")
    for name in ("etc", "usr/bin"):
        place = Path("/") / name
        device = place.stat().st_dev
        overlay(place, package / name, place, more)
        if place.stat().st_dev == device:
            raise OSError(f"the overlay does not cover {place}")
    with Path("/etc/hosts").open("a") as hosts:
        hosts.write(LINE)
    Path("/etc/passwd").unlink()
    Path("/usr/bin/env").unlink()
    Path("/usr/bin/env").write_text("#!/bin/sh\necho fooled\n")
    Path("/etc/virtlab.conf").write_text("loud=no\n")
    named = ("/etc/hosts", "/etc/passwd", "/usr/bin/env", "/etc/virtlab.conf")
    return {path: digest(path) for path in named}


# --- what it costs --------------------------------------------------------------------------------


def cost(folder: Path, samples: int, seed: int) -> list[dict[str, Any]]:
    """Time opening, reading and closing a small file each way, in shuffled rounds."""
    more = walls.own_mounts()
    memory(folder / "all")
    places = {name: folder / "all" / name for name in ("host", "bound", "merged", "above", "own")}
    for place in places.values():
        place.mkdir()
    (places["host"] / "file").write_text("as ever\n")
    syscalls.mount(str(places["host"]), str(places["bound"]), None, syscalls.MS_BIND)
    overlay(places["host"], places["above"], places["merged"], more)
    shim = Shim(places["host"], places["own"])
    ways: dict[str, tuple[Callable[..., Any], Path]] = {
        "no package": (open, places["host"] / "file"),
        "bind mount": (open, places["bound"] / "file"),
        "overlay": (open, places["merged"] / "file"),
        "path shim": (shim.opened, places["host"] / "file"),
    }
    shuffle = random.Random(seed).shuffle
    rows: list[dict[str, Any]] = []
    for number in range(-3, samples):  # the first ones warm up
        order = list(ways)
        shuffle(order)
        for place_in_round, name in enumerate(order):
            opened, path = ways[name]
            text = str(path)
            before = time.perf_counter_ns()
            for _ in range(BATCH):
                with opened(text) as file:
                    file.read()
            us = (time.perf_counter_ns() - before) / 1e3 / BATCH
            rows.append({"round": number, "order": place_in_round, "condition": name, "us": us})
    return [row for row in rows if row["round"] >= 0]


def main() -> None:
    """Do what the first argument says."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "cost":
        print(json.dumps(cost(folder, int(sys.argv[3]), int(sys.argv[4]))))
    elif what == "system":
        print(json.dumps(system_folders(folder)))
    else:
        print(json.dumps(fool(what, folder)))


if __name__ == "__main__":
    main()
