"""VXLAN: whole Ethernet frames carried in UDP, so that many networks share one (RFC 7348, 2014).

The 24-bit network identifier (VNI) says which network a frame belongs to. Nothing proves it: who
can send UDP to a tunnel end point can send into any of its networks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from virtlab.machines.network.packets import (
    ETHERNET_HEADER,
    IPV4_HEADER,
    IPV4_TYPE,
    UDP,
    UDP_HEADER,
    UDP_PROTOCOL,
    Ethernet,
    IPv4,
    PacketError,
    is_group,
)

PORT = 4789
VXLAN_HEADER = 8
OVERHEAD = ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER + VXLAN_HEADER  # 50 bytes a frame
_HAS_VNI = 0x08


@dataclass(frozen=True)
class Tunnel:
    """The two ends of a tunnel, as the carrying network sees them."""

    source_mac: str
    destination_mac: str
    source: str
    destination: str


def inner_mtu(outer_mtu: int) -> int:
    """Return the largest packet of a tenant that fits: the carrier's MTU less what is added.

    Both are bytes above the Ethernet header. The inner Ethernet header travels in the packet, the
    outer one does not count, so the difference is 50 bytes.
    """
    return outer_mtu - (ETHERNET_HEADER + VXLAN_HEADER + UDP_HEADER + IPV4_HEADER)


def encapsulate(frame: bytes, vni: int, tunnel: Tunnel, outer_mtu: int = 1500) -> bytes:
    """Wrap a tenant's frame into a frame for the carrying network.

    The UDP source port is a digest of the frame's addresses, so that the carrier can spread flows
    over its links without reordering any.

    Raises:
        PacketError: if the VNI has more than 24 bits, the frame is no frame, or the packet would
            be larger than the carrier's MTU: an end point must not fragment.
    """
    if not 0 <= vni < 1 << 24:
        raise PacketError(f"a VNI is from 0 to {(1 << 24) - 1}, not {vni}")
    Ethernet.parse(frame)
    if len(frame) - ETHERNET_HEADER > inner_mtu(outer_mtu):
        raise PacketError(
            f"the frame's {len(frame) - ETHERNET_HEADER} bytes of payload are more than the "
            f"{inner_mtu(outer_mtu)} that an MTU of {outer_mtu} leaves"
        )
    source_port = 0xC000 | zlib.crc32(frame[:ETHERNET_HEADER]) & 0x3FFF
    header = struct.pack("!BBHI", _HAS_VNI, 0, 0, vni << 8)
    datagram = UDP(source_port, PORT, header + frame).build(tunnel.source, tunnel.destination)
    packet = IPv4(tunnel.source, tunnel.destination, UDP_PROTOCOL, datagram).build()
    return Ethernet(tunnel.destination_mac, tunnel.source_mac, IPV4_TYPE, packet).build()


def decapsulate(data: bytes) -> tuple[int, bytes]:
    """Return (VNI, inner frame) of a frame from the carrying network.

    Raises:
        PacketError: if it is no VXLAN frame.
    """
    outer = Ethernet.parse(data)
    if outer.ethertype != IPV4_TYPE:
        raise PacketError("the frame carries no IPv4 packet")
    packet = IPv4.parse(outer.payload)
    if packet.protocol != UDP_PROTOCOL:
        raise PacketError("the packet carries no UDP datagram")
    datagram = UDP.parse(packet.payload, packet.source, packet.destination)
    if datagram.destination_port != PORT or len(datagram.payload) < VXLAN_HEADER:
        raise PacketError("the datagram carries no VXLAN header")
    flags, _, _, vni = struct.unpack_from("!BBHI", datagram.payload)
    if not flags & _HAS_VNI:
        raise PacketError("the VXLAN header has no VNI")
    inner = datagram.payload[VXLAN_HEADER:]
    Ethernet.parse(inner)
    return vni >> 8, inner


class TunnelEndPoint:
    """Knows behind which other end point each address of each virtual network lies.

    Attributes:
        peers: for each VNI the end points that take part in it.
    """

    def __init__(self, peers: dict[int, list[str]]) -> None:
        self.peers = peers
        self._where: dict[tuple[int, str], str] = {}

    def learn(self, vni: int, mac: str, peer: str) -> None:
        """Remember that a frame of this network with this source came from a peer."""
        if not is_group(mac):
            self._where[vni, mac.lower()] = peer

    def targets(self, vni: int, mac: str) -> Iterable[str]:
        """Return the peers that a frame must be sent to: the one, or all if that is not known."""
        known = self._where.get((vni, mac.lower()))
        return [known] if known else list(self.peers.get(vni, ()))
