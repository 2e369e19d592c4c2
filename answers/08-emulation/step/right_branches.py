# expected: 6/6
# method: one branch an instruction, flags written by hand
def step(cpu):
    memory, v = cpu["memory"], cpu["v"]
    opcode = memory[cpu["pc"]] * 256 + memory[cpu["pc"] + 1]
    x, y, n = opcode // 256 % 16, opcode // 16 % 16, opcode % 16
    kk, nnn = opcode % 256, opcode % 4096
    following = cpu["pc"] + 2
    kind = f"{opcode:04X}"
    if kind == "00E0":
        for row in cpu["screen"]:
            row[:] = [0] * 64
    elif kind == "00EE":
        following = cpu["stack"].pop()
    elif kind[0] == "1":
        following = nnn
    elif kind[0] == "2":
        cpu["stack"].append(following)
        following = nnn
    elif kind[0] == "3":
        following += 2 * (v[x] == kk)
    elif kind[0] == "4":
        following += 2 * (v[x] != kk)
    elif kind[0] == "5":
        following += 2 * (v[x] == v[y])
    elif kind[0] == "9":
        following += 2 * (v[x] != v[y])
    elif kind[0] == "6":
        v[x] = kk
    elif kind[0] == "7":
        v[x] = v[x] + kk & 255
    elif kind[0] == "8" and n == 0:
        v[x] = v[y]
    elif kind[0] == "8" and n in (1, 2, 3):
        v[x] = v[x] | v[y] if n == 1 else v[x] & v[y] if n == 2 else v[x] ^ v[y]
        v[15] = 0
    elif kind[0] == "8" and n == 4:
        carry, v[x] = divmod(v[x] + v[y], 256)
        v[15] = carry
    elif kind[0] == "8" and n in (5, 7):
        a, b = (v[x], v[y]) if n == 5 else (v[y], v[x])
        v[x] = (a - b) & 255
        v[15] = 0 if a < b else 1
    elif kind[0] == "8" and n == 6:
        v[x], out = divmod(v[y], 2)
        v[15] = out
    elif kind[0] == "8":
        out, v[x] = divmod(v[y] * 2, 256)
        v[15] = out
    elif kind[0] == "A":
        cpu["i"] = nnn
    elif kind[0] == "B":
        following = nnn + v[0]
    elif kind[0] == "D":
        left, top = v[x] & 63, v[y] & 31
        v[15] = 0
        for row in range(n):
            for column in range(8):
                lit = memory[cpu["i"] + row] & (128 >> column)
                if lit and top + row <= 31 and left + column <= 63:
                    if cpu["screen"][top + row][left + column]:
                        v[15] = 1
                    cpu["screen"][top + row][left + column] = (
                        1 - cpu["screen"][top + row][left + column]
                    )
    elif kind[2:] == "1E":
        cpu["i"] = cpu["i"] + v[x] & 0xFFFF
    elif kind[2:] == "33":
        for place, digit in enumerate(f"{v[x]:03d}"):
            memory[cpu["i"] + place] = int(digit)
    elif kind[2:] == "55":
        for number in range(x + 1):
            memory[cpu["i"]] = v[number]
            cpu["i"] += 1
    elif kind[2:] == "65":
        for number in range(x + 1):
            v[number] = memory[cpu["i"]]
            cpu["i"] += 1
    cpu["pc"] = following
