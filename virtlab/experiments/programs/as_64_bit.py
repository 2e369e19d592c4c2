"""Jumps into bytes as if they were 64-bit code of this host; whoever started this sees the end.

as_64_bit.py FILE
"""

import ctypes
import mmap
import sys
from pathlib import Path


def main() -> None:
    """Copies the bytes into memory that may be executed, and calls them."""
    code = Path(sys.argv[1]).read_bytes()
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ctypes.CFUNCTYPE(None)(address)()


if __name__ == "__main__":
    main()
