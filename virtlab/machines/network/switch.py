"""A learning switch (a transparent bridge, as in IEEE 802.1D): it learns from source addresses."""

from __future__ import annotations

from collections.abc import Iterable

from virtlab.machines.network.packets import is_group


class LearningSwitch:
    """A switch.

    Attributes:
        ports: numbers of its ports.
        ageing: seconds after which an address that was not heard from is forgotten.
        flooded: frames sent to all ports because their destination was not known.
    """

    def __init__(self, ports: Iterable[int], ageing: float = 300.0) -> None:
        self.ports = sorted(set(ports))
        self.ageing = ageing
        self.flooded = 0
        self._heard: dict[str, tuple[int, float]] = {}

    def receive(self, source: str, destination: str, port: int, now: float = 0.0) -> list[int]:
        """Take in a frame and return the ports to send it out by, ascending.

        The source is learned (and moves, if it was elsewhere), unless it is a group address. A
        frame never goes back to the port it came from: if its destination lies there, it goes
        nowhere. Group addresses and unknown destinations go to all other ports.

        Args:
            source: MAC address; upper and lower case are the same.
            destination: MAC address.
            port: where the frame came in.
            now: seconds, of one clock that never goes back.

        Raises:
            ValueError: for an unknown port or a malformed address.
        """
        if port not in self.ports:
            raise ValueError(f"this switch has no port {port}")
        is_for_group = is_group(destination)
        if not is_group(source):
            self._heard[source.lower()] = port, now
        known = None if is_for_group else self.port_of(destination, now)
        if known is not None:
            return [] if known == port else [known]
        self.flooded += not is_for_group
        return [other for other in self.ports if other != port]

    def port_of(self, mac: str, now: float = 0.0) -> int | None:
        """Return the port behind which an address was last heard, None if that is too long ago."""
        port, heard = self._heard.get(mac.lower(), (None, now))
        return port if now - heard <= self.ageing else None
