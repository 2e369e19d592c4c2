# expected: 6/6
# method: a table of small functions by first digit
def step(cpu):
    high, low = cpu["memory"][cpu["pc"] : cpu["pc"] + 2]
    cpu["pc"] += 2
    HANDLERS[high >> 4](cpu, high & 15, low >> 4, low & 15, low, (high & 15) << 8 | low)


def zero(cpu, x, y, n, kk, nnn):
    if nnn == 0x0EE:
        cpu["pc"] = cpu["stack"].pop()
    else:
        cpu["screen"][:] = [[0] * 64 for _ in range(32)]


def jump(cpu, x, y, n, kk, nnn):
    cpu["pc"] = nnn


def call(cpu, x, y, n, kk, nnn):
    cpu["stack"].append(cpu["pc"])
    cpu["pc"] = nnn


def skip_if(condition):
    def handler(cpu, x, y, n, kk, nnn):
        if condition(cpu["v"][x], cpu["v"][y], kk):
            cpu["pc"] += 2

    return handler


def load(cpu, x, y, n, kk, nnn):
    cpu["v"][x] = kk


def add(cpu, x, y, n, kk, nnn):
    cpu["v"][x] = (cpu["v"][x] + kk) % 256


def arithmetic(cpu, x, y, n, kk, nnn):
    a, b = cpu["v"][x], cpu["v"][y]
    results = [b, a | b, a & b, a ^ b, a + b, a - b, b >> 1, b - a]
    cpu["v"][x] = (results[n] if n < 8 else b << 1) % 256
    if n:
        flags = [0, 0, 0, 0, a + b > 255, a >= b, b & 1, b >= a]
        cpu["v"][15] = int(flags[n] if n < 8 else b > 127)


def load_i(cpu, x, y, n, kk, nnn):
    cpu["i"] = nnn


def jump_v0(cpu, x, y, n, kk, nnn):
    cpu["pc"] = nnn + cpu["v"][0]


def sprite(cpu, x, y, n, kk, nnn):
    left, top = cpu["v"][x] % 64, cpu["v"][y] % 32
    flag = 0
    for row in range(min(n, 32 - top)):
        bits = f"{cpu['memory'][cpu['i'] + row]:08b}"[: 64 - left]
        line = cpu["screen"][top + row]
        for place, bit in enumerate(bits, left):
            if bit == "1":
                flag |= line[place]
                line[place] ^= 1
    cpu["v"][15] = flag


def memory(cpu, x, y, n, kk, nnn):
    i, v = cpu["i"], cpu["v"]
    if kk == 0x1E:
        cpu["i"] = (i + v[x]) & 0xFFFF
    elif kk == 0x33:
        cpu["memory"][i : i + 3] = [v[x] // 100, v[x] % 100 // 10, v[x] % 10]
    else:
        if kk == 0x55:
            cpu["memory"][i : i + x + 1] = v[: x + 1]
        else:
            v[: x + 1] = cpu["memory"][i : i + x + 1]
        cpu["i"] += x + 1


HANDLERS = {
    0: zero,
    1: jump,
    2: call,
    3: skip_if(lambda a, b, kk: a == kk),
    4: skip_if(lambda a, b, kk: a != kk),
    5: skip_if(lambda a, b, kk: a == b),
    9: skip_if(lambda a, b, kk: a != b),
    6: load,
    7: add,
    8: arithmetic,
    10: load_i,
    11: jump_v0,
    13: sprite,
    15: memory,
}
