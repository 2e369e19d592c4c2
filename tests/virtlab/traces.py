"""What an owner's things on this machine are known by, for the tests that look for leftovers."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

from virtlab import leftovers


def traces(mark: str) -> list[str]:
    """Everything on this machine that carries an owner's mark."""
    found = [str(path) for path in Path(tempfile.gettempdir()).glob(f"*{mark}*")]
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if mark in line]
    found += [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if mark in folder]
    for told in ("/sys/block/loop*/loop/backing_file", "/sys/class/net/*/ifalias"):
        for path in Path("/").glob(told.lstrip("/")):
            with contextlib.suppress(OSError):  # just gone
                found += [str(path)] if mark in path.read_text() else []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"{leftovers.OWNER_VARIABLE}={mark}".encode() in environment.read_bytes():
                found.append(f"{environment}: {environment.with_name('comm').read_text().strip()}")
    return found


def wait_for_nothing(mark: str) -> None:
    """Until the owner's helpers, which see that it is gone, have cleaned up after it."""
    deadline = time.monotonic() + 20
    while traces(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
