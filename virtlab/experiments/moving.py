"""Live migration: a running QEMU guest moves to another QEMU process over a link of ours.

The guest (`ticker-bios`) writes one byte a millisecond on its serial port, 0, 1, 2, … 255, 0, … and
makes pages dirty at a steady rate. Its own ticks, stamped with the host's clock as they come, tell
when it stood still, and whether one was lost. QEMU runs it by translation (TCG); the accelerator
does not matter for what is sent.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

from qemu.qmp import QMPClient, QMPError

from virtlab import leftovers
from virtlab.runtimes.base import RuntimeFailed
from virtlab.runtimes.console import Console
from virtlab.runtimes.launcher import payload

PROGRAMS = Path(__file__).parent / "programs"
PAGE = 4096
PAGE_SENT = PAGE + 8  # with the header that QEMU puts before each
MEMORY_MIB = 32
TICKS_PER_S = 1000
PARAMETERS_AT = 496  # in the boot sector
MACHINE = "pc"
PATIENCE_S = 20.0
SETTLED = 150  # ticks before a move and after it
UNLIMITED = 1 << 40  # of QEMU's own brake; the link is the limit
FORCED_MS = 10_000  # a downtime limit that everything fits into
_POLL_S = 0.004


@dataclass(frozen=True)
class Load:
    """What a guest writes while it runs.

    Attributes:
        per_tick: pages made dirty at each tick, one after the other through the working set.
        working_set: pages that are written to at all.
    """

    per_tick: int
    working_set: int

    @property
    def per_second(self) -> int:
        """Pages made dirty a second."""
        return self.per_tick * TICKS_PER_S


@dataclass(frozen=True)
class Move:
    """How a migration went.

    Attributes:
        total_ms: from the command to the guest's first tick at its new place; after post-copy, to
            the last page.
        downtime_ms: from the last tick at the old place to the first at the new one, less the
            interval that is usual.
        longest_gap_ms: the longest time without a tick, wherever.
        rounds: how often QEMU looked which pages are dirty, after the first time.
        sent_pages: full pages that QEMU sent.
        asked_pages: pages that the new place had to ask for (post-copy).
        forced: the downtime limit was lifted, since the rounds ran out.
        lost_ticks: ticks that neither place wrote, and those that both wrote.
        qemu_downtime_ms: what QEMU itself says.
        ticks_per_s: how many came from the old place during the move; fewer on a busy host.
        ticks: when each tick came (ms from the command), and from which place.
    """

    total_ms: float
    downtime_ms: float
    longest_gap_ms: float
    rounds: int
    sent_pages: int
    asked_pages: int
    forced: bool
    lost_ticks: int
    qemu_downtime_ms: float
    ticks_per_s: float
    ticks: list[tuple[float, str]] = field(repr=False)


def sector(load: Load, memory_mib: int = MEMORY_MIB) -> bytes:
    """The guest as a boot sector, for a load and an amount of memory."""
    raw = bytearray(payload("ticker-bios"))
    numbers = (load.per_tick, load.working_set, memory_mib << 20)
    struct.pack_into("<3I", raw, PARAMETERS_AT, *numbers)
    return bytes(raw)


def start(
    load: Load, options: Sequence[str] = (), machine: str = MACHINE, memory_mib: int = MEMORY_MIB
) -> Console:
    """Start a machine with the guest; with `-incoming defer` it waits for one instead."""
    words = ["-nodefaults", "-drive", "file={folder}/sector,format=raw,if=floppy,readonly=on"]
    if machine != MACHINE:
        words = ["-nodefaults"]  # other machines may have no floppy drive
    files = {"sector": sector(load, memory_mib)}
    return Console(machine, [*words, *options], memory_mib=memory_mib, files=files, qmp=True)


# --- talking to QEMU ------------------------------------------------------------------------------


class Monitor:
    """QEMU's machine protocol (QMP) by `qemu.qmp`, with an event loop in a thread of its own.

    A notebook's thread has a loop already. A context manager: thread and connection end with it.
    """

    def __init__(self, machine: Console) -> None:
        self._machine = machine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._client = QMPClient("virtlab")

    def ask(self, command: str, **arguments: Any) -> Any:
        """Have QEMU run a command; an underscore in a name stands for a hyphen.

        Raises:
            RuntimeFailed: QEMU refuses, or does not answer.
        """
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._wait(self._client.execute(command, named or None))

    def _wait(self, coroutine: Any) -> Any:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(PATIENCE_S)
        except (QMPError, TimeoutError, OSError) as error:
            future.cancel()
            why = " ".join(str(error).split()) or type(error).__name__
            raise RuntimeFailed(f"QEMU: {why}") from None

    def __enter__(self) -> Monitor:
        self._thread.start()
        place = self._machine.folder / "qmp"
        deadline = time.monotonic() + PATIENCE_S
        while not place.exists() and self._machine.is_on and time.monotonic() < deadline:
            time.sleep(0.005)
        while True:  # the socket is there a moment before QEMU listens
            try:
                self._wait(self._client.connect(str(place)))
                return self
            except RuntimeFailed:
                if time.monotonic() > deadline or not self._machine.is_on:
                    self._end()
                    raise RuntimeFailed("QEMU: its monitor does not answer") from None
                time.sleep(0.01)
                self._client = QMPClient("virtlab")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(RuntimeFailed):
            self._wait(self._client.disconnect())
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


@contextmanager
def wire(listen: Path, to: Path, bytes_per_s: float) -> Iterator[None]:
    """Be the network between two machines: a process that carries so many bytes a second."""
    command = [sys.executable, "-I", "-S", str(PROGRAMS / "wire.py")]
    process = subprocess.Popen(
        [*command, str(listen), str(to), str(bytes_per_s)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
        start_new_session=True,
    )
    assert process.stdout
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeFailed("the link between the machines did not start")
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# --- listening to the guest -----------------------------------------------------------------------


class Ticks:
    """Stamps every tick of one or two machines with the host's clock. A context manager."""

    def __init__(self, machines: Mapping[str, Console]) -> None:
        self._machines = machines
        self._stop_reader, self._stop_writer = os.pipe()
        self._heard: list[tuple[int, str, bytes]] = []
        self._counts = dict.fromkeys(machines, 0)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop_reader, selectors.EVENT_READ, "")
            for name, machine in self._machines.items():
                assert machine.process.stdout
                selector.register(machine.process.stdout, selectors.EVENT_READ, name)
            while True:
                ready = selector.select()
                now = time.perf_counter_ns()
                for key, _ in ready:
                    if not key.data:
                        return
                    if data := os.read(key.fd, 4096):
                        with self._changed:
                            self._heard.append((now, key.data, data))
                            self._counts[key.data] += len(data)
                            self._changed.notify_all()
                    else:
                        selector.unregister(key.fileobj)

    def wait_for_more(self, name: str, count: int) -> None:
        """Return when so many more ticks have come from a machine.

        Raises:
            RuntimeFailed: they do not come.
        """
        with self._changed:
            wanted = self._counts[name] + count
            if not self._changed.wait_for(lambda: self._counts[name] >= wanted, PATIENCE_S):
                raise RuntimeFailed(f"no tick came from the {name}")

    def all(self) -> list[tuple[int, str, int]]:
        """When each tick came (nanoseconds), from which machine, and its number modulo 256."""
        with self._changed:
            return [(at, name, one) for at, name, data in self._heard for one in data]

    def __enter__(self) -> Ticks:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._stop_writer, b".")
        self._thread.join(PATIENCE_S)
        for end in (self._stop_reader, self._stop_writer):
            os.close(end)


