"""`docker run`, split into its stages by the kernel's record of who started what, and when."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from virtlab import images, leftovers, process_events
from virtlab.host import find_tool
from virtlab.interrupts import uninterrupted
from virtlab.process_events import Event
from virtlab.registry import CannotMeasure
from virtlab.runtimes.base import RuntimeFailed

# In the order of time, but for the hook: runc create waits in its middle until Docker's own program
# has joined the network. The container's program is counted to the start, since it is brief.
# Together they are the whole of `docker run`.
STAGES = (
    "client and daemon",
    "shim",
    "runc create",
    "network hook",
    "runc start",
    "clean-up",
)
_RUNTIMES = ("runc", "crun", "docker-runc")
_PATIENCE_S, _TRIES = 60, 3


@contextmanager
def loaded(manifest: images.Manifest, store: Mapping[str, bytes]) -> Iterator[str]:
    """Give an image to the engine for a while; yields the name that it has there.

    Raises:
        CannotMeasure: the engine does not take it.
    """
    name = f"{leftovers.owned_name()}:1"
    try:
        with leftovers.own_folder() as folder:
            (folder / "image").mkdir()
            images.save(manifest, store, folder / "image", name)
            with tarfile.open(folder / "image.tar", "w") as archive:
                archive.add(folder / "image", ".")
            run = _docker("load", "--input", str(folder / "image.tar"))
        if run.returncode != 0:
            raise CannotMeasure(f"docker load: {_last_line(run.stderr)}")
        yield name
    finally:
        with uninterrupted():
            _docker("image", "rm", "--force", name)


def need_bridge() -> None:
    """Refuse an engine that lacks Docker's usual network, as ours does when it records.

    There, `docker run` gives the container the host's network, and makes none.

    Raises:
        CannotMeasure: it lacks it.
    """
    if _docker("network", "inspect", "bridge").returncode != 0:
        raise CannotMeasure("docker: this engine has no bridge network, so its runs are not usual")


def run_in_stages(name: str, options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run an image once by `docker run --rm`; return its stages as `stages` does.

    A run of which the kernel's report is not complete, as on a very busy machine, is run again.

    Args:
        name: of the image.
        options: more options of `docker run`.

    Raises:
        RuntimeFailed: it did not run, or a stage was not seen.
    """
    argv = [find_tool("docker") or "docker", "run", "--rm", *options, name]
    for _ in range(_TRIES):
        with process_events.Listener() as listener:
            client = _end_of(argv)
        try:
            return stages(listener.events, client)
        except RuntimeFailed as error:
            incomplete = error
    raise incomplete


def _end_of(argv: Sequence[str]) -> int:
    """Run a command to its end and return which process it was."""
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _, errors = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise RuntimeFailed(f"docker run: no end within {_PATIENCE_S} s") from None
    if process.returncode != 0:
        raise RuntimeFailed(f"docker run: {_last_line(errors)}")
    return process.pid


def stages(events: Sequence[Event], client: int) -> list[dict[str, Any]]:
    """Split one `docker run` by its events.

    Args:
        events: what happened meanwhile, in order of time.
        client: the process of the `docker` command.

    Returns:
        phase, start_ms and end_ms of each of STAGES, one after the other.

    Raises:
        RuntimeFailed: a boundary between two stages was not seen.
    """

    def first(what: str, kind: str, fits: Callable[[Event], Any]) -> Event:
        found = next((event for event in events if event.kind == kind and fits(event)), None)
        if found is None:
            raise RuntimeFailed(f"docker run: {what} was not seen")
        return found

    def tool(event: Event) -> str:
        return Path(event.command[0]).name if event.command else ""

    def creates(event: Event) -> bool:
        return tool(event) in _RUNTIMES and "create" in event.command

    called = first("the client", "exec", lambda event: event.pid == client)
    shim = first("the shim", "exec", lambda event: tool(event).startswith("containerd-shim"))
    create = first("runc create", "exec", creates)
    created = first("the end of runc create", "exit", lambda event: event.pid == create.pid)
    # What runc create leaves behind waits for runc start, and then becomes the program.
    left = {event.pid for event in events if event.kind == "fork" and event.parent == create.pid}
    inside = first(
        "the program", "exec", lambda event: event.pid in left and event.when > created.when
    )
    ended = first("the program's end", "exit", lambda event: event.pid == inside.pid)
    gone = first("the client's end", "exit", lambda event: event.pid == client)
    boundaries = [called, shim, create, created, ended, gone]
    lengths = [(b.when - a.when) / 1e6 for a, b in pairwise(boundaries)]
    network = sum(
        (end.when - hook.when) / 1e6
        for hook in events
        for end in events
        if hook.kind == "exec" and tool(hook) == "libnetwork-setkey"
        if end.kind == "exit" and end.pid == hook.pid
    )
    lengths[2] -= network
    lengths.insert(3, network)
    ends = list(accumulate(lengths))
    starts = [0.0, *ends[:-1]]
    return [
        {"phase": name, "start_ms": start, "end_ms": end}
        for name, start, end in zip(STAGES, starts, ends, strict=True)
    ]


def _docker(*words: str) -> subprocess.CompletedProcess[str]:
    path = find_tool("docker")
    if path is None:
        raise CannotMeasure("docker: not installed; apt-get install docker.io")
    try:
        return subprocess.run(
            [path, *words], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotMeasure(f"docker {words[0]}: {error}") from None


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it failed in silence"
