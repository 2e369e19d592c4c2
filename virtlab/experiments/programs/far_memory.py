"""Reads memory that is near and memory that is far. Run as `python far_memory.py ROUNDS SEED MIB`.

Near: a loop in machine code follows a chain through a block of this process's own memory; each
address stands where the one before points, so no two reads overlap. Far: the block lies in another
process, asked over TCP for eight bytes or a whole page. Prints JSON: [{round, order, condition,
us}], the time of one read; or {"error"}.
"""

import ctypes
import json
import mmap
import os
import platform
import random
import socket
import struct
import sys
import time
from collections.abc import Callable

import numpy as np

LINE, PAGE, READS, ASKED = 64, 4096, 200_000, 100
# follow(address, reads): read the address that stands at the address, so many times.
# mov rdi,[rdi]; dec rsi; jnz to the first; mov rax,rdi; ret
CODE = bytes.fromhex("488b3f 48ffce 75f8 4889f8 c3")


def follower() -> tuple[Callable[[int, int], int], mmap.mmap]:
    """Return the loop as a function, and the memory that it stands in."""
    if platform.machine() != "x86_64":
        raise OSError(f"the reading loop is x86-64 code, and this is {platform.machine()}")
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(CODE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)(address), code


def chain(mib: int, seed: int) -> tuple[np.ndarray, int]:
    """Return a block in which each line points to another, in one great circle at random."""
    block = np.zeros(mib * (1 << 20) // 8, dtype=np.uint64)
    base = block.ctypes.data
    order = np.random.default_rng(seed).permutation(len(block) * 8 // LINE)
    words = order * (LINE // 8)
    block[words] = (base + np.roll(order, -1) * LINE).astype(np.uint64)
    return block, base + int(order[0]) * LINE


def answer_for_ever(server: socket.socket, mib: int) -> None:
    """The other process: for a place and a length, send the bytes that stand there."""
    block = memoryview(bytearray(os.urandom(1 << 20) * mib))
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while question := connection.recv(16):
        place, length = struct.unpack("QQ", question)
        connection.sendall(block[place : place + length])


def main() -> None:
    """Measure in rounds, each kind of read once a round, in an order drawn anew."""
    rounds, seed, mib = map(int, sys.argv[1:4])
    draw = random.Random(seed)
    with socket.create_server(("127.0.0.1", 0)) as server:
        neighbour = os.fork()
        if neighbour == 0:
            try:
                answer_for_ever(server, min(mib, 8))
            finally:
                os._exit(0)
        far = socket.create_connection(server.getsockname())
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    follow, _code = follower()
    _block, here = chain(mib, seed)

    def near() -> float:
        nonlocal here  # each round goes on where the last one stopped: no cache has that part yet
        start = time.perf_counter_ns()
        here = follow(here, READS)
        return (time.perf_counter_ns() - start) / READS / 1000

    def asked(length: int) -> float:
        places = [draw.randrange(0, 4 << 20, PAGE) for _ in range(ASKED)]
        start = time.perf_counter_ns()
        for place in places:
            far.sendall(struct.pack("QQ", place, length))
            left = length
            while left:
                left -= len(far.recv(left))
        return (time.perf_counter_ns() - start) / ASKED / 1000

    kinds: dict[str, Callable[[], float]] = {
        "its own memory": near,
        "a neighbour's, 8 bytes": lambda: asked(8),
        "a neighbour's, a page": lambda: asked(PAGE),
    }
    for kind in kinds.values():
        kind()  # warm
    rows = []
    for number in range(rounds):
        names = draw.sample(sorted(kinds), len(kinds))
        for place, name in enumerate(names):
            rows.append({"round": number, "order": place, "condition": name, "us": kinds[name]()})
    far.close()
    os.waitpid(neighbour, 0)
    print(json.dumps(rows))


if __name__ == "__main__":
    try:
        main()
    except (OSError, MemoryError) as error:
        print(json.dumps({"error": str(error)}))
