"""Ethernet, IPv4 and UDP headers: building them and taking them apart.

Addresses are text, as people write them ("02:00:00:00:00:01", "10.0.0.1"). Frames have no frame
check sequence, packets no options and no fragments. After RFC 791 (IPv4) and RFC 768 (UDP).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

ETHERNET_HEADER, IPV4_HEADER, UDP_HEADER = 14, 20, 8
IPV4_TYPE, UDP_PROTOCOL = 0x0800, 17
BROADCAST = "ff:ff:ff:ff:ff:ff"


class PacketError(ValueError):
    """Bytes that are no such packet, or values that no header can hold."""


@dataclass(frozen=True)
class Ethernet:
    """An Ethernet frame."""

    destination: str
    source: str
    ethertype: int
    payload: bytes

    def build(self) -> bytes:
        """Return the frame's bytes."""
        addresses = mac_bytes(self.destination) + mac_bytes(self.source)
        return addresses + _pack("!H", self.ethertype) + self.payload

    @classmethod
    def parse(cls, data: bytes) -> Ethernet:
        """Take a frame apart; PacketError if it is too short."""
        _at_least(data, ETHERNET_HEADER, "an Ethernet frame")
        (ethertype,) = struct.unpack_from("!H", data, 12)
        return cls(mac_text(data[:6]), mac_text(data[6:12]), ethertype, data[ETHERNET_HEADER:])


@dataclass(frozen=True)
class IPv4:
    """An IPv4 packet, never fragmented."""

    source: str
    destination: str
    protocol: int
    payload: bytes
    ttl: int = 64

    def build(self) -> bytes:
        """Return the packet's bytes, with its header checksum."""
        length = IPV4_HEADER + len(self.payload)
        dont_fragment = 0x4000
        fields = _pack("!BBHHHBBH", 0x45, 0, length, 0, dont_fragment, self.ttl, self.protocol, 0)
        header = fields + ip_bytes(self.source) + ip_bytes(self.destination)
        return header[:10] + _pack("!H", checksum(header)) + header[12:] + self.payload

    @classmethod
    def parse(cls, data: bytes) -> IPv4:
        """Take a packet apart; bytes behind its stated length (padding) are dropped.

        Raises:
            PacketError: if it is too short, has options, is a fragment or its checksum is wrong.
        """
        _at_least(data, IPV4_HEADER, "an IPv4 packet")
        version, _, length, _, fragment, ttl, protocol, _ = struct.unpack_from("!BBHHHBBH", data)
        if version != 0x45:
            raise PacketError("not an IPv4 packet without options")
        if fragment & 0x3FFF:
            raise PacketError("a fragment of an IPv4 packet")
        if checksum(data[:IPV4_HEADER]):
            raise PacketError("the IPv4 header's checksum is wrong")
        if not IPV4_HEADER <= length <= len(data):
            raise PacketError(f"the IPv4 packet says {length} bytes, {len(data)} are there")
        source, destination = ip_text(data[12:16]), ip_text(data[16:20])
        return cls(source, destination, protocol, data[IPV4_HEADER:length], ttl)


@dataclass(frozen=True)
class UDP:
    """A UDP datagram. Its checksum covers the addresses too, so both ways need them."""

    source_port: int
    destination_port: int
    payload: bytes

    def build(self, source: str, destination: str) -> bytes:
        """Return the datagram's bytes, to be sent between two IPv4 addresses."""
        length = UDP_HEADER + len(self.payload)
        header = _pack("!HHHH", self.source_port, self.destination_port, length, 0)
        found = checksum(_pseudo_header(source, destination, length) + header + self.payload)
        return header[:6] + _pack("!H", found or 0xFFFF) + self.payload  # 0 would mean: none

    @classmethod
    def parse(cls, data: bytes, source: str, destination: str) -> UDP:
        """Take a datagram apart.

        Raises:
            PacketError: if it is too short or its checksum is wrong. A checksum of 0 is none.
        """
        _at_least(data, UDP_HEADER, "a UDP datagram")
        source_port, destination_port, length, found = struct.unpack_from("!HHHH", data)
        if not UDP_HEADER <= length <= len(data):
            raise PacketError(f"the UDP datagram says {length} bytes, {len(data)} are there")
        if found and checksum(_pseudo_header(source, destination, length) + data[:length]):
            raise PacketError("the UDP checksum is wrong")
        return cls(source_port, destination_port, data[UDP_HEADER:length])


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071); over data that holds its own, 0 means right."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def mac_bytes(text: str) -> bytes:
    """Return the six bytes of a MAC address."""
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text):
        raise PacketError(f"'{text}' is not a MAC address such as 02:00:00:00:00:01")
    return bytes.fromhex(text.replace(":", ""))


def mac_text(address: bytes) -> str:
    """Return a MAC address as text."""
    return address.hex(":")


def is_group(mac: str) -> bool:
    """True for a multicast or broadcast address."""
    return bool(mac_bytes(mac)[0] & 1)


def ip_bytes(text: str) -> bytes:
    """Return the four bytes of an IPv4 address."""
    parts = text.split(".")
    if len(parts) != 4 or not all(re.fullmatch(r"\d{1,3}", p) and int(p) < 256 for p in parts):
        raise PacketError(f"'{text}' is not an IPv4 address such as 10.0.0.1")
    return bytes(int(part) for part in parts)


def ip_text(address: bytes) -> str:
    """Return an IPv4 address as text."""
    return ".".join(str(byte) for byte in address)


def _pseudo_header(source: str, destination: str, length: int) -> bytes:
    return ip_bytes(source) + ip_bytes(destination) + _pack("!BBH", 0, UDP_PROTOCOL, length)


def _pack(layout: str, *values: int) -> bytes:
    try:
        return struct.pack(layout, *values)
    except struct.error as error:
        raise PacketError(f"a header field is out of range: {error}") from None


def _at_least(data: bytes, length: int, what: str) -> None:
    if len(data) < length:
        raise PacketError(f"{what} has {length} bytes at least, not {len(data)}")
