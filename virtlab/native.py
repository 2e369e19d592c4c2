"""Machine code run by this process itself: what a guest's speed is set beside."""

from __future__ import annotations

import ctypes
import mmap
import platform
import time

from virtlab.errors import RuntimeFailed

# Each takes the number of turns in its first argument and returns nothing.
COUNT = bytes.fromhex("4889f948ffc975fbc3")  # mov rcx, rdi; again: dec rcx; jnz again; ret
CPUID = bytes.fromhex("5331c031c90fa248ffcf75f55bc3")  # asks for leaf 0 each turn


class Native:
    """A piece of x86-64 machine code that this process can call. A context manager.

    Args:
        code: a function of the C calling convention with one whole number as its argument.

    Raises:
        RuntimeFailed: this is another processor, or the system maps no executable memory.
    """

    def __init__(self, code: bytes) -> None:
        if platform.machine() not in ("x86_64", "AMD64"):
            raise RuntimeFailed(f"native: the code is for x86-64; this is {platform.machine()}")
        access = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        try:
            self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=access)
        except OSError as error:
            raise RuntimeFailed(f"native: no executable memory: {error}") from None
        self._page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(address)

    def seconds(self, turns: int) -> float:
        """Run so many turns, at least one, and return how long they took."""
        started = time.perf_counter_ns()
        self._call(turns)
        return (time.perf_counter_ns() - started) / 1e9
