"""Pressure and waiting: how long work stood still for want of a resource."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

RESOURCES = ("cpu", "memory", "io")


class Stall(NamedTuple):
    """Seconds since boot in which some task, or all tasks that had work, waited for a resource."""

    some_s: float
    full_s: float


def stall(resource: str, folder: Path = Path("/proc/pressure")) -> Stall | None:
    """Read a resource's pressure stall information (PSI); None where the kernel keeps none.

    Args:
        resource: cpu, memory or io.
        folder: `/proc/pressure`; for a control group of version 2 its own folder, whose files are
            called `cpu.pressure` and so on.
    """
    if resource not in RESOURCES:
        raise ValueError(f"pressure is kept for {', '.join(RESOURCES)}, not {resource!r}")
    try:
        file = folder / resource
        lines = (file if file.exists() else folder / f"{resource}.pressure").read_text()
    except OSError:
        return None
    total = {}
    for line in lines.splitlines():
        kind, *pairs = line.split()
        total[kind] = int(dict(pair.split("=") for pair in pairs)["total"]) / 1e6
    return Stall(total.get("some", 0.0), total.get("full", 0.0))


@dataclass
class Watch:
    """What the whole machine waited for between two moments.

    Attributes:
        seconds: the time between them.
        some: for each resource the share of that time in which some task waited for it.
        steal: the share of the cores' time that the hypervisor gave to other machines.
    """

    seconds: float
    some: dict[str, float]
    steal: float


class PressureWatch:
    """Watches pressure and steal while its block runs; `result` holds the outcome after it."""

    result: Watch

    def __enter__(self) -> PressureWatch:
        self._began = time.monotonic()
        self._stalls = {resource: stall(resource) for resource in RESOURCES}
        self._ticks = _steal_and_all()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self._began
        some = {}
        for resource, before in self._stalls.items():
            after = stall(resource)
            if before and after:
                some[resource] = (after.some_s - before.some_s) / seconds
        stolen, ticks = (
            now - then for now, then in zip(_steal_and_all(), self._ticks, strict=True)
        )
        self.result = Watch(seconds, some, stolen / ticks if ticks else 0.0)


def _steal_and_all(file: Path = Path("/proc/stat")) -> tuple[int, int]:
    """Return the ticks stolen from all cores since boot, and all ticks."""
    try:
        ticks = [int(word) for word in file.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return (ticks[7] if len(ticks) > 7 else 0), sum(ticks)
