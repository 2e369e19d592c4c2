"""Backups: which chain restores a moment, what was lost, and how long it took.

Times are numbers in one unit of the caller's choice, of one clock. A full backup restores alone. A
differential one needs the last full backup before it. An incremental one needs the backup of any
kind that was last taken before it, and all that this one needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["full", "differential", "incremental"]


@dataclass(frozen=True)
class Backup:
    """One backup.

    Attributes:
        time: when it was taken; it holds all changes until then.
        kind: what it is relative to.
        is_good: False if it is missing or corrupt. It was taken all the same: the next
            incremental one holds only what changed since.
    """

    time: float
    kind: Kind
    is_good: bool = True


def chain(backups: Sequence[Backup], time: float) -> list[Backup] | None:
    """Return the backups that restore the state at exactly a backup's time, oldest first.

    Returns:
        None if there is no backup of this time, or if any that it needs is bad or was never taken.
    """
    taken = sorted((b for b in backups if b.time <= time), key=lambda b: b.time)
    if not taken or taken[-1].time != time:
        return None
    needed = [taken.pop()]
    while needed[-1].kind != "full":
        if needed[-1].kind == "differential":
            taken = [b for b in taken if b.kind == "full"]
        if not taken:
            return None
        needed.append(taken.pop())
    return needed[::-1] if all(b.is_good for b in needed) else None


def restorable(backups: Sequence[Backup], at: float) -> list[Backup] | None:
    """Return the chain that restores the latest possible state not after a moment.

    Args:
        backups: in any order, each of another time.
        at: the moment wanted.

    Returns:
        The chain, oldest first; its last backup's time is the state restored. None if nothing can
        be restored.
    """
    for time in sorted({b.time for b in backups if b.time <= at}, reverse=True):
        found = chain(backups, time)
        if found:
            return found
    return None


@dataclass(frozen=True)
class Event:
    """One line of an operations log.

    Attributes:
        time: when.
        what: "saved" (a state that can be restored was completed), "failed" or "restored".
        state: for "saved" and "restored", the moment whose state it is; None means ``time`` for
            "saved", and the latest saved one for "restored".
    """

    time: float
    what: Literal["saved", "failed", "restored"]
    state: float | None = None


@dataclass(frozen=True)
class Recovery:
    """What one failure cost.

    Attributes:
        failed: when.
        data_loss: from the restored state to the failure: the recovery point achieved. None if
            nothing was restored.
        outage: from the failure to the restored service: the recovery time achieved. None if it
            never came back.
    """

    failed: float
    data_loss: float | None
    outage: float | None


def recovery(log: Sequence[Event]) -> list[Recovery]:
    """Return what each failure in a log cost, by time.

    Further failures before the service is restored are part of the first. A state that was
    completed only after the failure cannot be restored from.

    Raises:
        ValueError: if a restore names or finds no state saved before the failure.
    """
    saved: list[float] = []
    failed: float | None = None
    found: list[Recovery] = []
    for event in sorted(log, key=lambda e: e.time):
        if event.what == "saved" and failed is None:
            saved.append(event.time if event.state is None else event.state)
        elif event.what == "failed" and failed is None:
            failed = event.time
        elif event.what == "restored" and failed is not None:
            state = max(saved, default=None) if event.state is None else event.state
            if state is None or state not in saved:
                raise ValueError(f"at {event.time}: no such state was saved before the failure")
            found.append(Recovery(failed, failed - state, event.time - failed))
            failed = None
    if failed is not None:
        found.append(Recovery(failed, None, None))
    return found
