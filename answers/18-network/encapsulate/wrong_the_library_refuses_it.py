# expected: 0/4
# hint: I saw error and no ValueError
# misconception: any exception is as good as a ValueError
import struct

OUTER = {4: 20, 6: 40}


def encapsulate(frame, vni, mtu=1500, ip=4):
    packet = len(frame) - 14
    room = mtu - (OUTER[ip] + 30)
    if packet < 0:
        raise ValueError("no frame")
    if packet > room:
        raise ValueError("too large")
    return struct.pack("!II", 0x08 << 24, vni << 8) + frame, room
