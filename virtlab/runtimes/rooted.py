"""Container runtimes on a root file system of one's own choice, such as an unpacked image."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from virtlab import leftovers
from virtlab.runtimes.launched import LaunchedRuntime

MOUNT_POINTS = ("proc", "dev", "tmp")


@contextmanager
def rooted(runtime: LaunchedRuntime, root: Path) -> Iterator[LaunchedRuntime]:
    """Gives the same runtime, whose containers see `root` as `/` and nothing of the host's files.

    Only for containers with a command. Mount points that `root` lacks are made in it.
    """
    for name in MOUNT_POINTS:
        (root / name).mkdir(exist_ok=True)
    launcher = copy.copy(runtime.launcher())  # the same warm helper, another root
    launcher.root, launcher.binds = root, []
    moved = copy.copy(runtime)
    moved.launcher = lambda: launcher  # type: ignore[method-assign]
    with leftovers.own_folder() as folder:
        launcher.folder = folder  # bundles and runtime state, so that none is mixed up
        yield moved
