"""Crashes one of several tenants, and asks all of them all the time. `python -I -S crash.py`.

Its task comes as a line of JSON: `level` ("threads", "processes", "containers" or "machines"),
`tenants`, `crashed` (its number), `start_ms` (when it crashes), `end_ms`, `gap_ms` (between two
requests to one tenant), `deadline_ms` (how long to wait for the last answers). A request is one
byte, the answer is the same byte; the byte `!` makes a tenant do what crashes it. Prints a list of
requests as JSON: [tenant, sent, answered], in whole ms from the first one; answered is null where
no answer came.

Called as `python -I -S crash.py tenant`, it is the program of one container.
"""

import ctypes
import json
import os
import resource
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab.container import engine
from virtlab.syscalls import may_administer

READY, REQUEST, CRASH = b"R", b"?", b"!"
PATIENCE_S = 20.0
# In 64-bit code: read a byte from the serial port; if it is `!`, run an instruction that does not
# exist, without anybody to handle that; else write it back.
#   mov dx, 0x3f8; again: in al, dx; cmp al, '!'; je crash; out dx, al; jmp again; crash: ud2
GUEST = bytes.fromhex("66baf803ec3c217403eeebf80f0b")


class Line:
    """The two pipes between us and a tenant."""

    def __init__(self) -> None:
        self.theirs_in, self.ours_out = os.pipe()
        self.ours_in, self.theirs_out = os.pipe()

    def close_theirs(self) -> None:
        """Keep our ends only, so that a dead tenant's pipe is at its end."""
        os.close(self.theirs_in)
        os.close(self.theirs_out)


def answer_all(hear: int, tell: int) -> None:
    """Be a tenant: answer until the input ends; have a bug."""
    os.write(tell, READY)
    while byte := os.read(hear, 1):
        if byte == CRASH:
            ctypes.string_at(0)  # reads address 0: a segmentation fault
        os.write(tell, byte)


def be_a_machine(hear: int, tell: int) -> None:
    """Be the monitor of one virtual machine whose guest answers."""
    from virtlab.runtimes import kvm

    def serve(leave: kvm.Exit) -> bytes | bool | None:
        if leave.address != kvm.SERIAL_PORT:
            return None
        if leave.write:
            os.write(tell, leave.data)
            return None
        return os.read(hear, 1) or True

    with kvm.Machine() as machine:
        machine.start_in_long_mode(GUEST, ring=3)
        os.write(tell, READY)
        machine.run(serve, limit_s=PATIENCE_S)


def in_child(live: Callable[[], None], lines: list[Line]) -> int:
    """Fork; in the child, close what is ours, live, and end."""
    pid = os.fork()
    if pid == 0:
        status = 0
        try:
            for line in lines:
                os.close(line.ours_in)
                os.close(line.ours_out)
            live()
        except Exception as error:
            os.write(2, f"{' '.join(str(error).split())}\n".encode())
            status = 1
        finally:
            os._exit(status)
    return pid


def threads(lines: list[Line]) -> list[int]:
    """All tenants are threads of one process."""

    def live() -> None:
        crowd = [
            threading.Thread(target=answer_all, args=(line.theirs_in, line.theirs_out))
            for line in lines
        ]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()

    return [in_child(live, lines)]


def forked(be: Callable[[int, int], None], lines: list[Line]) -> list[int]:
    """Each tenant is a process."""

    def one(mine: Line) -> int:
        def live() -> None:
            for other in lines:
                if other is not mine:
                    other.close_theirs()
            be(mine.theirs_in, mine.theirs_out)

        return in_child(live, lines)

    return [one(line) for line in lines]


def containers(lines: list[Line]) -> list[int]:
    """Each tenant is a container with all its walls, without a capability."""
    kinds = set(engine.DEFAULT_NAMESPACES) | (set() if may_administer() else {"user"})
    program = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), "tenant"]
    return [
        engine.start(
            engine.Container(program, namespaces=frozenset(kinds)),
            line.theirs_in,
            line.theirs_out,
            2,
        )
        for line in lines
    ]


LEVELS: dict[str, Callable[[list[Line]], list[int]]] = {
    "threads": threads,
    "processes": lambda lines: forked(answer_all, lines),
    "containers": containers,
    "machines": lambda lines: forked(be_a_machine, lines),
}


class Client:
    """Sends requests at their moments, whatever comes back, and notes the answers."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.poll = select.poll()
        self.tenant_of = {line.ours_in: number for number, line in enumerate(lines)}
        for line in lines:
            self.poll.register(line.ours_in, select.POLLIN)
        # Of each tenant, the places in `requests` of those without an answer: it answers in order.
        self.open: list[list[int]] = [[] for _ in lines]
        self.requests: list[list[int | None]] = []
        self.began = 0

    @property
    def now_ms(self) -> float:
        """Milliseconds since the first request."""
        return (time.monotonic_ns() - self.began) / 1e6

    def await_ready(self) -> None:
        """Wait for everybody's first byte."""
        for line in self.lines:
            if not select.select([line.ours_in], [], [], PATIENCE_S)[0]:
                raise SystemExit("a tenant did not start")
            if os.read(line.ours_in, 1) != READY:
                raise SystemExit("a tenant died before it was ready")

    def run(self, moments: list[tuple[int, int]], crash: tuple[int, int], last_ms: int) -> None:
        """Send at each (moment, tenant); crash a tenant at a moment; go on until `last_ms`."""
        self.began = time.monotonic_ns() + 5_000_000
        plan = sorted(
            [(moment, 1, tenant) for moment, tenant in moments] + [(crash[0], 0, crash[1])]
        )
        for moment, is_request, tenant in plan:
            self._listen_until(moment)
            if is_request:
                self._send(tenant, moment)
            else:
                self._write(tenant, CRASH)
        self._listen_until(last_ms)

    def _send(self, tenant: int, moment: int) -> None:
        self.open[tenant].append(len(self.requests))
        self.requests.append([tenant, moment, None])
        self._write(tenant, REQUEST)

    def _write(self, tenant: int, byte: bytes) -> None:
        try:
            os.write(self.lines[tenant].ours_out, byte)
        except BrokenPipeError:
            return  # nobody is there: no answer will come

    def _listen_until(self, moment: float) -> None:
        while (left := moment - self.now_ms) > 0:
            for descriptor, _ in self.poll.poll(left):
                told = os.read(descriptor, 64)
                if not told:  # the other end is closed
                    self.poll.unregister(descriptor)
                waiting = self.open[self.tenant_of[descriptor]]
                for place in waiting[: len(told)]:
                    self.requests[place][2] = int(self.now_ms)
                del waiting[: len(told)]


def main() -> None:
    """Start the tenants, ask, crash one, ask on, and print what came of it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    task = json.loads(sys.stdin.readline())
    lines = [Line() for _ in range(task["tenants"])]
    pids = LEVELS[task["level"]](lines)
    for line in lines:
        line.close_theirs()
    client = Client(lines)
    try:
        client.await_ready()
        moments = [
            (moment + number * task["gap_ms"] // len(lines), number)
            for moment in range(0, task["end_ms"], task["gap_ms"])
            for number in range(len(lines))
        ]
        crash = (task["start_ms"], task["crashed"])
        client.run(moments, crash, task["end_ms"] + task["deadline_ms"])
    finally:
        for line in lines:
            os.close(line.ours_out)
        for pid in pids:
            os.waitpid(pid, 0)
    print(json.dumps(client.requests))


if __name__ == "__main__":
    if sys.argv[1:] == ["tenant"]:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answer_all(0, 1)
    else:
        main()
