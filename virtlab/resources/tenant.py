"""A tenant: one small process that does real work. Run as `python -I -S tenant.py`, never imported.

It reads its task as one line of JSON, answers `ready`, reads the moment to start at (monotonic ns)
and answers with one line of JSON. It ends by itself: after its `seconds`, or when its input closes.
A unit of work is one SHA-256 of 16 KiB, some ten microseconds of computing with no system call.

Every task may name `core` (run there only), `nice`, `hold` (memory to have from the start) and
`limits` (rlimits by name, as `{"NPROC": 10}`), `walls` (namespaces to be in, as `["net", "mnt"]`).
"""

import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

Task = dict[str, Any]
BLOCK = bytes(range(256)) * 64
SPIN_UNITS = 20  # between two looks at the clock, whose cost then hardly counts
PAGE = 4096
MIB = 1 << 20


def work(units: int) -> None:
    """Do that many units of work."""
    for _ in range(units):
        hashlib.sha256(BLOCK)


def calibrate(task: Task, start: int) -> Task:
    """Return the CPU seconds of one unit: the least of several tries leaves disturbance out."""
    least = float("inf")
    for _ in range(20):
        before = time.process_time()
        work(100)
        least = min(least, (time.process_time() - before) / 100)
    return {"unit_s": least}


def spin(task: Task, start: int) -> Task:
    """Work without pause, except in the `idle` spans (seconds from the start); count by slices."""
    slice_s: float = task.get("slice_s") or task["seconds"]
    slices = [0] * max(1, round(task["seconds"] / slice_s))
    idle = [(start + since * 1e9, start + until * 1e9) for since, until in task.get("idle", ())]
    end = start + task["seconds"] * 1e9
    while (now := time.monotonic_ns()) < end:
        pause = next((until for since, until in idle if since <= now < until), None)
        if pause is not None:
            wait_until(min(pause, end))
            continue
        work(SPIN_UNITS)
        slices[min(int((now - start) / 1e9 / slice_s), len(slices) - 1)] += SPIN_UNITS
    return {"units": sum(slices), "slices": slices}


def bursts(task: Task, start: int) -> Task:
    """Do bursts of work at intended moments, whether or not the last one is done (open loop).

    A response time runs from the intended moment, so a late start counts against the answer. The
    moments are random, `mean_interval_s` apart, or exactly that far with `regular`. A burst that
    was intended but not done by the end counts as `late`.
    """
    chance = random.Random(task.get("seed", 1))
    end = start + task["seconds"] * 1e9
    intended = float(start)
    responses: list[float] = []
    late = 0
    while True:
        gap = 1.0 if task.get("regular") else chance.expovariate(1)
        intended += gap * task["mean_interval_s"] * 1e9
        if intended >= end:
            break
        wait_until(intended)
        if time.monotonic_ns() >= end:
            late += 1
            continue
        work(task["units"])
        now = time.monotonic_ns()
        if now >= end:
            late += 1
        else:
            responses.append((now - intended) / 1e6)
    wait_until(end)
    return {"units": len(responses) * task["units"], "responses_ms": responses, "late": late}


def allocate(task: Task, start: int) -> Task:
    """Take `mib` MiB of memory, page by page, until done or refused."""
    blocks: list[bytearray] = []
    try:
        for _ in range(task["mib"]):
            blocks.append(touched(MIB))
    except MemoryError:
        return {"mib": len(blocks), "refused": True}
    return {"mib": len(blocks), "refused": False}


def read_file(task: Task, start: int) -> Task:
    """Read a file from end to end: it passes through the page cache."""
    total = 0
    with open(task["path"], "rb", buffering=0) as file:  # noqa: PTH123 - few imports, small tenant
        while piece := file.read(MIB):
            total += len(piece)
    return {"mib": total / MIB}


def multiply(task: Task, start: int) -> Task:
    """Fork `count` children that wait, until done or refused; end them all."""
    children: list[int] = []
    read_end, write_end = os.pipe()
    error = ""
    try:
        for _ in range(task["count"]):
            pid = os.fork()
            if pid == 0:
                os.close(write_end)
                os.read(read_end, 1)
                os._exit(0)
            children.append(pid)
    except OSError as problem:
        error = problem.strerror or str(problem)
    os.close(write_end)
    for pid in children:
        os.waitpid(pid, 0)
    return {"children": len(children), "error": error}


def stress_memory(task: Task, start: int) -> Task:
    """Write through `mib` MiB again and again: it fills caches and memory bandwidth.

    It writes `block` bytes at a time, a page if not given.
    """
    buffer = bytearray(task["mib"] * MIB)
    size: int = task.get("block", PAGE)
    block = bytes(size)
    rounds = 0
    while time.monotonic_ns() < start + task["seconds"] * 1e9:
        for place in range(0, len(buffer), size):
            buffer[place : place + size] = block
        rounds += 1
    return {"units": rounds}


def stress_fork(task: Task, start: int) -> Task:
    """Fork children that end at once, one after the other, `at_once` at a time."""
    forked = refused = 0
    while time.monotonic_ns() < start + task["seconds"] * 1e9:
        children = []
        for _ in range(task["at_once"]):
            try:
                pid = os.fork()
            except OSError:
                refused += 1
                time.sleep(0.001)
                break
            if pid == 0:
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        forked += len(children)
    return {"units": forked, "refused": refused}


