"""Virtual networks made of the kernel's own devices: cables, switches, tunnels, routers, shapers.

Everything hangs on a `Place`, a network namespace. A process that makes places first gives itself
one (`walls.put_up(["net"])`), so that nothing ever lies in the network of its user: when the
process ends, however it ends, the kernel removes all that it made.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from pyroute2 import IPRoute

from virtlab import syscalls

VXLAN_PORT = 4789
BROADCAST = "ff:ff:ff:ff:ff:ff"
EVERY_TYPE = 0x0003  # ETH_P_ALL: a packet socket then gets every frame
_SIOCETHTOOL = 0x8946
_SEGMENTATION = (0x1F, 0x24, 0x2C)  # ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO
_CHECKSUMS = (0x17,)  # ETHTOOL_STXCSUM
_THIS = "/proc/thread-self/ns/net"


class Place:
    """A network of its own: a machine, a tenant or a switch. Cards, addresses, routes, sockets.

    Attributes:
        name: for people.
        handle: the namespace's file descriptor.
        made: all places, in the order in which they were made.
    """

    made: ClassVar[list[Place]] = []

    def __init__(self, name: str) -> None:
        self.name = name
        before = os.open(_THIS, os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.unshare(syscalls.CLONE_NEWNET)
            self.handle = os.open(_THIS, os.O_RDONLY | os.O_CLOEXEC)
            self._kernel = IPRoute()
        finally:
            syscalls.setns(before, syscalls.CLONE_NEWNET)
            os.close(before)
        self.set("ipv6/conf/all/disable_ipv6", 1)  # no chatter on the wires
        self.set("ipv6/conf/default/disable_ipv6", 1)
        self.up("lo")
        Place.made.append(self)

    def close(self) -> None:
        """Let go of it; it ends when nobody else holds it."""
        self._kernel.close()
        os.close(self.handle)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move this thread here, and back."""
        before = os.open(_THIS, os.O_RDONLY | os.O_CLOEXEC)
        syscalls.setns(self.handle, syscalls.CLONE_NEWNET)
        try:
            yield
        finally:
            syscalls.setns(before, syscalls.CLONE_NEWNET)
            os.close(before)

    def set(self, name: str, value: int) -> None:
        """Write one of the kernel's settings of this network, as `ipv4/ip_forward`."""
        path = Path("/proc/sys/net") / name
        with self.inside():
            if path.exists():
                path.write_text(str(value))

    # --- cards ------------------------------------------------------------------------------------

    def index(self, card: str) -> int:
        """The number of a card."""
        return int(self._kernel.link_lookup(ifname=card)[0])

    def add(self, card: str, kind: str, **settings: Any) -> None:
        """Make a card of a kind that the kernel knows, and switch it on."""
        self._kernel.link("add", ifname=card, kind=kind, **settings)
        self.up(card)

    def remove(self, card: str) -> None:
        """Remove a card."""
        self._kernel.link("del", index=self.index(card))

    def set_ageing(self, bridge: str, seconds: float) -> None:
        """Say after how long a bridge forgets an address."""
        hundredths = round(100 * seconds)
        self._kernel.link("set", index=self.index(bridge), kind="bridge", br_ageing_time=hundredths)

    def up(self, card: str) -> None:
        """Switch a card on."""
        self._kernel.link("set", index=self.index(card), state="up")

    def plug(self, card: str, bridge: str) -> None:
        """Make a card a port of a bridge."""
        self._kernel.link("set", index=self.index(card), master=self.index(bridge))

    def set_mtu(self, card: str, mtu: int) -> None:
        """Say how many bytes a packet of this card may have."""
        self._kernel.link("set", index=self.index(card), mtu=mtu)

    def mac(self, card: str) -> str:
        """The card's MAC address."""
        return str(self._link(card).get("address"))

    def received(self, card: str) -> tuple[int, int]:
        """How many packets and bytes a card has received."""
        counts = self._link(card).get("stats64")
        return int(counts["rx_packets"]), int(counts["rx_bytes"])

    def cards(self) -> list[str]:
        """The names of all cards but the loopback's."""
        names = [str(link.get("ifname")) for link in self._kernel.get_links()]
        return [name for name in names if name != "lo"]

    def switch_offloads(self, on: bool) -> None:
        """Let the cards carry packets larger than the MTU among themselves, or not."""
        for card in self.cards():
            self._order(card, _SEGMENTATION, on)

    def set_checksums(self, card: str, offloaded: bool) -> None:
        """Leave checksums to the card (a virtual one never computes them), or compute them."""
        self._order(card, _CHECKSUMS, offloaded)

    def _order(self, card: str, commands: tuple[int, ...], on: bool) -> None:
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for command in commands:
                order = ctypes.create_string_buffer(struct.pack("=II", command, int(on)))
                request = struct.pack("16sP16x", card.encode(), ctypes.addressof(order))
                fcntl.ioctl(control, _SIOCETHTOOL, request)

    def _link(self, card: str) -> Any:
        return self._kernel.get_links(self.index(card))[0]

    # --- addresses and ways -----------------------------------------------------------------------

    def address(self, card: str, address: str, bits: int = 24) -> None:
        """Give a card an address."""
        self._kernel.addr("add", index=self.index(card), address=address, prefixlen=bits)

    def route(self, by: str, to: str = "0.0.0.0/0") -> None:
        """Send what goes to a network, or all that has no better way, by a router."""
        self._kernel.route("add", dst=to, gateway=by)

    def forward(self) -> None:
        """Become a router: pass on packets that are for others."""
        self.set("ipv4/ip_forward", 1)

    def tunnel(self, card: str, vni: int, own: str, peers: list[str]) -> None:
        """Make a VXLAN card: what is sent into it goes to peers in UDP, marked with its number."""
        self.add(
            card,
            "vxlan",
            vxlan_id=vni,
            vxlan_port=VXLAN_PORT,
            vxlan_local=own,
            vxlan_learning=True,
        )
        for peer in peers:  # where what nobody knows yet is sent
            self._kernel.fdb(
                "append", ifindex=self.index(card), lladdr="00:00:00:00:00:00", dst=peer
            )

    # --- shaping ----------------------------------------------------------------------------------

    def limit(self, card: str, mbit_per_s: float, burst: int = 20_000) -> None:
        """Send no faster than this (a token bucket, TBF)."""
        self._kernel.tc(
            "add",
            "tbf",
            self.index(card),
            handle=0x10000,
            rate=int(mbit_per_s * 125_000),
            burst=burst,
            latency="50ms",
        )

    def share(self, card: str, mbit_per_s: float, parts: dict[int, float]) -> None:
        """Divide a card's rate among virtual networks (HTB); what one leaves, others may use.

        Tenants may have equal addresses, so what tells them apart is the VXLAN header's number:
        four bytes, 32 behind the beginning of the outer IPv4 header.

        Args:
            card: of the carrier.
            mbit_per_s: of all together.
            parts: the number of a network (VNI) → its own rate, in the same unit.
        """
        index, whole = self.index(card), int(mbit_per_s * 125_000)
        self._kernel.tc("add", "htb", index, handle=0x10000, default=0xFF)
        settings = {"burst": 20_000, "cburst": 20_000, "quantum": 1500}
        self._kernel.tc(
            "add-class", "htb", index, handle=0x10001, parent=0x10000, rate=whole, ceil=whole,
            **settings,
        )  # fmt: skip
        for place, (vni, rate) in enumerate(parts.items()):
            own = 0x10010 + place
            self._kernel.tc(
                "add-class", "htb", index, handle=own, parent=0x10001,
                rate=int(rate * 125_000), ceil=whole, **settings,
            )  # fmt: skip
            self._kernel.tc(
                "add-filter", "u32", index, parent=0x10000, prio=10, protocol=0x0800, target=own,
                keys=[f"{vni << 8:#x}/0xffffff00+32"],
            )  # fmt: skip

    # --- sockets ----------------------------------------------------------------------------------

    def udp(self, port: int = 0) -> socket.socket:
        """A UDP socket of this place."""
        with self.inside():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        made.bind(("", port))
        return made

    def tcp(self) -> socket.socket:
        """A TCP socket of this place."""
        with self.inside():
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def tap(self, card: str) -> socket.socket:
        """A packet socket: it reads and writes whole frames at a card."""
        with self.inside():
            made = socket.socket(
                socket.AF_PACKET,
                socket.SOCK_RAW | socket.SOCK_NONBLOCK,
                socket.htons(EVERY_TYPE),
            )
            made.bind((card, EVERY_TYPE))
        return made

    # --- rules ------------------------------------------------------------------------------------

    def masquerade(self, card: str) -> None:
        """Write this place's own address into all that leaves by a card (NAT)."""
        from pyroute2.nftables.expressions import genex, masq

        output_card, register, equal = 7, 1, 0  # NFT_META_OIFNAME, NFT_REG_1, NFT_CMP_EQ
        name = {"attrs": [("NFTA_DATA_VALUE", card.encode().ljust(16, b"\0"))]}
        only_there = [
            genex("meta", {"key": output_card, "dreg": register}),
            genex("cmp", {"sreg": register, "op": equal, "data": name}),
        ]
        self._rule("nat", "nat", "postrouting", 100, [(*only_there,), masq()])

    def accept_tunnels_only_from(self, peer: str) -> None:
        """Drop VXLAN packets whose outer sender is another than this."""
        from pyroute2.netlink.nfnetlink.nftsocket import Cmp
        from pyroute2.nftables.expressions import genex, ipv4addr, verdict

        transport, register, equal, drop = 2, 1, 0, 0  # NFT_PAYLOAD_TRANSPORT_HEADER, …
        port = {"attrs": [("NFTA_DATA_VALUE", struct.pack("!H", VXLAN_PORT))]}
        is_tunnel = [
            genex("payload", {"dreg": register, "base": transport, "offset": 2, "len": 2}),
            genex("cmp", {"sreg": register, "op": equal, "data": port}),
        ]
        others = ipv4addr(src=peer, op=Cmp.NFT_CMP_NEQ)
        self._rule("guard", "filter", "input", 0, [(*is_tunnel,), others, verdict(code=drop)])

    def _rule(self, table: str, kind: str, hook: str, priority: int, words: list[Any]) -> None:
        from pyroute2.nftables.main import NFTables

        with self.inside():
            rules = NFTables(nfgen_family=socket.AF_INET)
            try:
                rules.table("add", name=table)
                rules.chain(
                    "add",
                    table=table,
                    name="chain",
                    hook=hook,
                    type=kind,
                    priority=priority,
                    policy=1,
                )
                rules.rule("add", table=table, chain="chain", expressions=tuple(words))
            finally:
                rules.close()


def cable(one: Place, card: str, other: Place, its_card: str) -> None:
    """Put a cable between two places: a veth pair, one end in each."""
    one._kernel.link(
        "add",
        ifname=card,
        kind="veth",
        peer={"ifname": its_card, "net_ns_fd": other.handle},
    )
    one.up(card)
    other.up(its_card)
