"""Experiments of chapter 17: pools, thin disks, deduplication, three kinds of access, backups."""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from virtlab import host, leftovers
from virtlab.experiments import running
from virtlab.experiments.storage_access import DOORS, Door, served
from virtlab.measure.rounds import measure_rounds
from virtlab.registry import CannotMeasure, experiment
from virtlab.resources.pools import Pool, pool, receive, send, snapshot, tool
from virtlab.runtimes.base import RuntimeFailed

CHAPTER = "17-storage"
MIB = 1 << 20
MEMBER_MIB = 128
NEEDS = [host.loop_device, host.btrfs]


# --- a pool -------------------------------------------------------------------------------------

PROFILES = {
    "one disk": "single",
    "pool, each byte once": "single",
    "pool, each byte twice": "raid1",
}
FILE_MIB = 8
MOST_SMALL = 18


@experiment(f"{CHAPTER}/pool", needs=NEEDS, claims=["C063"])
def pooled(member_mib: int = MEMBER_MIB) -> pd.DataFrame:
    """Put files on one disk and on two pools of three; then take one member away.

    One file is larger than a member; as many small ones as fit follow. A member is a file of this
    host behind a loop device.

    Returns:
        One row a pool: condition, members, raw_mib (all members), room_mib (for data, as the empty
        pool says), big_fits (the file that is larger than a member), files, files_after_loss (whole
        and right without one member), host_disks (file systems of this host below the members).
    """
    rows = []
    for name, profile in PROFILES.items():
        count = 1 if name == "one disk" else 3
        with (
            leftovers.own_folder() as folder,
            pool(folder / "pool", profile, count, member_mib) as made,
        ):
            room, sizes = made.room() / MIB, {"big": member_mib + FILE_MIB}
            names = ["small-0", "big", *(f"small-{number}" for number in range(1, MOST_SMALL))]
            fit = [one for one in names if _filled(made.root / one, sizes.get(one, FILE_MIB))]
            sums = {one: _sum(made.root / one) for one in fit}
            below = made.disks_below()
            made.unmount()
            rows.append(
                {
                    "condition": name,
                    "members": count,
                    "raw_mib": count * member_mib,
                    "room_mib": room,
                    "big_fits": "big" in fit,
                    "files": len(fit),
                    "files_after_loss": _whole_without(made, min(2, count), sums),
                    "host_disks": below,
                }
            )
    return pd.DataFrame(rows)


def _filled(path: Path, mib: int, version: int = 0) -> bool:
    """Write a file of random bytes, others for each version; if it does not fit, remove it."""
    piece = random.Random(f"{path.name} {version}").randbytes(MIB)
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, mib * MIB)  # if there is no room, say so at once
            for number in range(mib):
                file.write(number.to_bytes(8, "big") + piece[8:])
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        return False
    return True


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _right(path: Path, expected: str) -> bool:
    try:
        return _sum(path) == expected
    except OSError:
        return False


def _whole_without(made: Pool, number: int, sums: dict[str, str]) -> int:
    """Lose a member of the unmounted pool; count the files that can still be read whole."""
    made.lose(number)
    if not any(made.members):
        return 0
    try:
        made.mount("degraded", "ro")
    except RuntimeFailed:
        return 0
    return sum(_right(made.root / name, expected) for name, expected in sums.items())


@experiment(f"{CHAPTER}/survival", needs=NEEDS, claims=["C063"])
def survival(files: int = 8) -> pd.DataFrame:
    """Lose a member of a mirrored pool, replace it; then zero another's content, and scrub.

    Returns:
        One row a step: condition (the step), ms (it took), right (files whose bytes are those that
        were stored), of, errors (that a scrub found; missing for other steps), mended (of these).
    """
    rows: list[dict[str, Any]] = []
    # Twice the usual room: each scrub allocates some more, and where none is left btrfs gives up.
    with (
        leftovers.own_folder() as folder,
        pool(folder / "pool", "raid1", 3, 2 * MEMBER_MIB) as made,
    ):
        sums: dict[str, str] = {}

        def step(name: str, action: Callable[[], Any], read: bool = True) -> None:
            start = time.perf_counter_ns()
            said = action()
            ms = (time.perf_counter_ns() - start) / 1e6
            found, mended = said if isinstance(said, tuple) else (None, None)
            right = sum(_right(made.root / one, its) for one, its in sums.items()) if read else None
            rows.append(
                {
                    "condition": name,
                    "ms": ms,
                    "right": right,
                    "of": len(sums),
                    "errors": found,
                    "mended": mended,
                }
            )

        def store() -> None:
            for number in range(files):
                path = made.root / f"file-{number}"
                if not _filled(path, 4):
                    raise CannotMeasure("the pool is full too early")
                sums[path.name] = _sum(path)

        def lose() -> None:
            made.unmount()
            made.lose(2)
            made.mount("degraded")

        def spoil() -> None:
            fullest = made.fullest()
            made.unmount()
            made.spoil(fullest)
            made.mount()

        step("stored", store)
        step("a member lost", lose)
        step("replaced", partial(made.replace, 2))
        step("a member spoiled", spoil, read=False)
        step("scrubbed", made.scrub)
        step("scrubbed again", made.scrub)
    return pd.DataFrame(rows)


