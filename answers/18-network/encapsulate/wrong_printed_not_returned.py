# expected: 0/4
# hint: I saw None; return a pair
# misconception: what is printed is returned
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
    print(struct.pack("!II", 0x08 << 24, vni << 8) + frame, room)
