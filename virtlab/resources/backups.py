"""Backups of a disk as files: a full one holds every block, an incremental one what changed.

A file is a line of JSON (`parent`, `size`, `blocks`, `digest`) and then the blocks. An incremental
backup restores only together with its parent, and that one with its own.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

BLOCK = 4096


class Damaged(Exception):
    """A backup that a restore needs is missing, or not what was saved; the message is one line."""


def save(disk: bytes, file: Path, before: bytes | None = None, parent: str | None = None) -> int:
    """Write a backup and return its size in bytes.

    Args:
        disk: what to save, whole blocks.
        file: where to.
        before: the disk as its parent saved it; None makes a full backup.
        parent: the name of the parent's file, in the same folder.
    """
    numbers = range(len(disk) // BLOCK)
    changed = [n for n in numbers if before is None or _block(disk, n) != _block(before, n)]
    data = b"".join(_block(disk, number) for number in changed)
    head = {
        "parent": None if before is None else parent,
        "size": len(disk),
        "blocks": changed,
        "digest": hashlib.sha256(data).hexdigest(),
    }
    file.write_bytes(json.dumps(head).encode() + b"\n" + data)
    return file.stat().st_size


def restore(file: Path, checked: bool = True) -> bytes:
    """Return the disk as a backup saved it.

    Args:
        file: of the backup; those that it needs lie beside it.
        checked: look whether each one's blocks still have the digest that was written down.

    Raises:
        Damaged: if one of them is missing, or is found to be corrupt.
    """
    chain = [_read(file, checked)]
    while (parent := chain[-1][0]["parent"]) is not None:
        chain.append(_read(file.with_name(parent), checked))
    disk = bytearray(chain[0][0]["size"])
    for head, data in reversed(chain):
        for place, number in enumerate(head["blocks"]):
            disk[number * BLOCK : (number + 1) * BLOCK] = _block(data, place)
    return bytes(disk)


def _read(file: Path, checked: bool) -> tuple[dict[str, Any], bytes]:
    try:
        line, _, data = file.read_bytes().partition(b"\n")
    except OSError:
        raise Damaged(f"{file.name} is missing") from None
    head = json.loads(line)
    if checked and hashlib.sha256(data).hexdigest() != head["digest"]:
        raise Damaged(f"{file.name} is corrupt")
    return head, data


def _block(data: bytes, number: int) -> bytes:
    return data[number * BLOCK : (number + 1) * BLOCK]
