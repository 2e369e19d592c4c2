"""Every process start and end on this machine, as the kernel tells it.

Linux's process events connector (CONFIG_PROC_EVENTS) sends a message for each fork, exec and exit,
stamped with CLOCK_MONOTONIC. Only root in the first network namespace may listen.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from virtlab.host import Capability

_CONNECTOR, _PROC_GROUP, _LISTEN, _IGNORE = 11, 1, 1, 2
_KINDS = {0x00000001: "fork", 0x00000002: "exec", 0x80000000: "exit"}
_NETLINK_DONE = 3
_BUFFER, _SO_RCVBUFFORCE = 16 << 20, 33


@dataclass(frozen=True)
class Event:
    """One thing that happened to a process.

    Attributes:
        when: CLOCK_MONOTONIC in nanoseconds.
        kind: "fork", "exec" or "exit".
        pid: the process.
        parent: the process that forked it; 0 for other kinds.
        command: what it runs, for "exec", if it lived long enough to be asked.
    """

    when: int
    kind: str
    pid: int
    parent: int = 0
    command: tuple[str, ...] = ()


def available() -> Capability:
    """Whether this user may listen here."""
    remedy = "run as root on the host itself, with a kernel built with CONFIG_PROC_EVENTS"
    try:
        with Listener() as listener:
            os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    except OSError as error:
        why = error.strerror or str(error)
        return Capability("process events", False, why, remedy)
    if not listener.events:
        return Capability("process events", False, "the kernel sends none", remedy)
    return Capability("process events", True, f"{len(listener.events)} seen while one program ran")


class Listener:
    """Collects events while it is entered. A context manager.

    Attributes:
        events: what happened; after it, complete and in the order of time, unless some are lost.
        lost: whether the kernel had more to say than could be kept.

    Raises:
        OSError: on entering, if this user may not listen.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lost = False
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _CONNECTOR)
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._collect, daemon=True)

    def __enter__(self) -> Listener:
        try:
            # An ordinary SO_RCVBUF is capped so low that a busy machine's events do not fit.
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            self._socket.bind((0, _PROC_GROUP))
            self._ask(_LISTEN)
        except OSError:
            self._close()
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._woken, b"x")
        self._thread.join()
        try:
            self._ask(_IGNORE)
        finally:
            self._close()
        self.events.sort(key=lambda event: event.when)

    def _close(self) -> None:
        self._socket.close()
        os.close(self._wake)
        os.close(self._woken)

    def _ask(self, operation: int) -> None:
        body = struct.pack("=I", operation)
        message = struct.pack("=IIIIHH", 1, 1, 0, 0, len(body), 0) + body
        header = struct.pack("=IHHII", 16 + len(message), _NETLINK_DONE, 0, 0, os.getpid())
        self._socket.send(header + message)

    def _collect(self) -> None:
        events = self._socket.fileno()
        while True:
            ready, _, _ = select.select([events, self._wake], [], [])
            if events in ready:
                try:
                    self._take(self._socket.recv(8192))
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise
                    self.lost = True
            elif self._wake in ready:
                return

    def _take(self, message: bytes) -> None:
        number, _, when = struct.unpack_from("=IIQ", message, 36)
        kind = _KINDS.get(number)
        if kind is None:
            return
        if kind == "fork":
            _, parent, thread, process = struct.unpack_from("=IIII", message, 52)
            if thread == process:  # else a thread was made, not a process
                self.events.append(Event(when, kind, process, parent))
            return
        thread, process = struct.unpack_from("=II", message, 52)
        if thread == process:
            command = _command(process) if kind == "exec" else ()
            self.events.append(Event(when, kind, process, command=command))


def _command(pid: int) -> tuple[str, ...]:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ()
    return tuple(word.decode(errors="replace") for word in words if word)
