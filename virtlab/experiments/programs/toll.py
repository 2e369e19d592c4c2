"""Do small pieces of six kinds of work, and say in JSON what each took. Run by `python -I -S -c`.

It needs nothing but the standard library, so it runs behind any wall that has an interpreter. What
takes little is done by a loop of machine code: a call from Python would hide its cost.
"""

import contextlib
import ctypes
import fcntl
import json
import mmap
import os
import platform
import socket
import struct
import sys
import time
from collections.abc import Callable
from functools import partial

PAGE = 4096
TRIES = 3
TURNS = 8_000_000
CALLS = 1_000
PAGES = 1_000
STEPS = 200_000
CHAIN = 1_024  # pages: more than the nearest cache holds
FILES = 40
MESSAGES = 80
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
_PAGES_IN_USE: list[mmap.mmap] = []


def compiled(code: bytes) -> Callable[[int], None]:
    """Return a function of one whole number, made of x86-64 machine code."""
    access = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=access)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    function = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(address)
    _PAGES_IN_USE.append(page)  # as long as the function may be called
    return function


def seconds(function: Callable[[int], None], turns: int) -> float:
    """Return how long so many turns took."""
    started = time.perf_counter_ns()
    function(turns)
    return (time.perf_counter_ns() - started) / 1e9


def compute() -> float:
    """Count down in two instructions a turn; nanoseconds a turn."""
    count = compiled(bytes.fromhex("4889f948ffc975fbc3"))  # mov rcx, rdi; again: dec rcx; jnz; ret
    return 1e9 * seconds(count, TURNS) / TURNS


def call() -> float:
    """Ask the kernel for the parent's number; nanoseconds a call."""
    # push rbx; mov rbx, rdi; again: mov eax, 110 (getppid); syscall; dec rbx; jnz; pop rbx; ret
    ask = compiled(bytes.fromhex("534889fb" + "b86e000000" + "0f05" + "48ffcb" + "75f4" + "5bc3"))
    ask(1)
    return 1e9 * seconds(ask, CALLS) / CALLS


def old_page() -> float:
    """Follow pointers through memory that is there; nanoseconds a step."""
    with mmap.mmap(-1, CHAIN * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        view = ctypes.c_char.from_buffer(memory)
        base = ctypes.addressof(view)
        del view
        write_chain(memory, base)
        # mov rcx, rdi; mov rax, base; again: mov rax, [rax]; dec rcx; jnz; ret
        code = bytes.fromhex("4889f948b8") + struct.pack("<Q", base)
        follow = compiled(code + bytes.fromhex("488b0048ffc975f8c3"))
        follow(2 * CHAIN)
        return 1e9 * seconds(follow, STEPS) / STEPS


def write_chain(memory: mmap.mmap, base: int, at: int = 0) -> None:
    """Write one pointer on each page, to a page far from it; they make one ring."""
    stride = 389  # has no divisor in common with the number of pages
    place = 0
    for _ in range(CHAIN):
        after = (place + stride) % CHAIN
        line = after * PAGE + 64 * (after % 64)
        struct.pack_into("<Q", memory, at + place * PAGE + 64 * (place % 64), base + line)
        place = after


def new_page() -> float:
    """Write to memory that is promised, but not there yet; nanoseconds a page."""
    with mmap.mmap(-1, PAGES * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        view = ctypes.c_char.from_buffer(memory)
        # mov rcx, rdi; mov rax, base; again: mov byte [rax], 1; add rax, 4096; dec rcx; jnz; ret
        code = bytes.fromhex("4889f948b8") + struct.pack("<Q", ctypes.addressof(view))
        del view
        touch = compiled(code + bytes.fromhex("c60001480500100000" + "48ffc9" + "75f2" + "c3"))
        return 1e9 * seconds(touch, PAGES) / PAGES


def file(folder: str) -> float:
    """Make a file of one page, read it, remove it; nanoseconds a file."""
    path, page = f"{folder}/toll-{os.getpid()}", bytes(PAGE)
    started = time.perf_counter_ns()
    for _ in range(FILES):
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600)
        os.write(descriptor, page)
        os.pread(descriptor, PAGE, 0)
        os.close(descriptor)
        os.remove(path)  # noqa: PTH107 - one system call, and no more
    return (time.perf_counter_ns() - started) / FILES


def message() -> float:
    """Send a byte over loopback TCP and wait for the answer; nanoseconds a round trip."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = socket.create_connection(listener.getsockname(), timeout=5)
        there, _ = listener.accept()
    with here, there:
        for end in (here, there):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter_ns()
        for _ in range(MESSAGES):
            here.send(b"?")
            there.send(there.recv(1))
            here.recv(1)
        return (time.perf_counter_ns() - started) / MESSAGES


def raise_loopback() -> None:
    """Switch the loopback device on, where it is off and we may; a new namespace has it off."""
    request = struct.pack("16sH14x", b"lo", IFF_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, contextlib.suppress(OSError):
        fcntl.ioctl(asking, SIOCSIFFLAGS, request)


def main() -> None:
    """Do all kinds of work, each `TRIES` times; what disturbs only adds, so the least counts."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise SystemExit(f"the loops are x86-64 code; this is {platform.machine()}")
    folder = sys.argv[1] if len(sys.argv) > 1 else "/tmp"
    raise_loopback()
    found = {}
    for kind in (compute, call, old_page, new_page, message, partial(file, folder)):
        name = getattr(kind, "__name__", "file")
        found[name] = min(kind() for _ in range(TRIES))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
