"""Builds containers wall by wall. Run as `python -I -S walls.py ROUNDS SEED ROOT`, never imported.

Each round is one fresh child that gives itself every namespace, in an order drawn for the round,
and then a root and a /proc of its own. Prints one JSON object: {"steps": [...], "seen": [...]}.
"""

import contextlib
import json
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container.walls import in_child

SHUFFLED = ("nothing", "uts", "ipc", "cgroup", "pid", "net", "mnt")
HOSTNAME = "container"


def build(order: Sequence[str], root: str) -> tuple[list[list[Any]], dict[str, Any]]:
    """Give this process every wall in the order, then a root and, for its child, a /proc.

    Returns:
        [wall, microseconds] for each step, and what the first process inside sees.
    """
    steps: list[list[Any]] = []

    def step(name: str, action: Callable[..., object], *arguments: Any) -> None:
        before = time.perf_counter_ns()
        action(*arguments)
        steps.append([name, (time.perf_counter_ns() - before) / 1e3])

    ids = os.geteuid(), os.getegid()
    warm_up()
    for wall in order:
        step(wall, WALLS[wall], *(ids if wall == "user" else ()))
    step("root", move_into, root)

    def first_process() -> tuple[list[list[Any]], dict[str, Any]]:
        steps.clear()
        step("proc", mount_proc)
        return steps, look()

    last, seen = in_child(first_process)
    return steps + last, seen


def warm_up() -> None:
    """Do, without effect, what the steps will do.

    The first call of a C function looks it up, and after a fork the first to touch a page pays for
    its copy: that is Python's cost, not a wall's.
    """
    syscalls.unshare(0)
    for _ in range(3):
        Path(os.devnull).write_text("warm")
    nowhere = f"{os.devnull}/nowhere"
    refused: list[Callable[[], None]] = [
        lambda: syscalls.sethostname("longer than any host's name may be, " * 2),
        lambda: syscalls.mount(nowhere, nowhere, None, syscalls.MS_BIND),
        lambda: syscalls.pivot_root(nowhere, nowhere),
        lambda: syscalls.umount(nowhere),
    ]
    for call in refused:
        with contextlib.suppress(OSError):
            call()


def new_user(uid: int, gid: int) -> None:
    """A user namespace in which this user is root."""
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    for name, text in [("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")]:
        Path(f"/proc/self/{name}").write_text(text)


def new_uts() -> None:
    """A UTS namespace with a hostname of its own."""
    syscalls.unshare(syscalls.CLONE_NEWUTS)
    syscalls.sethostname(HOSTNAME)


WALLS: dict[str, Callable[..., object]] = {
    "nothing": lambda: syscalls.unshare(0),  # what every other step costs at least
    "user": new_user,
    "uts": new_uts,
    "ipc": lambda: syscalls.unshare(syscalls.CLONE_NEWIPC),
    "cgroup": lambda: syscalls.unshare(syscalls.CLONE_NEWCGROUP),
    "pid": lambda: syscalls.unshare(syscalls.CLONE_NEWPID),
    "net": lambda: syscalls.unshare(syscalls.CLONE_NEWNET),
    "mnt": lambda: syscalls.unshare(syscalls.CLONE_NEWNS),
}


def move_into(root: str) -> None:
    """Make the folder this mount namespace's root, and let go of the old one."""
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount(root, root, None, syscalls.MS_BIND | syscalls.MS_REC)
    # The host's /proc comes along for now: without it a user namespace may mount no new one.
    syscalls.mount("/proc", f"{root}/proc", None, syscalls.MS_BIND | syscalls.MS_REC)
    os.chdir(root)
    syscalls.pivot_root(".", ".")
    syscalls.umount(".")
    os.chdir("/")


def mount_proc() -> None:
    """Show the processes of this PID namespace."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", "/proc", "proc", flags)


def look() -> dict[str, Any]:
    """What a process sees of each thing that a wall can hide."""
    return {
        "user": os.geteuid(),
        "uts": socket.gethostname(),
        "ipc": len(lines("/proc/sysvipc/shm")) - 1,
        "cgroup": max(map(depth, lines("/proc/self/cgroup"))),
        "pid": sum(entry.name.isdigit() for entry in Path("/proc").iterdir()),
        "net": len(socket.if_nameindex()),
        "mnt": len(lines("/proc/self/mountinfo")),
        "root": len(list(Path("/").iterdir())),
    }


def lines(path: str) -> list[str]:
    """The lines of a file of the kernel's."""
    return Path(path).read_text().splitlines()


def depth(line: str) -> int:
    """How many groups deep a line of /proc/PID/cgroup lies below the root that it is shown."""
    path = line.strip().split(":", 2)[2]
    return sum(1 for name in path.split("/") if name)


def keep_shared_memory() -> Callable[[], object]:
    """Make a segment of System V memory that every process of this IPC namespace can list."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    private, create = 0, 0o1600
    identity = libc.shmget(private, 4096, create)
    return lambda: libc.shmctl(identity, 0, None)


def main() -> None:
    """Build one container a round and print what every step took and what the last one sees."""
    rounds, seed, root = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    chance = random.Random(seed)
    remove = keep_shared_memory()
    try:
        outside = look()
        steps: list[list[Any]] = []
        for number in range(rounds):
            # An ordinary user may make the others only inside a user namespace.
            order = ["user", *chance.sample(SHUFFLED, len(SHUFFLED))]
            took, inside = in_child(partial(build, order, root))
            steps += [[number, place, name, us] for place, (name, us) in enumerate(took)]
    finally:
        remove()
    seen = [[wall, outside[wall], inside[wall]] for wall in outside]
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"steps": steps, "seen": seen}))


if __name__ == "__main__":
    main()
