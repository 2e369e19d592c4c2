"""Virtualizes one thing at a time. Run as `python -I -S partial.py FOLDER`, never imported.

Three programs on one host: to one only memory is virtual, to one only a disk, to one only a network
card. For each it says what the program sees, what is behind it, and which of the host's other
things it has as they are. Prints one JSON object: {"rows": [...], "failed": {what: why}}.
"""

import fcntl
import json
import mmap
import os
import select
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab.container import walls

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
SECTORS = 64
WORDS = b"written through the disk"
PEER = "10.13.0.2"  # a machine that does not exist


def surroundings() -> dict[str, str]:
    """What a program has around it: the kernel, and one number for each kind of namespace."""
    found = {kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in NAMESPACES}
    found["kernel"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return found


HOST = surroundings()


def row(what: str, sees: str, behind: str, works: bool) -> dict[str, Any]:
    """One finding, with what this program does not share with the host."""
    mine = surroundings()
    other = sorted(kind for kind in HOST if mine[kind] != HOST[kind])
    same = len(HOST) - len(other)
    return {
        "condition": what,
        "sees": sees,
        "behind": behind,
        "works": works,
        "same_as_host": same,
        "of": len(HOST),
        "other": ", ".join(other) or "–",
    }


def memory() -> dict[str, Any]:
    """Two processes write to the same address; each reads back its own."""
    page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    page[:1] = b"A"
    told, tells = os.pipe()
    if os.fork() == 0:
        page[:1] = b"B"
        os.write(tells, page[:1])
        os._exit(0)
    os.wait()
    child, parent = os.read(told, 1).decode(), page[:1].decode()
    sees = f"at one address the parent reads {parent}, the child {child}"
    return row("memory", sees, "two frames, two page tables", (parent, child) == ("A", "B"))


@contextmanager
def loop_device(file: int) -> Iterator[tuple[str, int]]:
    """Put a file behind a free loop device; yields its name and an open descriptor."""
    get_free, set_file, clear_file = 0x4C82, 0x4C00, 0x4C01
    control = os.open("/dev/loop-control", os.O_RDWR)
    for _ in range(10):
        name = f"loop{fcntl.ioctl(control, get_free)}"
        device = os.open(f"/dev/{name}", os.O_RDWR)
        try:
            fcntl.ioctl(device, set_file, file)
            break
        except OSError:  # somebody else was quicker
            os.close(device)
    else:
        raise OSError("others were quicker to take each free loop device")
    try:
        yield name, device
    finally:
        fcntl.ioctl(device, clear_file)
        os.close(device)
        os.close(control)


def disk(folder: Path) -> dict[str, Any]:
    """A program writes to a disk; the bytes turn up in a file."""
    path = folder / "disk"
    path.write_bytes(bytes(512 * SECTORS))
    file = os.open(path, os.O_RDWR)
    try:
        with loop_device(file) as (name, device):
            sectors = int(Path(f"/sys/block/{name}/size").read_text())
            os.pwrite(device, WORDS.ljust(512, b"\0"), 512 * 7)
            os.fsync(device)
            found = path.read_bytes().find(WORDS)
            sees = f"a disk of {sectors} sectors, and wrote to sector 7"
            works = (sectors, found) == (SECTORS, 512 * 7)
            return row("a disk", sees, f"a file; the words are at byte {found} of it", works)
    finally:
        os.close(file)


def card() -> dict[str, Any]:
    """A program sends a packet into a card; a process takes it out and answers for the peer."""
    try:
        walls.put_up(["net"])
    except OSError as error:
        raise OSError(f"no network namespace of its own: {error.strerror}") from None
    set_interface, kind_tun_without_header = 0x400454CA, 0x1001
    set_address, set_mask, set_flags, up = 0x8916, 0x891C, 0x8914, 1
    name = b"course0"
    cable = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(cable, set_interface, struct.pack("16sH22x", name, kind_tun_without_header))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
        for call, address in ((set_address, "10.13.0.1"), (set_mask, "255.255.255.0")):
            where = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(program, call, struct.pack("16s16s8x", name, where))
        fcntl.ioctl(program, set_flags, struct.pack("16sH22x", name, up))
        program.settimeout(5)
        program.sendto(b"anybody there?", (PEER, 7))
        packet = next(one for one in _packets(cable) if one[9] == socket.IPPROTO_UDP)
        os.write(cable, _answer(packet, b"nobody"))
        said, sender = program.recvfrom(100)
    sees = f"{sender[0]} answered {said.decode()!r}"
    return row("a network card", sees, "a process that wrote the answer", sender[0] == PEER)


def _packets(cable: int) -> Iterator[bytes]:
    """What the kernel sends into the card: whole IPv4 packets."""
    while select.select([cable], [], [], 5)[0]:
        packet = os.read(cable, 2048)
        if packet[0] >> 4 == 4:
            yield packet
    raise OSError("no packet came out of the card")


def _answer(packet: bytes, words: bytes) -> bytes:
    """The packet that the peer would send back; its UDP checksum is left out, as IPv4 allows."""
    source, target = packet[12:16], packet[16:20]
    from_port, to_port = packet[20:22], packet[22:24]
    udp = to_port + from_port + struct.pack(">HH", 8 + len(words), 0) + words
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
    head += target + source
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = 0xFFFF - ((total & 0xFFFF) + (total >> 16))
    return head[:10] + struct.pack(">H", checksum) + head[12:] + udp


def main() -> None:
    """Try all three; what this host does not allow is told with its reason."""
    folder = Path(sys.argv[1])
    tries: dict[str, Callable[[], dict[str, Any]]] = {
        "memory": memory,
        "a disk": lambda: disk(folder),
        "a network card": card,  # the last: it moves into a namespace
    }
    rows: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for what, attempt in tries.items():
        try:
            rows.append(attempt())
        except OSError as error:
            failed[what] = f"{error.strerror or error}"
    print(json.dumps({"rows": rows, "failed": failed}))


main()
