"""Replicas: several instances of one runtime, held by name, as a controller needs them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from virtlab.errors import RuntimeFailed
from virtlab.runtimes.base import Instance, Runtime

_PATIENCE_S = 5.0


class Fleet:
    """What runs, by name. A context manager: all gone after it.

    Args:
        runtime: how each replica is started.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._held: dict[str, tuple[Instance, str]] = {}

    def start(self, name: str, image: str = "") -> None:
        """Starts a replica that remembers which image it is of.

        Raises:
            RuntimeFailed: it did not start, or one of this name runs.
        """
        if name in self.running():
            raise RuntimeFailed(f"{name} runs already")
        self.stop(name)  # a dead one of this name is buried first
        self._held[name] = (self.runtime.start(), image)

    def stop(self, name: str) -> None:
        """Ends a replica; one that is not there is fine."""
        if name in self._held:
            self._held.pop(name)[0].stop()

    def kill(self, name: str) -> None:
        """Kills a replica behind the fleet's back, as a crash would, and waits for its death."""
        pid = self._held[name][0].pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _PATIENCE_S
        while _runs(pid) and time.monotonic() < deadline:
            time.sleep(0.001)

    def running(self) -> dict[str, str]:
        """The image of each replica that runs, by name; asked of the kernel, not remembered."""
        return {name: image for name, (held, image) in self._held.items() if _runs(held.pid)}

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._held):
            self.stop(name)


def _runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