# --- thin disks and equal blocks ----------------------------------------------------------------


@experiment(f"{CHAPTER}/thin", claims=["C064"])
def thin(disks: int = 8, provisioned_mib: int = 1024, used_mib: int = 12) -> pd.DataFrame:
    """Make disks that are files with holes; write, delete as a guest does, and discard.

    A guest that deletes a file changes a few bytes of bookkeeping: here it overwrites one block of
    a disk. A discard tells the host that the blocks are free.

    Returns:
        One row a step: condition (the step), provisioned_mib (what the guests see), allocated_mib
        (what the host gave), reads_as (a place that is discarded in the end: "data" or "zeros").
    """
    rows = []
    with leftovers.own_folder() as folder:
        paths = [folder / f"disk-{number}" for number in range(disks)]

        def look(step: str) -> None:
            stats = [path.stat() for path in paths]
            with paths[0].open("rb") as disk:
                disk.seek(MIB)
                reads = "data" if any(disk.read(4096)) else "zeros"
            rows.append(
                {
                    "condition": step,
                    "provisioned_mib": sum(stat.st_size for stat in stats) / MIB,
                    "allocated_mib": sum(stat.st_blocks * 512 for stat in stats) / MIB,
                    "reads_as": reads,
                }
            )

        for path in paths:
            with path.open("wb") as disk:
                disk.truncate(provisioned_mib * MIB)
        look("made")
        data = random.Random(1).randbytes(used_mib * MIB)
        _on_each(paths, lambda disk: os.pwrite(disk, data, 0))
        look("written")
        _on_each(paths, lambda disk: os.pwrite(disk, b"the file is gone".ljust(4096), 0))
        look("deleted by the guests")
        _on_each(paths, lambda disk: _punch(disk, MIB, (used_mib - 1) * MIB))
        look("discarded")
    return pd.DataFrame(rows)


def _on_each(paths: list[Path], action: Callable[[int], Any]) -> None:
    for path in paths:
        with path.open("r+b") as disk:
            action(disk.fileno())
            os.fsync(disk.fileno())


def _punch(descriptor: int, start: int, size: int) -> None:
    """Give a part of a file back to its file system; it reads as zeros from then on."""
    punch_hole, keep_size = 2, 1
    libc = ctypes.CDLL(None, use_errno=True)
    place, length = ctypes.c_int64(start), ctypes.c_int64(size)
    if libc.fallocate64(descriptor, punch_hole | keep_size, place, length):
        number = ctypes.get_errno()
        raise OSError(number, f"holes in files: {os.strerror(number)}")


BLOCKS_KIB = (1, 4, 16, 64)
TREE_MIB = 6
DISK_KIB = 256  # what a disk's size is a multiple of
ZONES = Path("/usr/share/zoneinfo")