def stress_io(task: Task, start: int) -> Task:
    """Write a file past the page cache, 256 KiB at a time, again and again; count the MiB."""
    import mmap

    block = mmap.mmap(-1, 256 * 1024)  # aligned to a page, as direct writing wants it
    file = os.open(task["path"], os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o600)
    written = 0
    try:
        while time.monotonic_ns() < start + task["seconds"] * 1e9:
            written += os.pwrite(file, block, written % (16 * MIB))
    finally:
        os.close(file)
    return {"mib": written / MIB}


def stress_network(task: Task, start: int) -> Task:
    """Send datagrams to oneself over loopback, as fast as they go; count them."""
    import socket

    datagram = bytes(1400)
    sent = 0
    with (
        socket.socket(type=socket.SOCK_DGRAM) as receiver,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.connect(receiver.getsockname())
        while time.monotonic_ns() < start + task["seconds"] * 1e9:
            sender.send(datagram)
            receiver.recv(2048)
            sent += 1
    return {"units": sent}


def stress_files(task: Task, start: int) -> Task:
    """Make, rename and remove a file in the folder `path`, again and again; count the rounds."""
    first, second = (f"{task['path']}/{os.getpid()}-{name}" for name in "ab")
    rounds = 0
    while time.monotonic_ns() < start + task["seconds"] * 1e9:
        os.close(os.open(first, os.O_CREAT | os.O_WRONLY, 0o600))
        os.rename(first, second)  # noqa: PTH104 - few imports, small tenant
        os.unlink(second)  # noqa: PTH108
        rounds += 1
    return {"units": rounds}


def stress_setup(task: Task, start: int) -> Task:
    """Switch the loopback card of one's own network namespace off and on again, without pause."""
    from virtlab.container import walls

    rounds = 0
    while time.monotonic_ns() < start + task["seconds"] * 1e9:
        walls.set_loopback(up=True)
        walls.set_loopback(up=False)
        rounds += 1
    return {"units": rounds}


def lock(task: Task, start: int) -> Task:
    """Work in turns under one lock, the file at `path`; wait by trying again (`spin`) or asleep.

    Each turn is `units` of work with the lock and as much without it. Waiting by trying again uses
    CPU time, which the holder may need to get on.
    """
    import fcntl

    file = os.open(task["path"], os.O_RDWR)
    turns, spun_s = 0, 0.0
    end = start + task["seconds"] * 1e9
    how = fcntl.LOCK_EX | (fcntl.LOCK_NB if task["spin"] else 0)

    def taken() -> bool:
        try:
            fcntl.flock(file, how)
        except BlockingIOError:
            return False
        return True

    while time.monotonic_ns() < end:
        before = time.process_time()
        while not taken():
            if time.monotonic_ns() >= end:
                return {"units": turns, "spun_s": spun_s + time.process_time() - before}
        spun_s += time.process_time() - before
        work(task["units"])
        fcntl.flock(file, fcntl.LOCK_UN)
        turns += 1
        work(task["units"])
    return {"units": turns, "spun_s": spun_s}


def hold(task: Task) -> Any:
    """Return memory filled as the task says; the same bytes in every tenant.

    `own`: pages of its own. `merged`: the same, offered to KSM. `mapped`: a file in the page cache.
    """
    import mmap

    kind, size = task["hold"], task["mib"] * MIB
    if kind == "mapped":
        with open(task["path"], "rb") as file:  # noqa: PTH123 - few imports, small tenant
            held = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        for place in range(0, size, PAGE):
            held[place]
        return held
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for number in range(size // PAGE):  # every page differs from the next, but not between tenants
        held.write(number.to_bytes(8, "little") * (PAGE // 8))
    if kind == "merged":
        held.madvise(mmap.MADV_MERGEABLE)
    return held


def touched(size: int) -> bytearray:
    """Return so many bytes of memory with something in every page."""
    block = bytearray(size)
    for place in range(0, size, PAGE):
        block[place] = 1
    return block


def wait_until(moment: float) -> None:
    """Sleep until a monotonic moment in ns."""
    left = moment - time.monotonic_ns()
    if left > 0:
        time.sleep(left / 1e9)


def waited_s() -> float:
    """Return how long this process stood ready while its core served others; NaN if not told."""
    try:
        with open("/proc/self/schedstat") as file:  # noqa: PTH123 - few imports, small tenant
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return float("nan")


def prepare(task: Task) -> Any:
    """Set what every task may name; return what is to be held."""
    if "core" in task:
        os.sched_setaffinity(0, {task["core"]})
    if "nice" in task:
        os.nice(task["nice"])
    if "limits" in task:
        import resource

        for name, limit in task["limits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    if "walls" in task:
        sys.path.append(__file__.rpartition("/virtlab/")[0])
        from virtlab.container import walls

        walls.put_up(task["walls"])
    return hold(task) if "hold" in task else None


TASKS: dict[str, Callable[[Task, int], Task]] = {
    function.__name__: function
    for function in (
        calibrate,
        spin,
        bursts,
        allocate,
        read_file,
        multiply,
        stress_memory,
        stress_fork,
        stress_io,
        stress_network,
        stress_files,
        stress_setup,
        lock,
    )
}


def main() -> None:
    """Do the one task that standard input names."""
    task = json.loads(sys.stdin.readline())
    held = prepare(task)
    print("ready", flush=True)
    order = sys.stdin.readline()
    if not order:
        return
    start = int(order)
    wait_until(start)
    cpu, waited = time.process_time(), waited_s()
    result = TASKS[task["task"]](task, start)
    result["cpu_s"] = time.process_time() - cpu
    result["waited_s"] = waited_s() - waited
    result["seconds"] = (time.monotonic_ns() - start) / 1e9
    print(json.dumps(result), flush=True)
    del held


if __name__ == "__main__":
    main()
