"""Application servers behind a balancer on loopback, and the load that they get. All real.

Everything is a context manager and gone after it. Who is killed with us ends by itself: the
programs end when their input closes, and all of them carry their owner's mark.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from virtlab import leftovers
from virtlab.experiments.running import end, kill, line_of, program, start, tell
from virtlab.host import find_tool
from virtlab.interrupts import uninterrupted
from virtlab.resources.cgroups import Group
from virtlab.runtimes import RuntimeFailed

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h")
_PATIENCE_S = 10.0
_LEAD_S = 0.03  # from an order to the load generator to its first request


class Reply(NamedTuple):
    """What became of one request; times in µs from the start of the load.

    Attributes:
        at: when it should have been sent.
        sent: when it was sent.
        done: when the answer was complete, or was given up.
        status: of HTTP; 0 if there was no answer.
        name: the instance that answered, "" if none did.
    """

    at: int
    sent: int
    done: int
    status: int
    name: str

    @property
    def ok(self) -> bool:
        """Whether it was answered as asked."""
        return self.status == 200

    @property
    def latency_ms(self) -> float:
        """From the moment it should have been sent."""
        return (self.done - self.at) / 1e3

    @property
    def service_ms(self) -> float:
        """From the moment it was sent: all that a closed loop sees."""
        return (self.done - self.sent) / 1e3


class Instances:
    """Instances of an application server, each a process. A context manager: gone after it.

    Args:
        names: of the instances.
        together: all of them in one process, a thread each.
    """

    def __init__(self, names: Iterable[str], together: bool = False) -> None:
        self.names = tuple(names)
        self._together = together
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Instances:
        try:
            groups = [self.names] if self._together else [(name,) for name in self.names]
            for group in groups:
                self._launch(group)
            for group in groups:
                self._await(group)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted():
            processes = set(self._processes.values())
            for process in processes:
                process.kill()
            for process in processes:
                end(process)

    def pid(self, name: str) -> int:
        """The process of an instance."""
        return self._processes[name].pid

    def lives(self, name: str) -> bool:
        """Whether its process is there."""
        return self._processes[name].poll() is None

    def kill(self, *names: str) -> None:
        """Kill instances, as a crash would, all at the same moment."""
        for name in names:
            self._processes[name].kill()
        for name in names:
            self._processes[name].wait()

    def restart(self, *names: str) -> None:
        """Start instances anew, at the ports that they had, and wait until they listen.

        Raises:
            RuntimeFailed: one of them did not come up.
        """
        for name in names:
            end(self._processes[name])
            self._launch((name,))
        for name in names:
            self._await((name,))

    @contextmanager
    def standing_still(self, name: str) -> Iterator[None]:
        """Stop an instance for the time of the block; it lives and listens, and does nothing."""
        os.kill(self.pid(name), signal.SIGSTOP)
        try:
            _await_stop(self.pid(name))
            yield
        finally:
            os.kill(self.pid(name), signal.SIGCONT)

    def put_into(self, group: Group, *names: str) -> None:
        """Put instances into a control group; what they hold already is charged elsewhere."""
        for name in names:
            group.add(self.pid(name))

    def _launch(self, names: Sequence[str]) -> None:
        task = {"names": names, "ports": [self.ports.get(name, 0) for name in names]}
        process = start(program("app_server.py", json.dumps(task)))
        self._processes |= dict.fromkeys(names, process)

    def _await(self, names: Sequence[str]) -> None:
        line = line_of(self._processes[names[0]])
        self.ports |= dict(zip(names, json.loads(line), strict=True))


def balancers() -> tuple[str, ...]:
    """The balancers of this host, the best first."""
    return ("haproxy", "our own") if find_tool("haproxy") else ("our own",)


@contextmanager
def balancer(
    instances: Mapping[str, int],
    *,
    policy: str = "roundrobin",
    most: int = 0,
    check_ms: int = 0,
    retries: int = 0,
    kind: str = "",
) -> Iterator[int]:
    """A balancer in front of instances; hands out its port on 127.0.0.1.

    Args:
        instances: name → port of each.
        policy: "roundrobin" or "leastconn", as HAProxy calls them.
        most: requests at once for each instance, the others wait in the balancer; 0 for no limit.
        check_ms: between two looks whether an instance listens; 0 for none.
        retries: how often a request that got no answer is sent to another instance.
        kind: one of `balancers()`; the first of them if empty.

    Raises:
        RuntimeFailed: it did not come up.
    """
    kind = kind or balancers()[0]
    with ExitStack() as stack:
        folder = stack.enter_context(leftovers.own_folder())
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = int(listener.getsockname()[1])
        if kind == "haproxy":
            settings = configuration(listener.fileno(), instances, policy, most, check_ms, retries)
            file = folder / "haproxy.cfg"
            file.write_text(settings)
            command = [str(find_tool("haproxy")), "-db", "-f", str(file)]
        else:
            task = {
                "listener": listener.fileno(),
                "ports": list(instances.values()),
                "policy": policy,
                "most": most,
                "check_ms": check_ms,
                "retries": retries,
            }
            command = program("balancer.py", json.dumps(task))
        process = start(command, pass_fds=[listener.fileno()])
        try:
            _await_answer(port, process)
            yield port
        finally:
            kill(process)


def configuration(
    listener: int,
    instances: Mapping[str, int],
    policy: str = "roundrobin",
    most: int = 0,
    check_ms: int = 0,
    retries: int = 0,
) -> str:
    """The configuration file of HAProxy for a balancer; the arguments are those of `balancer`."""
    check = f" check inter {check_ms}ms fall 1 rise 1" if check_ms else ""
    limit = f" maxconn {most}" if most else ""
    lines = [
        "global",
        "    maxconn 1000",
        "defaults",
        "    mode http",
        "    timeout connect 1s",
        "    timeout queue 5s",
        "    timeout client 5s",
        "    timeout server 5s",
        f"    retries {retries}",
        *(["    option redispatch 1", "    retry-on conn-failure empty-response"] * bool(retries)),
        "frontend front",
        f"    bind fd@{listener}",
        "    default_backend instances",
        "backend instances",
        f"    balance {policy}",
        *(f"    server {name} 127.0.0.1:{port}{limit}{check}" for name, port in instances.items()),
    ]
    return "\n".join(lines) + "\n"


class Load:
    """A load generator, a process of its own. A context manager: gone after it."""

    def __enter__(self) -> Load:
        self._process = start(program("load.py"))
        try:
            line_of(self._process)
        except BaseException:
            end(self._process)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        kill(self._process)

    def open_loop(
        self,
        requests: Sequence[tuple[int, str, float]],
        events: Sequence[tuple[float, Callable[[], object]]] = (),
    ) -> list[Reply]:
        """Send each request at its moment, whether or not the others are answered.

        Args:
            requests: port, path and moment of each, in seconds from the start, ascending.
            events: what to do meanwhile, each with its moment, ascending.
        """
        return self._give({"do": "open", "requests": requests}, events)

    def closed_loop(
        self,
        port: int,
        path: str,
        interval: float,
        seconds: float,
        events: Sequence[tuple[float, Callable[[], object]]] = (),
    ) -> list[Reply]:
        """Send a request each interval, but none before the last one is answered."""
        order = {"port": port, "path": path, "interval": interval, "seconds": seconds}
        return self._give({"do": "closed", **order}, events)

    def crowd(self, port: int, path: str, clients: int, seconds: float) -> list[Reply]:
        """Let so many clients ask without a pause, and return all replies."""
        order = {"do": "crowd", "port": port, "path": path, "clients": clients, "seconds": seconds}
        return self._give(order)

    def _give(
        self,
        order: Mapping[str, Any],
        events: Sequence[tuple[float, Callable[[], object]]] = (),
    ) -> list[Reply]:
        begin = time.monotonic() + _LEAD_S
        tell(self._process, json.dumps({**order, "start": begin}))
        for at, action in events:
            time.sleep(max(0.0, begin + at - time.monotonic()))
            action()
        return [Reply(*one) for one in json.loads(line_of(self._process))]


def _await_answer(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until a balancer has handed a request on and the answer back.

    Raises:
        RuntimeFailed: it died, or nothing came.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(1)
            connection.sendall(b"GET /who HTTP/1.0\r\nHost: here\r\n\r\n")
            if connection.recv(100).split(b" ")[1:2] == [b"200"]:
                return
        time.sleep(0.005)
    process.kill()
    assert process.stderr
    said = process.stderr.read().strip().splitlines() or ["it said nothing"]
    first = next((line for line in said if "ALERT" in line), said[-1])
    raise RuntimeFailed(f"the balancer did not come up: {first}")


def _await_stop(pid: int) -> None:
    """Wait until every thread of a process stands still: the signal only asks for it."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        stats = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats):
            return
        time.sleep(0.001)
