"""An application that moves money for ever, while others take snapshots of its files.

`teller.py KIND FOLDER TRUTH`, run by `python -I -S`, never imported. KIND says how it keeps its two
accounts in FOLDER: "two files" writes one, waits a little, and writes the other, so most moments
lie between its writes; "journal" lets SQLite write them together; "late journal" does so for many
transfers at once and keeps the last ones in memory until then. Each transfer that the customer was
told about is counted in the file TRUTH. The line "rest" on standard input makes it finish what it
has begun, write everything to disk and say "resting"; "go" makes it go on. Ends when its input
closes.
"""

import mmap
import os
import select
import sqlite3
import struct
import sys
import time
from pathlib import Path

START = 1_000_000
LATE = 40  # transfers that the late one keeps in memory
PADDING = b"." * 3000  # so that the two accounts lie on different pages of the file
PAUSE_S = 0.0005


class TwoFiles:
    """One file an account; a transfer changes first one, then the other."""

    def __init__(self, folder: Path) -> None:
        self.files = [folder / "alice", folder / "bob"]
        for file in self.files:
            file.write_bytes(struct.pack("<qq", START, 0))

    def transfer(self, number: int, amount: int) -> None:
        """Move an amount; between the writes the money is nowhere."""
        for file, change in zip(self.files, (-amount, amount), strict=True):
            balance, _ = struct.unpack("<qq", file.read_bytes())
            with file.open("r+b") as opened:
                opened.write(struct.pack("<qq", balance + change, number))
            if change < 0:
                time.sleep(PAUSE_S)

    def rest(self) -> None:
        """Nothing is kept back; let it reach the disk."""
        for file in self.files:
            with file.open("r+b") as opened:
                os.fsync(opened.fileno())


class Journal:
    """A database whose journal can undo a half-written transfer."""

    late = 1

    def __init__(self, folder: Path) -> None:
        self.base = sqlite3.connect(folder / "bank.db", isolation_level=None)
        self.base.execute("CREATE TABLE account (name, balance, number, padding)")
        for name in ("alice", "bob"):
            row = (name, START, 0, PADDING)
            self.base.execute("INSERT INTO account VALUES (?, ?, ?, ?)", row)
        self.waiting: list[tuple[int, int]] = []

    def transfer(self, number: int, amount: int) -> None:
        """Move an amount, now or with later ones."""
        self.waiting.append((number, amount))
        if len(self.waiting) >= self.late:
            self.rest()
        else:
            time.sleep(PAUSE_S)

    def rest(self) -> None:
        """Write what is kept back, in one transaction."""
        if not self.waiting:
            return
        self.base.execute("BEGIN IMMEDIATE")
        for number, amount in self.waiting:
            for name, change in (("alice", -amount), ("bob", amount)):
                self.base.execute(
                    "UPDATE account SET balance = balance + ?, number = ? WHERE name = ?",
                    (change, number, name),
                )
        self.base.execute("COMMIT")
        self.waiting.clear()


class LateJournal(Journal):
    """The same, but it writes only now and then, as fast databases can be told to."""

    late = LATE


KINDS: dict[str, type[TwoFiles] | type[Journal]] = {
    "two files": TwoFiles,
    "journal": Journal,
    "late journal": LateJournal,
}


def main() -> None:
    """Move money until the input closes."""
    kind, folder, truth_file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    truth_file.write_bytes(bytes(8))
    with truth_file.open("r+b") as opened:
        truth = mmap.mmap(opened.fileno(), 8)
    bank: TwoFiles | Journal = KINDS[kind](folder)
    print("open", flush=True)
    number = 0
    while True:
        if select.select([0], [], [], 0)[0]:
            line = os.read(0, 100)
            if not line:
                return
            if line == b"rest\n":
                bank.rest()
                print("resting", flush=True)
                os.read(0, 100)
        number += 1
        bank.transfer(number, 1 + number % 7)
        truth[:8] = struct.pack("<q", number)


if __name__ == "__main__":
    main()
