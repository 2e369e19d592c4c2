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


def remove_left_behind() -> None:
    """Remove the temporary folders and memory groups of graders that are no more."""
    for folder in Path(tempfile.gettempdir()).glob("autograder-*"):
        with contextlib.suppress(OSError):
            if _maker_is_gone(folder.name) and folder.lstat().st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)
    group = own_group()
    for child in group.glob("autograder-*") if group else ():
        if _maker_is_gone(child.name):
            with contextlib.suppress(OSError):  # not yet empty, or gone already
                child.rmdir()


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
