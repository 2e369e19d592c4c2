"""What a grader makes for its own time bears its mark, so that the next one removes what is left.

A killed grader removes nothing. The mark is the PID namespace and the id of the process: neither a
grader in another container nor one that still runs is mistaken for a dead one.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

from autograder.sandbox.limits import own_group

_MARK = re.compile(r"autograder-(?P<namespace>\d+)-(?P<process>\d+)-")


def owned_name() -> str:
    """How the names of folders and control groups of this process begin."""
    return f"autograder-{_namespace()}-{os.getpid()}-"


def left_behind() -> list[Path]:
    """The temporary folders and memory groups of graders that are no more."""
    places = [Path(tempfile.gettempdir()), own_group()]
    found = [path for place in places if place for path in place.glob("autograder-*")]
    return [path for path in found if _maker_is_gone(path.name)]


def remove_left_behind() -> None:
    """Remove what `left_behind` finds and this user may remove.

    A group in which a killed grader's room is still ending cannot go yet: a later call takes it.
    """
    group = own_group()
    for path in left_behind():
        with contextlib.suppress(OSError):
            if path.parent == group:
                path.rmdir()
            elif path.lstat().st_uid == os.geteuid():
                shutil.rmtree(path, ignore_errors=True)


def _maker_is_gone(name: str) -> bool:
    mark = _MARK.match(name)
    if mark is None or int(mark["namespace"]) != _namespace():
        return False
    try:
        os.kill(int(mark["process"]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


@functools.cache
def _namespace() -> int:
    try:
        return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - what the link leads to
    except OSError:
        return 0
