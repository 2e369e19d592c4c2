"""The same bytes behind three doors: blocks, files, objects; and what crosses the wire.

A server thread holds the data, a client asks through a pair of connected sockets. A message is a
line of JSON with the number of bytes that follow.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

BLOCK = 4096
Answer = tuple[dict[str, Any], bytes]


def _tell(wire: Any, words: dict[str, Any], data: bytes = b"") -> int:
    message = json.dumps({**words, "bytes": len(data)}).encode() + b"\n" + data
    wire.write(message)
    wire.flush()
    return len(message)


def _hear(wire: Any) -> tuple[dict[str, Any], bytes, int] | None:
    line = wire.readline()
    if not line:
        return None
    words = json.loads(line)
    data = wire.read(words["bytes"])
    return words, data, len(line) + len(data)


class Wire:
    """The client's end; it counts what crosses.

    Attributes:
        sent, received: bytes since the last `reset`.
        requests: their number.
    """

    def __init__(self, wire: Any) -> None:
        self._wire = wire
        self.reset()

    def reset(self) -> None:
        """Count from zero again."""
        self.sent = self.received = self.requests = 0

    def ask(self, what: str, data: bytes = b"", **words: Any) -> Answer:
        """Send a request and wait for the answer."""
        self.requests += 1
        self.sent += _tell(self._wire, {"do": what, **words}, data)
        heard = _hear(self._wire)
        if heard is None:
            raise OSError("the server is gone")
        self.received += heard[2]
        return heard[0], heard[1]


@contextmanager
def served(answer: Callable[[dict[str, Any], bytes], Answer]) -> Iterator[Wire]:
    """Serve requests in a thread; gives the client's end."""
    ours, its = socket.socketpair()

    def serve() -> None:
        with its, its.makefile("rwb") as wire:
            while (heard := _hear(wire)) is not None:
                words, data = answer(heard[0], heard[1])
                _tell(wire, words, data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with ours.makefile("rwb") as wire:
            yield Wire(wire)
    finally:
        ours.close()
        thread.join(5)


class Door(Protocol):
    """One kind of access to a store."""

    def serve(self, words: dict[str, Any], data: bytes) -> Answer:
        """The server's side."""

    def write(self, wire: Wire, data: bytes) -> None:
        """Store all of the data."""

    def read(self, wire: Wire, size: int) -> bytes:
        """Fetch all of the data."""

    def part(self, wire: Wire, at: int, size: int) -> bytes:
        """Fetch a part of the data."""

    def change(self, wire: Wire, at: int, byte: bytes) -> None:
        """Replace one byte."""

    def place(self) -> Path:
        """The file in which the server keeps the data as it is now."""


class _Blocks:
    """A disk: numbered blocks, read and written whole. It knows no names."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self.disk.write_bytes(b"")

    def serve(self, words: dict[str, Any], data: bytes) -> Answer:
        with self.disk.open("r+b") as disk:
            disk.seek(words["block"] * BLOCK)
            if words["do"] == "read":
                return {}, disk.read(words["count"] * BLOCK)
            disk.write(data)
        return {}, b""

    def write(self, wire: Wire, data: bytes) -> None:
        wire.ask("write", data, block=0)

    def read(self, wire: Wire, size: int) -> bytes:
        return wire.ask("read", block=0, count=size // BLOCK)[1]

    def part(self, wire: Wire, at: int, size: int) -> bytes:
        first, last = at // BLOCK, (at + size - 1) // BLOCK
        blocks = wire.ask("read", block=first, count=last - first + 1)[1]
        return blocks[at - first * BLOCK :][:size]

    def change(self, wire: Wire, at: int, byte: bytes) -> None:
        number, place = divmod(at, BLOCK)
        block = bytearray(wire.ask("read", block=number, count=1)[1])
        block[place : place + 1] = byte
        wire.ask("write", bytes(block), block=number)

    def place(self) -> Path:
        return self.disk


class _Files:
    """A file share: names, and any bytes within them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "share"
        self.folder.mkdir()

    def serve(self, words: dict[str, Any], data: bytes) -> Answer:
        path = self.folder / words["name"]
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(words["at"])
            if words["do"] == "read":
                return {}, file.read(words["size"])
            file.write(data)
        return {}, b""

    def write(self, wire: Wire, data: bytes) -> None:
        wire.ask("write", data, name="film", at=0)

    def read(self, wire: Wire, size: int) -> bytes:
        return wire.ask("read", name="film", at=0, size=size)[1]

    def part(self, wire: Wire, at: int, size: int) -> bytes:
        return wire.ask("read", name="film", at=at, size=size)[1]

    def change(self, wire: Wire, at: int, byte: bytes) -> None:
        wire.ask("write", byte, name="film", at=at)

    def place(self) -> Path:
        return self.folder / "film"


class _Objects:
    """A content-addressed store: an object's name is the hash of its bytes; none ever changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "objects"
        self.folder.mkdir()
        self.current = ""  # the client's note of the name

    def serve(self, words: dict[str, Any], data: bytes) -> Answer:
        if words["do"] == "put":
            name = hashlib.sha256(data).hexdigest()
            (self.folder / name).write_bytes(data)
            return {"name": name}, b""
        data = (self.folder / words["name"]).read_bytes()
        end = None if words["size"] is None else words["at"] + words["size"]
        return {}, data[words["at"] : end]

    def write(self, wire: Wire, data: bytes) -> None:
        self.current = wire.ask("put", data)[0]["name"]

    def read(self, wire: Wire, size: int) -> bytes:
        data = wire.ask("get", name=self.current, at=0, size=None)[1]
        if hashlib.sha256(data).hexdigest() != self.current:
            raise ValueError("these are not the bytes that this name stands for")
        return data

    def part(self, wire: Wire, at: int, size: int) -> bytes:
        return wire.ask("get", name=self.current, at=at, size=size)[1]

    def change(self, wire: Wire, at: int, byte: bytes) -> None:
        data = bytearray(self.read(wire, 0))
        data[at : at + 1] = byte
        self.write(wire, bytes(data))

    def place(self) -> Path:
        return self.folder / self.current


DOORS: dict[str, Callable[[Path], Door]] = {"block": _Blocks, "file": _Files, "object": _Objects}
