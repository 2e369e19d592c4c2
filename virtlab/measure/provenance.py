"""What must be known about a measurement to believe it: host, date, versions, surroundings."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from virtlab import host
from virtlab.measure.stopwatch import own_cost_ns

PACKAGES = ("virtlab", "numpy", "pandas", "scipy")


def provenance(command: str, seed: int | None) -> dict[str, Any]:
    """Return the facts to keep beside a measurement, ready for JSON.

    Args:
        command: the command or call that makes the measurement again.
        seed: of the measurement's order and random choices; None if it has none.
    """
    return {
        "command": command,
        "seed": seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": host.facts(),
        "versions": {"python": platform.python_version()} | _versions(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "steal_percent": steal_percent(),
        "pressure_percent": pressure_percent(),
        "autogroup": autogroup(),
        "stopwatch_ns": own_cost_ns(),
    }


def steal_percent(stat: Path = Path("/proc/stat")) -> float | None:
    """Return the share of CPU time since boot that the hypervisor gave to others, in percent."""
    try:
        ticks = [int(word) for word in stat.read_text().split("\n", 1)[0].split()[1:]]
    except (OSError, ValueError):
        return None
    # user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user time.
    total = sum(ticks[:8])
    return round(100 * ticks[7] / total, 3) if len(ticks) > 7 and total else None


def pressure_percent(folder: Path = Path("/proc/pressure")) -> dict[str, float]:
    """Return for each resource the share of the last 10 s in which some task waited for it."""
    found = {}
    for resource in ("cpu", "memory", "io"):
        try:
            some = (folder / resource).read_text().split("\n", 1)[0]
            found[resource] = float(dict(pair.split("=") for pair in some.split()[1:])["avg10"])
        except (OSError, ValueError, KeyError):
            continue
    return found


def autogroup(file: Path = Path("/proc/self/autogroup")) -> str:
    """Return the scheduling group of this session with its nice value; empty where there is none.

    With autogroup on, CPU time is shared between sessions first: a session with a negative value
    was measured with less disturbance from the machine's other work.
    """
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
