"""Virtual networks: headers, a learning switch, a VXLAN tunnel end point, a NAT."""

from virtlab.machines.network.nat import Flow, Nat, NatFullError
from virtlab.machines.network.packets import UDP, Ethernet, IPv4, PacketError
from virtlab.machines.network.switch import LearningSwitch
from virtlab.machines.network.vxlan import (
    OVERHEAD,
    Tunnel,
    TunnelEndPoint,
    decapsulate,
    encapsulate,
    inner_mtu,
)

__all__ = [
    "OVERHEAD",
    "UDP",
    "Ethernet",
    "Flow",
    "IPv4",
    "LearningSwitch",
    "Nat",
    "NatFullError",
    "PacketError",
    "Tunnel",
    "TunnelEndPoint",
    "decapsulate",
    "encapsulate",
    "inner_mtu",
]
