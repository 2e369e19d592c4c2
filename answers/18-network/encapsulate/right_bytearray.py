# expected: 4/4
# method: a header that is filled in byte by byte
def encapsulate(frame, vni, mtu=1500, ip=4):
    room = mtu - (50 if ip == 4 else 70)
    is_number = vni >= 0 and vni.bit_length() <= 24
    if not is_number or len(frame) not in range(14, room + 15):
        raise ValueError("cannot be wrapped")
    header = bytearray(8)
    header[0] = 8
    for place in (6, 5, 4):
        vni, header[place] = divmod(vni, 256)
    return bytes(header) + frame, room
