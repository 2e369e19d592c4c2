# expected: 0/4
# hint: bipush 2 is reached with one value and with none.
# misconception: where ways meet, the larger depth counts
def verify(code, arguments, limit):
    """Return the greatest depth of the stack, or None if the code is not good."""
    kinds = {  # operand's bytes, values needed, growth
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
    following, targets, at = {}, {}, 0
    while at < len(code):
        if code[at] not in kinds:
            return None
        size = kinds[code[at]][0]
        following[at] = at + 1 + size
        if size == 2:
            targets[at] = at + int.from_bytes(code[at + 1 : at + 3], "big", signed=True)
        at = following[at]
    if at != len(code) or not following or any(one not in following for one in targets.values()):
        return None

    states, todo, deepest = {}, [(0, 0, frozenset(range(arguments)))], 0
    while todo:
        at, depth, known = todo.pop()
        if at not in following:
            return None
        if at in states:
            depth = max(depth, states[at][0])
            known &= states[at][1]
            if known == states[at][1]:
                continue
        states[at] = depth, known
        opcode = code[at]
        _, needs, growth = kinds[opcode]
        if depth < needs or depth + growth > limit:
            return None
        deepest = max(deepest, depth + growth)
        if opcode == 0x15 and code[at + 1] not in known:
            return None
        if opcode == 0x36:
            known |= {code[at + 1]}
        if at in targets:
            todo.append((targets[at], depth + growth, known))
        if opcode not in (0xA7, 0xAC):
            todo.append((following[at], depth + growth, known))
    return deepest
