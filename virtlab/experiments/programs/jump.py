"""Lets the CPU execute bytes. Run as `python -I -S jump.py OFFSET [ARGUMENT ...]`, never imported.

Reads the bytes from standard input, puts them into executable memory, calls what stands at OFFSET
with up to two numbers and prints what it returns. Bytes of another processor, or of another mode of
this one, kill the process as a rule; if they loop for ever, an alarm and a limit do.
"""

import ctypes
import mmap
import resource
import signal
import sys


def main() -> None:
    """Jump."""
    offset, *arguments = map(int, sys.argv[1:])
    code = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
    signal.alarm(4)
    memory = mmap.mmap(
        -1, max(len(code), 1), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    )
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + offset
    kinds = [ctypes.c_uint64] * (1 + len(arguments))
    print(ctypes.CFUNCTYPE(*kinds)(address)(*arguments))


main()
