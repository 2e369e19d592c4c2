"""What the servers of a pool do; only the standard library is imported, to keep them small."""

from __future__ import annotations

import os
import resource
import socket
import time
from pathlib import Path
from typing import Any

MIB, PAGE = 1 << 20, 4096


def who() -> dict[str, Any]:
    """Say who this server is, as it sees itself."""
    return {
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "cores": len(os.sched_getaffinity(0)),
    }


def compute(units: float) -> int:
    """Compute something; it takes a core's time in proportion to the units."""
    total = 0
    for number in range(round(200 * units)):
        total += number & 7
    return total


def compute_and_tell(units: float) -> tuple[int, int]:
    """Compute, and return when that began and ended, by the clock that all processes share."""
    began = time.perf_counter_ns()
    compute(units)
    return began, time.perf_counter_ns()


def limit_memory(free_mib: int) -> None:
    """Let this server allocate so much more memory, and then nothing: the kernel refuses it."""
    status = Path("/proc/self/status").read_text()
    used = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    limit = used * 1024 + free_mib * MIB
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def fill(mib: int) -> bytearray:
    """Return a block of so many MiB, each page written to; the server holds it as a result."""
    block = bytearray(mib * MIB)
    for place in range(0, len(block), PAGE):
        block[place] = 1
    return block


def held(block: bytearray) -> tuple[int, int]:
    """Say which process holds a block, and how many MiB of it are there."""
    return os.getpid(), block.count(1) * PAGE // MIB


def note_and_compute(piece: int, units: float, folder: str) -> int:
    """Note that this piece runs, by a line in a file; compute a while; return the square."""
    with (Path(folder) / "runs").open("a") as runs:
        runs.write(f"{piece} {socket.gethostname()} {os.getpid()}\n")
    compute(units)
    return piece * piece


class Counter:
    """Something that lives on one server and has a state, as a virtual machine has."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        """Count one further."""
        self.count += 1
        return self.count


def state_of(key: str, dask_scheduler: Any = None) -> str:
    """Return, on the scheduler, what it says about a task."""
    return str(dask_scheduler.tasks[key].state)
