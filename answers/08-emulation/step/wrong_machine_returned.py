# expected: 0/6
# hint: it should return None
# misconception: a function hands back what it has changed
def step(cpu):
    memory, v = cpu["memory"], cpu["v"]
    opcode = memory[cpu["pc"]] << 8 | memory[cpu["pc"] + 1]
    first, last = opcode >> 12, opcode & 0xF
    x, y = opcode >> 8 & 0xF, opcode >> 4 & 0xF
    kk, nnn = opcode & 0xFF, opcode & 0xFFF
    vx, vy, i = v[x], v[y], cpu["i"]
    cpu["pc"] += 2
    if opcode == 0x00E0:
        cpu["screen"] = [[0] * 64 for _ in range(32)]
    elif opcode == 0x00EE:
        cpu["pc"] = cpu["stack"].pop()
    elif first == 1:
        cpu["pc"] = nnn
    elif first == 2:
        cpu["stack"].append(cpu["pc"])
        cpu["pc"] = nnn
    elif first in (3, 4, 5, 9):
        skip = {3: vx == kk, 4: vx != kk, 5: vx == vy, 9: vx != vy}[first]
        if skip:
            cpu["pc"] += 2
    elif first == 6:
        v[x] = kk
    elif first == 7:
        v[x] = (vx + kk) % 256
    elif first == 8 and last == 0:
        v[x] = vy
    elif first == 8:
        result, flag = {
            1: (vx | vy, 0),
            2: (vx & vy, 0),
            3: (vx ^ vy, 0),
            4: (vx + vy, vx + vy > 255),
            5: (vx - vy, vx >= vy),
            6: (vy >> 1, vy & 1),
            7: (vy - vx, vy >= vx),
            14: (vy << 1, vy >> 7),
        }[last]
        v[x] = result % 256
        v[15] = int(flag)
    elif first == 0xA:
        cpu["i"] = nnn
    elif first == 0xB:
        cpu["pc"] = nnn + v[0]
    elif first == 0xD:
        v[15] = draw(cpu["screen"], vx % 64, vy % 32, memory[i : i + last])
    elif kk == 0x1E:
        cpu["i"] = (i + vx) % 65536
    elif kk == 0x33:
        memory[i : i + 3] = bytes([vx // 100, vx // 10 % 10, vx % 10])
    elif kk == 0x55:
        memory[i : i + x + 1] = bytes(v[: x + 1])
        cpu["i"] = i + x + 1
    else:
        v[: x + 1] = memory[i : i + x + 1]
        cpu["i"] = i + x + 1
    return cpu


def draw(screen, left, top, sprite):
    went_dark = 0
    for row, byte in enumerate(sprite, top):
        for bit in range(8):
            column = left + bit
            if byte >> (7 - bit) & 1 and row < 32 and column < 64:
                went_dark |= screen[row][column]
                screen[row][column] ^= 1
    return went_dark
