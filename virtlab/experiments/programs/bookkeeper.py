"""A service worth restoring: it appends numbered records to files, and acknowledges each one.

Run as `bookkeeper.py FOLDER SOCKET [REPLICA LAG_MS]`. A request is a line, and so is its answer:

- `put N`: record N is on disk when `ok N` comes. A replica has it, too, if LAG_MS is 0; else the
  replica gets all that is new every LAG_MS milliseconds;
- `roll`: from now on write to another file; no file that is there now changes any more;
- `erase`: remove all records (the replica is told so, too);
- `numbers`: all numbers that are in the records, with spaces between.

On its start it reads all files, checks the sum in each record, and prints how many there are.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
import zlib
from pathlib import Path

FILLER = "x" * 60


def record_line(number: int) -> bytes:
    """A record: its number, something to carry, and the sum over both."""
    text = f"{number} {FILLER}"
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def numbers_in(folder: Path) -> list[int]:
    """The numbers in a folder's records; a record whose sum is wrong was never completed."""
    found = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            for line in file:
                text, _, last = line.rstrip(b"\n").rpartition(b" ")
                if last == b"%08x" % zlib.crc32(text):
                    found.append(int(text.partition(b" ")[0]))
    return found


class Book:
    """The records in a folder, in files of which only the newest changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = numbers_in(folder)
        self.file = self._next_file()

    def _next_file(self) -> int:
        taken = max((int(path.stem) for path in self.folder.iterdir()), default=0)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        return os.open(self.folder / f"{taken + 1:06}.log", flags)

    def put(self, number: int) -> None:
        """Write a record; it is on disk when this returns."""
        os.write(self.file, record_line(number))
        os.fsync(self.file)
        self.numbers.append(number)

    def roll(self) -> None:
        """Write to another file from now on."""
        os.close(self.file)
        self.file = self._next_file()

    def erase(self) -> None:
        """Remove all records."""
        for path in self.folder.iterdir():
            path.unlink()
        self.numbers = []
        self.roll()


class Replica:
    """The way to another bookkeeper that does the same: at once, or some time later."""

    def __init__(self, address: str, lag_s: float) -> None:
        self.lag_s = lag_s
        self.waiting: list[str] = []
        self.due = time.monotonic() + lag_s
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        self.stream = connection.makefile("rw")

    def tell(self, request: str) -> None:
        """Pass a request on, now or when it is due."""
        self.waiting.append(request)
        if not self.lag_s:
            self.send()

    def send(self) -> None:
        """Pass on all that waits, and wait until the replica has done it."""
        self.stream.write("".join(f"{request}\n" for request in self.waiting))
        self.stream.flush()
        for _ in self.waiting:
            self.stream.readline()
        self.waiting = []
        self.due = time.monotonic() + self.lag_s


def answer(book: Book, replica: Replica | None, request: str) -> str:
    """Do what a request asks."""
    word, _, rest = request.partition(" ")
    if word == "numbers":
        return " ".join(map(str, book.numbers))
    if word == "put":
        book.put(int(rest))
    elif word == "roll":
        book.roll()
    elif word == "erase":
        book.erase()
    if replica and word in ("put", "erase"):
        replica.tell(request)
    return f"ok {rest}"


def main() -> None:
    """Serve until somebody ends it."""
    folder, address, *more = sys.argv[1:]
    book = Book(Path(folder))
    replica = Replica(more[0], int(more[1]) / 1000) if more else None
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen()
    print(len(book.numbers), flush=True)
    streams: dict[socket.socket, bytes] = {}
    while True:
        timeout = replica.lag_s / 4 if replica and replica.lag_s else None
        for ready in select.select([door, *streams], [], [], timeout)[0]:
            if ready is door:
                streams[door.accept()[0]] = b""
                continue
            try:
                data = ready.recv(1 << 16)
                *requests, streams[ready] = (streams[ready] + data).split(b"\n")
                for request in requests:
                    ready.sendall(f"{answer(book, replica, request.decode())}\n".encode())
            except ConnectionError:  # whoever asked is dead; a replica must survive that
                data = b""
            if not data:
                ready.close()
                del streams[ready]
        if replica and replica.waiting and time.monotonic() >= replica.due:
            replica.send()


if __name__ == "__main__":
    main()
