"""The victim of noisy neighbours. Run as `python -I -S sufferer.py TASK`, never imported.

TASK is JSON: `core` (run there only) and `walls` (namespaces to be in). It answers `ready`, then
each line of JSON on its input with one line of JSON, a list of times in ns; it ends with its input.

- {"do": "serve", "requests": n, "gap_ms": …, "units": …}: requests at regular moments, in an open
  loop; each response time runs from the intended moment.
- {"do": "chase", "kib": …, "steps": …}: follow pointers through so much memory; the CPU time of
  one step, in thousandths of a ns. Waiting for the core does not count.
- {"do": "copy", "kib": …, "times": …}: copy so much memory; one MiB.
- {"do": "set up", "times": …}: make a very small change to one's own network; one change,
  on average.
"""

import ctypes
import hashlib
import json
import mmap
import os
import platform
import random
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab.container import walls

BLOCK = bytes(range(256)) * 64
LINE = 64  # bytes that a cache keeps together
MIB = 1 << 20
# mov rcx, rsi; again: mov rdi, [rdi]; dec rcx; jnz again; mov rax, rdi; ret
CHASE = bytes.fromhex("4889f1488b3f48ffc975f84889f8c3")


def serve(requests: int, gap_ms: float, units: int) -> list[int]:
    """Answer each request when its moment has come, or as soon as the last one is done."""
    first = time.monotonic_ns() + int(gap_ms * 1e6)
    times = []
    for number in range(requests):
        intended = first + int(number * gap_ms * 1e6)
        left = intended - time.monotonic_ns()
        if left > 0:
            time.sleep(left / 1e9)
        for _ in range(units):
            hashlib.sha256(BLOCK)
        times.append(time.monotonic_ns() - intended)
    return times


@cache
def chaser() -> tuple[Any, mmap.mmap]:
    """The loop in machine code, whose every step waits for the one before; and where it lies."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise OSError(f"the chase is written for x86-64; this is {platform.machine()}")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CHASE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)(address), page


@cache
def chain(kib: int) -> tuple[int, mmap.mmap]:
    """Memory in which each line names the next one, in random order; and where it begins."""
    memory = mmap.mmap(-1, kib << 10)
    with suppress(AttributeError, OSError):  # few and large pages, so that the caches decide
        memory.madvise(mmap.MADV_HUGEPAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    places = list(range(0, len(memory), LINE))
    random.Random(1).shuffle(places)
    for place, following in zip(places, places[1:] + places[:1], strict=True):
        struct.pack_into("=Q", memory, place, start + following)
    return start + places[0], memory


def chase(kib: int, steps: int) -> list[int]:
    """Take so many steps, and return the CPU time of one of them, in thousandths of a ns."""
    call, _ = chaser()
    start, _ = chain(kib)
    call(start, (kib << 10) // LINE)  # what was pushed out before does not count
    before = time.process_time_ns()
    call(start, steps)
    return [(time.process_time_ns() - before) * 1000 // steps]


@cache
def buffers(kib: int) -> tuple[bytearray, bytearray]:
    """Two pieces of memory, touched."""
    return bytearray(b"x" * (kib << 10)), bytearray(b"y" * (kib << 10))


def copy(kib: int, times: int) -> list[int]:
    """Copy one piece of memory to the other, and return what a MiB took each time."""
    source, target = buffers(kib)
    took = []
    for _ in range(times):
        before = time.perf_counter_ns()
        target[:] = source
        took.append((time.perf_counter_ns() - before) * 1024 // kib)
    return took


def set_up(times: int) -> list[int]:
    """Set the length of a queue to what it is; return the mean, for waiting comes in bursts."""
    before = time.perf_counter_ns()
    for _ in range(times):
        walls.set_queue_length(1000)
    return [(time.perf_counter_ns() - before) // times]


WORK: dict[str, Callable[..., list[int]]] = {
    "serve": serve,
    "chase": chase,
    "copy": copy,
    "set up": set_up,
}


def main() -> None:
    """Obey, line by line."""
    task = json.loads(sys.argv[1])
    if "core" in task:
        os.sched_setaffinity(0, {task["core"]})
    walls.put_up(task.get("walls", ()))
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        times = WORK[order.pop("do")](**order)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