@experiment(f"{CHAPTER}/dedup", claims=["C064"])
def dedup(most_mib: int = TREE_MIB) -> pd.DataFrame:
    """Cut real trees into blocks of several sizes, and count the different ones.

    Each tree is laid out as on a disk: every file begins at a multiple of 4 KiB. The last block is
    filled up with zeros; blocks of zeros are not stored. The four disks hold Python's library and
    256 KiB of their own each; in the shifted ones, the library begins a byte later on each disk.

    Returns:
        One row a tree and block size: condition (the tree), block_kib, logical_mib, stored_mib,
        ratio, file_ratio (if whole files that are equal are stored once, and no block is looked at;
        the same in all rows of a tree).
    """
    library = _files(Path(sysconfig.get_path("stdlib")), "*.py", most_mib)
    if not library:
        raise CannotMeasure("no Python library to read here")
    zones = _files(ZONES, "*", most_mib)
    chance = random.Random(1)
    own = [chance.randbytes(DISK_KIB * 1024) for _ in range(4)]
    noise = chance.randbytes(most_mib * MIB)

    def disks(shift: int) -> bytes:
        made = bytearray()
        for number, its in enumerate(own):
            made += bytes(number * shift) + _laid_out(library) + its
            made += bytes(-len(made) % (DISK_KIB * 1024))
        return bytes(made)

    trees = {
        "4 disks, one template": (disks(0), library * 4 + own),
        "4 disks, shifted by a byte": (disks(1), library * 4 + own),
        "time zones": (_laid_out(zones), zones),
        "Python's library": (_laid_out(library), library),
        "random (or encrypted)": (noise, [noise]),
    }
    rows = [
        {
            "condition": name,
            "block_kib": kib,
            **_deduplicated(data, kib * 1024),
            "file_ratio": _file_ratio(files),
        }
        for name, (data, files) in trees.items()
        for kib in BLOCKS_KIB
        if files
    ]
    table = pd.DataFrame(rows)
    table.attrs["failed"] = {} if zones else {"time zones": f"no {ZONES} here (package tzdata)"}
    return table


CLUSTER = 4096  # every file begins at a multiple of this


def _files(folder: Path, pattern: str, most_mib: int) -> list[bytes]:
    """What is in the files of a folder; a file with several names (hard links) counts once."""
    found: list[bytes] = []
    size, known = 0, set()
    for path in _walk(folder):
        if not path.match(pattern) or path.is_symlink():
            continue
        try:
            data, inode = path.read_bytes(), path.stat().st_ino
        except OSError:
            continue
        if inode in known:
            continue
        if not data:
            continue
        if size + len(data) > most_mib * MIB:
            break
        known.add(inode)
        found.append(data)
        size += _room(data)
    return found


def _room(data: bytes) -> int:
    """The bytes that a file takes on a disk."""
    return len(data) + -len(data) % CLUSTER


def _laid_out(files: list[bytes]) -> bytes:
    """Files as they would lie on a disk."""
    return b"".join(data.ljust(_room(data), b"\0") for data in files)


def _file_ratio(files: list[bytes]) -> float:
    """The ratio of a store that keeps equal files once."""
    return sum(map(_room, files)) / sum(map(_room, set(files)))


