# expected: 0/4
# hint: the most significant first
# misconception: the number is written the way the CPU keeps it
import struct

OUTER = {4: 20, 6: 40}


def encapsulate(frame, vni, mtu=1500, ip=4):
    if not 0 <= vni < 1 << 24:
        raise ValueError("a VNI has 24 bits")
    packet = len(frame) - 14
    room = mtu - (OUTER[ip] + 30)
    if packet < 0:
        raise ValueError("no frame")
    if packet > room:
        raise ValueError("too large")
    return b"\x08\0\0\0" + vni.to_bytes(3, "little") + b"\0" + frame, room
