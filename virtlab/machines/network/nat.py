"""Network address and port translation: many private hosts behind one public address.

In RFC 4787's words: endpoint-independent mapping (one public port for an inside address and port,
whomever it talks to), address- and port-dependent filtering (only those it wrote to may answer).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Flow(NamedTuple):
    """What a packet's headers say; protocol is "udp" or "tcp"."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int


class NatFullError(Exception):
    """Every public port is taken."""


@dataclass
class _Mapping:
    inside: str
    inside_port: int
    used: float
    is_static: bool = False
    remotes: set[tuple[str, int]] = field(default_factory=set)


class Nat:
    """A NAT.

    Attributes:
        public: its public address.
        timeout: seconds after which a mapping that no inside packet used is gone.
    """

    def __init__(
        self, public: str, ports: Iterable[int] = range(1024, 65536), timeout: float = 300.0
    ) -> None:
        self.public = public
        self.timeout = timeout
        self._ports = sorted(set(ports))
        self._by_port: dict[tuple[str, int], _Mapping] = {}
        self._by_inside: dict[tuple[str, str, int], int] = {}

    def outbound(self, flow: Flow, now: float = 0.0) -> Flow:
        """Translate a packet that leaves.

        The public port is the mapping's; a new mapping takes the inside port itself if it is
        free, else the lowest free one.

        Raises:
            NatFullError: if a new mapping is needed and no port is free.
        """
        self._expire(now)
        inside = flow.protocol, flow.source, flow.source_port
        if inside not in self._by_inside:
            port = self._free_port(flow.protocol, flow.source_port)
            self._add(flow.protocol, port, _Mapping(flow.source, flow.source_port, now))
        port = self._by_inside[inside]
        mapping = self._by_port[flow.protocol, port]
        mapping.used = now
        mapping.remotes.add((flow.destination, flow.destination_port))
        return flow._replace(source=self.public, source_port=port)

    def inbound(self, flow: Flow, now: float = 0.0) -> Flow | None:
        """Translate a packet that arrives at the public address; None if it is dropped."""
        self._expire(now)
        mapping = self._by_port.get((flow.protocol, flow.destination_port))
        if mapping is None or flow.destination != self.public:
            return None
        if not mapping.is_static and (flow.source, flow.source_port) not in mapping.remotes:
            return None
        return flow._replace(destination=mapping.inside, destination_port=mapping.inside_port)

    def forward(self, protocol: str, port: int, inside: str, inside_port: int) -> None:
        """Open a public port to an inside host for everyone, for good.

        Raises:
            ValueError: if the port is taken, or the inside address and port have one already.
        """
        if (protocol, port) in self._by_port or (protocol, inside, inside_port) in self._by_inside:
            raise ValueError(f"{protocol} port {port}, or its inside end, is mapped already")
        self._add(protocol, port, _Mapping(inside, inside_port, 0.0, is_static=True))

    def __len__(self) -> int:
        """Return the number of mappings."""
        return len(self._by_port)

    def _add(self, protocol: str, port: int, mapping: _Mapping) -> None:
        self._by_port[protocol, port] = mapping
        self._by_inside[protocol, mapping.inside, mapping.inside_port] = port

    def _free_port(self, protocol: str, wished: int) -> int:
        if wished in self._ports and (protocol, wished) not in self._by_port:
            return wished
        for port in self._ports:
            if (protocol, port) not in self._by_port:
                return port
        raise NatFullError(f"all {len(self._ports)} {protocol} ports of {self.public} are taken")

    def _expire(self, now: float) -> None:
        for (protocol, port), mapping in list(self._by_port.items()):
            if not mapping.is_static and now - mapping.used > self.timeout:
                del self._by_port[protocol, port]
                del self._by_inside[protocol, mapping.inside, mapping.inside_port]