def _walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, sorted, without what others installed there."""
    for parent, below, names in os.walk(folder):
        below[:] = sorted(set(below) - {"site-packages", "__pycache__", "test"})
        yield from (Path(parent) / name for name in sorted(names))


def _deduplicated(data: bytes, size: int) -> dict[str, float]:
    """What a store keeps of data in blocks of this size."""
    logical, seen, zeros = 0, set(), bytes(size)
    for start in range(0, len(data), size):
        block = data[start : start + size].ljust(size, b"\0")
        logical += size
        if block != zeros:
            seen.add(hashlib.sha1(block, usedforsecurity=False).digest())
    stored = len(seen) * size
    return {"logical_mib": logical / MIB, "stored_mib": stored / MIB, "ratio": logical / stored}


# --- three kinds of access ----------------------------------------------------------------------


@experiment(f"{CHAPTER}/access", claims=["C065"])
def access(mib: int = 4) -> pd.DataFrame:
    """Keep the same bytes behind a block, a file and an object server; read and change them.

    Servers and client are threads of one process, with a pair of connected sockets between. Every
    byte that crosses is counted. In the end a byte of the stored data is flipped below the server.

    Returns:
        One row a kind of access: condition, same (what came back is what was stored), part_bytes
        (crossed the wire to read 100 bytes of the middle), change_bytes (to change one byte),
        change_requests, right_after (all bytes are right after the change), old_is_there (the
        content before the change can still be fetched), notices (whether a reader was told of the
        flipped byte: "yes" or "no").
    """
    data = random.Random(17).randbytes(mib * MIB)
    middle = len(data) // 2 + 50
    rows = []
    for name, make in DOORS.items():
        with leftovers.own_folder() as folder:
            door = make(folder)
            with served(door.serve) as wire:
                door.write(wire, data)
                before = door.place()
                same = door.read(wire, len(data)) == data
                wire.reset()
                same = same and door.part(wire, middle, 100) == data[middle : middle + 100]
                part = wire.sent + wire.received
                wire.reset()
                door.change(wire, middle, b"!")
                change, requests = wire.sent + wire.received, wire.requests
                expected = data[:middle] + b"!" + data[middle + 1 :]
                right = door.read(wire, len(data)) == expected
                kept = before.read_bytes() == data
                _flip(door.place(), 5)
                notices = _notices(door, wire, len(data))
        rows.append(
            {
                "condition": name,
                "same": same,
                "part_bytes": part,
                "change_bytes": change,
                "change_requests": requests,
                "right_after": right,
                "old_is_there": kept,
                "notices": notices,
            }
        )
    return pd.DataFrame(rows)


def _flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def _notices(door: Door, wire: Any, size: int) -> str:
    try:
        door.read(wire, size)
    except ValueError:
        return "yes"
    return "no"


# --- backups ------------------------------------------------------------------------------------

SAVING = ("snapshot", "incremental backup", "full backup")


@experiment(f"{CHAPTER}/saving", needs=NEEDS, claims=["C081"], recorded_with={"rounds": 15})
def saving(
    rounds: int = 5, files: int = 20, changed: int = 1, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Change a file of a volume, and save the volume in three ways.

    All are made from snapshots: of a full backup the whole stream is written to another place, of
    an incremental one the difference from the snapshot before.

    Returns:
        One row a saving: round, order, condition, ms (from the first command until it is on disk;
        a backup includes the snapshot that it is made from), kib (that it added: for a snapshot,
        what the pool's used bytes grew by).
    """
    with leftovers.own_folder() as folder, pool(folder / "pool", "single", 3, MEMBER_MIB) as made:
        volume = _volume(made, files)
        base = made.root / "base"
        snapshot(volume, base)
        numbers = iter(range(10**6))

        def save(way: str) -> dict[str, float]:
            number = next(numbers)
            for one in range(changed):
                _filled(volume / f"file-{one}", 2, version=number + 1)
            os.sync()
            before = _used(made)
            start = time.perf_counter_ns()
            taken = made.root / f"snapshot-{number}"
            snapshot(volume, taken)
            stream = folder / f"stream-{number}"
            if way != "snapshot":
                send(taken, stream, base if way.startswith("incremental") else None)
                with stream.open("rb") as file:
                    os.fsync(file.fileno())
            ms = (time.perf_counter_ns() - start) / 1e6
            os.sync()
            kib = (stream.stat().st_size if stream.exists() else _used(made) - before) / 1024
            stream.unlink(missing_ok=True)
            return {"ms": ms, "kib": max(0.0, kib)}

        conditions = {way: partial(save, way) for way in SAVING}
        return measure_rounds(conditions, rounds=rounds, seed=seed, progress=progress)


def _volume(made: Pool, files: int) -> Path:
    volume = made.root / "volume"
    tool("btrfs", "subvolume", "create", volume)
    for number in range(files):
        if not _filled(volume / f"file-{number}", 2):
            raise CannotMeasure("the pool is full too early")
    return volume


def _used(made: Pool) -> int:
    """Bytes in use in a pool."""
    told = tool("btrfs", "filesystem", "usage", "-b", made.root)
    line = next(line for line in told.splitlines() if line.strip().startswith("Used:"))
    return int(line.split()[1])


ACCIDENTS = ("a file deleted", "the pool destroyed", "the full backup lost, too")


