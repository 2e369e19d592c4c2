"""Changes files in an overlay and looks at what lies on disk.

`overlay.py FOLDER BIG`, run by `python -I -S`, never imported, makes a lower and an upper layer in
the empty FOLDER, mounts one over the other, and changes files in what a container would see. Prints
one JSON object: "paths", what lies where, and "writes", the ms that two equal writes took to each
of several files of BIG bytes.
"""

import json
import os
import stat
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container import walls

BASE = {
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/motd": "Welcome.\n",
    "etc/old.conf": "color=green\n",
    "cache/page1": "old\n",
    "cache/page2": "old\n",
}
BIG_FILES = ("big", *(f".big{number}" for number in range(2, 6)))  # the hidden ones are not listed


def lay(folder: Path, big: int) -> None:
    """Make the layers' folders and fill the lower one."""
    for name in ("lower/data", "upper", "work", "merged"):
        (folder / name).mkdir(parents=True)
    for path, text in BASE.items():
        (folder / "lower" / path).parent.mkdir(exist_ok=True)
        (folder / "lower" / path).write_text(text)
    for name in BIG_FILES:
        (folder / "lower/data" / name).write_bytes(bytes(big))


def mount(folder: Path, more: str) -> None:
    """Lay upper over lower and show the result in merged."""
    options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work{more}"
    syscalls.mount("overlay", f"{folder}/merged", "overlay", 0, options)


def change(merged: Path) -> None:
    """Do what a program in a container might do."""
    with (merged / "etc/motd").open("a") as motd:
        motd.write("You are in a container.\n")
    (merged / "etc/old.conf").unlink()
    for page in list((merged / "cache").iterdir()):
        page.unlink()
    (merged / "cache").rmdir()
    (merged / "cache").mkdir()
    (merged / "cache/page3").write_text("new\n")
    (merged / "srv").mkdir()
    (merged / "srv/app.log").write_text("started\n")


def write_twice(path: Path) -> tuple[float, float]:
    """Append a byte and another one to a file; return the ms of each."""
    return add_a_byte(path), add_a_byte(path)


def add_a_byte(path: Path) -> float:
    """Append one byte to a file; return how many ms that took."""
    before = time.perf_counter_ns()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b"!")
    os.close(descriptor)
    return (time.perf_counter_ns() - before) / 1e6


def describe(path: Path) -> str:
    """What lies at a path, in the words that the kernel's documentation of overlayfs uses."""
    try:
        status = path.lstat()
    except OSError:
        return "–"
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return "whiteout: character device 0,0"
    if stat.S_ISDIR(status.st_mode):
        return "directory, opaque" if is_opaque(path) else "directory"
    return f"file, {status.st_size:,} bytes"


def is_opaque(folder: Path) -> bool:
    """Whether the kernel marked a folder of a layer as hiding what lies below it."""
    for space in ("trusted", "user"):
        try:
            return os.getxattr(folder, f"{space}.overlay.opaque") == b"y"
        except OSError:
            continue
    return False


def report(folder: Path) -> list[dict[str, str]]:
    """One entry for each path in any layer: what lies in lower and upper, what merged shows."""
    layers = [folder / name for name in ("lower", "upper", "merged")]
    paths = {path.relative_to(layer) for layer in layers for path in layer.rglob("*")}
    return [
        {"condition": f"/{path}"} | {layer.name: describe(layer / path) for layer in layers}
        for path in sorted(paths)
        if not path.name.startswith(".")
    ]


def main() -> None:
    """Lay, mount, change, look."""
    folder, big = Path(sys.argv[1]), int(sys.argv[2])
    more = walls.own_mounts()
    lay(folder, big)
    try:
        mount(folder, more)
    except OSError:
        # No upper layer may lie on what is an overlay itself, as a container's /tmp is: use memory.
        syscalls.mount("layers", str(folder), "tmpfs", 0)
        lay(folder, big)
        mount(folder, more)
    try:
        change(folder / "merged")
        writes = [write_twice(folder / "merged/data" / name) for name in BIG_FILES]
        print(json.dumps({"paths": report(folder), "writes": writes}))
    finally:
        # The kernel made it without any permission; its owner shall be able to remove it.
        (folder / "work/work").chmod(0o700)


if __name__ == "__main__":
    main()