def lost(ticks: Sequence[int]) -> int:
    """Count the places where a tick is not the one after the tick before it, modulo 256."""
    return sum((after - before) % 256 != 1 for before, after in pairwise(ticks))


# --- the move -------------------------------------------------------------------------------------


def move(
    load: Load,
    pages_per_s: float,
    limit_ms: int,
    max_rounds: int,
    post_copy: bool = False,
) -> Move:
    """Move a running guest from one QEMU process to another one.

    Args:
        load: what the guest writes meanwhile.
        pages_per_s: width of the link.
        limit_ms: the downtime that is allowed.
        max_rounds: after so many rounds the limit is lifted, so that the move ends.
        post_copy: start the guest at its new place at once, and let the pages follow.

    Raises:
        RuntimeFailed: a machine did not start, or the migration failed.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(leftovers.own_folder())
        out, into = folder / "out", folder / "in"
        machines = {
            "source": stack.enter_context(start(load)),
            "target": stack.enter_context(start(load, ["-incoming", "defer"])),
        }
        ticks = stack.enter_context(Ticks(machines))
        source, target = (stack.enter_context(Monitor(one)) for one in machines.values())
        stack.enter_context(wire(out, into, pages_per_s * PAGE_SENT))
        if post_copy:
            wanted = [{"capability": "postcopy-ram", "state": True}]
            for monitor in (target, source):
                monitor.ask("migrate-set-capabilities", capabilities=wanted)
        target.ask("migrate-incoming", uri=f"unix:{into}")
        source.ask("migrate-set-parameters", max_bandwidth=UNLIMITED, downtime_limit=limit_ms)
        ticks.wait_for_more("source", SETTLED)
        started = time.perf_counter_ns()
        source.ask("migrate", uri=f"unix:{out}")
        if post_copy:
            source.ask("migrate-start-postcopy")
        told, forced = _to_the_end(source, 10**9 if post_copy else max_rounds)
        ended = time.perf_counter_ns()
        ticks.wait_for_more("target", SETTLED)
        heard = ticks.all()
    return _summary(told, forced, heard, started, ended if post_copy else 0)


def _to_the_end(source: Monitor, max_rounds: int) -> tuple[dict[str, Any], bool]:
    """Wait until a migration is done; lift its limit when the rounds run out."""
    forced = False
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told: dict[str, Any] = source.ask("query-migrate")
        if told["status"] == "completed":
            return told, forced
        if told["status"] in ("failed", "cancelled") or time.monotonic() > deadline:
            why = told.get("error-desc", f"it is {told['status']}")
            raise RuntimeFailed(f"the migration did not end: {why}")
        # QEMU looks for dirty pages once before the first round.
        if not forced and told.get("ram", {}).get("dirty-sync-count", 0) > max_rounds:
            source.ask("migrate-set-parameters", downtime_limit=FORCED_MS)
            forced = True
        time.sleep(_POLL_S)


def _summary(
    told: dict[str, Any],
    forced: bool,
    heard: Sequence[tuple[int, str, int]],
    started: int,
    all_there: int,
) -> Move:
    there = [at for at, name, _ in heard if name == "target"]
    here = [at for at, name, _ in heard if name == "source"]
    in_order = [tick for _, name, tick in heard if name == "source"]
    in_order += [tick for _, name, tick in heard if name == "target"]
    times = here + there
    gaps = [after - before for before, after in pairwise(times)]
    during = gaps[sum(at < started for at in here) :]
    usual = 1e9 / TICKS_PER_S
    ram = told["ram"]
    while_copied = [at for at in here if at >= started]
    copying_s = (here[-1] - started) / 1e9
    return Move(
        total_ms=((all_there or there[0]) - started) / 1e6,
        downtime_ms=max(0.0, (there[0] - here[-1] - usual) / 1e6),
        longest_gap_ms=max(during) / 1e6,
        rounds=int(ram["dirty-sync-count"]) - 1,
        sent_pages=int(ram["normal"]),
        asked_pages=int(ram.get("postcopy-requests", 0)),
        forced=forced,
        lost_ticks=lost(in_order),
        qemu_downtime_ms=float(told.get("downtime", 0)),
        ticks_per_s=len(while_copied) / copying_s if while_copied else 0.0,
        ticks=[((at - started) / 1e6, name) for at, name, _ in heard],
    )


def refusal(options: Sequence[str], machine: str = MACHINE, memory_mib: int = MEMORY_MIB) -> str:
    """Try to move a guest into a machine that differs; return the reason why it is refused.

    Args:
        options: further words of the new machine's command.
        machine: its kind.
        memory_mib: its memory.

    Returns:
        What the new machine said; "" if the move succeeded.
    """
    load = Load(0, 1)
    with ExitStack() as stack:
        folder = stack.enter_context(leftovers.own_folder())
        source = stack.enter_context(start(load))
        words = ["-incoming", f"unix:{folder}/in", *options]
        target = stack.enter_context(start(load, words, machine, memory_mib))
        asked = stack.enter_context(Monitor(source))
        with Monitor(target):  # it listens by now
            pass
        asked.ask("migrate", uri=f"unix:{folder}/in")
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not target.is_on:
                errors = (target.folder / "errors").read_text(errors="replace").splitlines()
                said = [
                    line.partition(": ")[2] for line in errors if "load of migration" not in line
                ]
                return said[0] if said else "it went off in silence"
            if asked.ask("query-migrate").get("status") == "completed" and _runs(target):
                return ""
            time.sleep(0.02)
    raise RuntimeFailed("the migration neither ended nor failed")


def _runs(machine: Console) -> bool:
    """Whether a machine that takes a guest in has begun to run it."""
    with suppress(RuntimeFailed):
        return "running" in machine.monitor("info status")
    return False