@experiment(f"{CHAPTER}/accidents", needs=NEEDS, claims=["C081"])
def accidents(files: int = 10) -> pd.DataFrame:
    """Save a volume in three ways, then delete a file, then destroy the pool; restore it each time.

    The backups lie outside of the pool, and are restored into a new one. In the end the oldest full
    backup is lost, too; the newest, which is what `full backup` means here, is not.

    Returns:
        One row a way of saving: condition, then a column for each of `ACCIDENTS` with what came of
        it: "restored" (every byte), or "lost"; and kib, what it keeps outside of the pool.
    """
    with leftovers.own_folder() as folder:
        with pool(folder / "pool", "single", 3, MEMBER_MIB) as made:
            volume = _volume(made, files)
            first, second = made.root / "first", made.root / "second"
            snapshot(volume, first)
            _filled(volume / "file-0", 3, version=1)
            snapshot(volume, second)
            sums = {path.name: _sum(path) for path in volume.iterdir()}
            full, whole, part = (folder / name for name in ("first", "whole", "part"))
            send(first, full)
            send(second, whole)
            send(second, part, first)
            os.sync()
            (volume / "file-1").unlink()
            deleted = "restored" if _all_right(second, sums) else "lost"
        gone = "restored" if second.exists() and _all_right(second, sums) else "lost"
        chains = {"incremental backup": [full, part], "full backup": [whole]}
        rows = [("snapshot", deleted, gone, gone, 0.0)]
        for name, chain in chains.items():
            back = _restored(folder / f"new {name}", chain, sums)
            without = _restored(folder / f"other {name}", chain[1:] or chain, sums)
            kib = sum(stream.stat().st_size for stream in chain) / 1024
            rows.append((name, back, back, without, kib))
    return pd.DataFrame(rows, columns=["condition", *ACCIDENTS, "kib"])


def _all_right(place: Path, sums: dict[str, str]) -> bool:
    return all(_right(place / name, its) for name, its in sums.items())


def _restored(folder: Path, chain: list[Path], sums: dict[str, str]) -> str:
    """Receive streams into a new pool, in order, and compare every byte."""
    with pool(folder, "single", 3, MEMBER_MIB) as fresh:
        try:
            for stream in chain:
                receive(stream, fresh.root)
        except RuntimeFailed:
            return "lost"
        return "restored" if _all_right(fresh.root / "second", sums) else "lost"


CONSISTENCY = (
    "copied file by file",
    "snapshot",
    "snapshot, journal read",
    "snapshot, program held",
)


@experiment(f"{CHAPTER}/consistency", needs=NEEDS, claims=["C081"], recorded_with={"rounds": 60})
def consistency(rounds: int = 25, seed: int = 1, progress: bool = False) -> pd.DataFrame:
    """Save two files while a program moves money between them, and add up what was saved.

    Returns:
        One row a saving: round, order, condition, sum (of both; 1000 is right), right (1 or 0),
        hold_ms (how long the program was held; 0 if it was not).
    """
    with (
        leftovers.own_folder() as folder,
        pool(folder / "pool", "single", 3, MEMBER_MIB) as made,
    ):
        volume = _volume(made, 0)
        with _accounts(volume) as program:
            numbers = iter(range(10**6))
            moments = random.Random(seed)
            ways = {
                way: partial(_saved, way, made.root, volume, program, numbers, moments)
                for way in CONSISTENCY
            }
            return measure_rounds(ways, rounds=rounds, seed=seed, warm=False, progress=progress)


@contextmanager
def _accounts(volume: Path) -> Iterator[subprocess.Popen[str]]:
    """The program that moves money; ended after the block."""
    process = running.start(running.program("two_accounts.py", volume))
    try:
        running.line_of(process)
        yield process
    finally:
        running.kill(process)


def _saved(
    way: str,
    root: Path,
    volume: Path,
    program: subprocess.Popen[str],
    numbers: Iterator[int],
    moments: random.Random,
) -> dict[str, float]:
    """Save both files in one of the ways; return what they say."""
    time.sleep(moments.uniform(0.0, 0.01))
    place = root / f"saved-{next(numbers)}"
    hold_ms = 0.0
    if way.startswith("copied"):
        place.mkdir()
        for name in ("here", "there"):
            (place / name).write_bytes((volume / name).read_bytes())
    elif way.endswith("held"):
        assert program.stdin is not None
        assert program.stdout is not None
        print("hold", file=program.stdin, flush=True)
        program.stdout.readline()
        start = time.perf_counter_ns()
        snapshot(volume, place)
        hold_ms = (time.perf_counter_ns() - start) / 1e6
        print("go", file=program.stdin, flush=True)
    else:
        snapshot(volume, place)
    balances = [int((place / name).read_text()) for name in ("here", "there")]
    if way.endswith("read") and (noted := (place / "journal").read_text()):
        balances = [int(word) for word in noted.split()]
    total = sum(balances)
    return {"sum": total, "right": int(total == 1000), "hold_ms": hold_ms}
