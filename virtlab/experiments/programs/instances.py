"""N instances of one thing at once. Run as `python -I -S instances.py KIND N`, never imported.

Forks N children; each makes its own instance, waits until all have made theirs, and only then
reports what it sees. Prints one JSON list.
"""

import ctypes
import json
import mmap
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLONE_NEWUTS, CLONE_NEWUSER = 0x04000000, 0x10000000


def at_once(
    count: int, make: Callable[[int], None], report: Callable[[int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Let `count` children make, wait for each other, and report; return their reports in order."""
    made_r, made_w = os.pipe()
    go_r, go_w = os.pipe()
    reports = []
    for index in range(count):
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            os.close(go_w)
            child(index, make, report, made_w, go_r, write_end)
        os.close(write_end)
        reports.append(read_end)
    os.close(made_w)
    os.close(go_r)
    for _ in range(count):
        os.read(made_r, 1)
    os.close(go_w)
    answers = [json.load(os.fdopen(end)) for end in reports]
    for _ in range(count):
        os.wait()
    return answers


def child(
    index: int,
    make: Callable[[int], None],
    report: Callable[[int], dict[str, Any]],
    made_w: int,
    go_r: int,
    write_end: int,
) -> None:
    """Make an instance, wait for the others, report, and end."""
    try:
        make(index)
        error = ""
    except OSError as problem:
        error = str(problem)
    os.write(made_w, b"m")
    os.read(go_r, 1)
    answer = {"error": error} if error else report(index)
    os.write(write_end, json.dumps(answer).encode())
    os._exit(0)


def addresses(count: int) -> list[dict[str, Any]]:
    """Each process keeps another value at the same virtual address.

    The control: each also writes to a second address, whose page the kernel lets them share.
    """
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    common = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    cell, common_cell = ctypes.c_uint64.from_buffer(page), ctypes.c_uint64.from_buffer(common)
    address, common_address = ctypes.addressof(cell), ctypes.addressof(common_cell)

    def make(index: int) -> None:
        cell.value = common_cell.value = 1000 + index

    def report(index: int) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "address": hex(address),
            "wrote": 1000 + index,
            "reads": cell.value,
            "frame": frame_of(address),
            "shared_reads": common_cell.value,
            "shared_frame": frame_of(common_address),
        }

    return at_once(count, make, report)


def frame_of(address: int) -> int | None:
    """Return the physical page frame behind an address, or None where the kernel hides it."""
    with Path("/proc/self/pagemap").open("rb") as pagemap:
        pagemap.seek(address // mmap.PAGESIZE * 8)
        entry = struct.unpack("Q", pagemap.read(8))[0]
    return entry & ((1 << 55) - 1) or None


def hostnames(count: int) -> list[dict[str, Any]]:
    """Each process has a hostname of its own, on the same kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWUTS if os.geteuid() == 0 else CLONE_NEWUTS | CLONE_NEWUSER

    def make(index: int) -> None:
        if libc.unshare(flags) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        socket.sethostname(f"tenant-{index + 1}")

    def report(index: int) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "hostname": socket.gethostname(),
            "namespace": str(Path("/proc/self/ns/uts").readlink()),
            "kernel": os.uname().release,
            "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        }

    return at_once(count, make, report)


if __name__ == "__main__":
    kinds = {"addresses": addresses, "hostnames": hostnames}
    print(json.dumps(kinds[sys.argv[1]](int(sys.argv[2]))))
