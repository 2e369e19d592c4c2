# expected: 1/4
# hint: Every VNI from 0
# misconception: a VNI is a VLAN number, or a 16-bit one
import struct

OUTER = {4: 20, 6: 40}


def encapsulate(frame, vni, mtu=1500, ip=4):
    if not 0 <= vni < 1 << 16:
        raise ValueError("a VNI has 24 bits")
    packet = len(frame) - 14
    room = mtu - (OUTER[ip] + 30)
    if packet < 0:
        raise ValueError("no frame")
    if packet > room:
        raise ValueError("too large")
    return struct.pack("!II", 0x08 << 24, vni << 8) + frame, room
