# expected: 0/4
# hint: The last bipush has no operand, and rule 1 looks at all of the code.
# misconception: only instructions that a way reaches are looked at
def verify(code, arguments, limit):
    kinds = {
        0x10: (1, 0, 1),
        0x15: (1, 0, 1),
        0x36: (1, 1, -1),
        0x57: (0, 1, -1),
        0x59: (0, 1, 1),
        0x5F: (0, 2, 0),
        0x60: (0, 2, -1),
        0x64: (0, 2, -1),
        0x68: (0, 2, -1),
        0x6C: (0, 2, -1),
        0x70: (0, 2, -1),
        0x99: (2, 1, -1),
        0x9B: (2, 1, -1),
        0xA7: (2, 0, 0),
        0xAC: (0, 1, -1),
    }
    states, todo, deepest = {}, [(0, 0, frozenset(range(arguments)))], 0
    while todo:
        at, depth, known = todo.pop()
        if not 0 <= at < len(code) or code[at] not in kinds:
            return None
        size, needs, growth = kinds[code[at]]
        if at + size >= len(code):
            return None
        if at in states:
            if states[at][0] != depth:
                return None
            known &= states[at][1]
            if known == states[at][1]:
                continue
        states[at] = depth, known
        opcode = code[at]
        if depth < needs or depth + growth > limit:
            return None
        deepest = max(deepest, depth + growth)
        if opcode == 0x15 and code[at + 1] not in known:
            return None
        if opcode == 0x36:
            known |= {code[at + 1]}
        if size == 2:
            todo.append(
                (
                    at + int.from_bytes(code[at + 1 : at + 3], "big", signed=True),
                    depth + growth,
                    known,
                )
            )
        if opcode not in (0xA7, 0xAC):
            todo.append((at + 1 + size, depth + growth, known))
    return deepest
