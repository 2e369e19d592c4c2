# expected: 4/4
# method: follows each combination of offset, depth and variables once
def verify(code, arguments, limit):
    shapes = {}
    for opcodes, shape in [
        ((0x10, 0x15), (2, 0, 1)),
        ((0x36,), (2, 1, 0)),
        ((0x57, 0xAC), (1, 1, 0)),
        ((0x59,), (1, 1, 2)),
        ((0x5F,), (1, 2, 2)),
        ((0x60, 0x64, 0x68, 0x6C, 0x70), (1, 2, 1)),
        ((0x99, 0x9B), (3, 1, 0)),
        ((0xA7,), (3, 0, 0)),
    ]:
        shapes.update(dict.fromkeys(opcodes, shape))
    program, at = {}, 0
    while at < len(code):
        if code[at] not in shapes or at + shapes[code[at]][0] > len(code):
            return None
        length, takes, gives = shapes[code[at]]
        program[at] = (code[at], code[at + 1 : at + length], at + length, takes, gives)
        at += length
    if not program:
        return None
    for at, (opcode, operand, after, takes, gives) in program.items():
        if len(operand) == 2 and at + int.from_bytes(operand, "big", signed=True) not in program:
            return None

    met, depths, most = set(), {}, 0

    def follow(at, depth, known):
        nonlocal most
        states = [(at, depth, known)]
        while states:
            state = states.pop()
            at, depth, known = state
            if state in met:
                continue
            met.add(state)
            if at not in program or depths.setdefault(at, depth) != depth:
                return False
            opcode, operand, after, takes, gives = program[at]
            rest = depth - takes
            if rest < 0 or rest + gives > limit:
                return False
            if opcode == 0x15 and operand[0] not in known:
                return False
            most = max(most, rest + gives)
            if opcode == 0x36:
                known = known | {operand[0]}
            if len(operand) == 2:
                states.append((at + int.from_bytes(operand, "big", signed=True), rest, known))
            if opcode != 0xA7 and opcode != 0xAC:
                states.append((after, rest + gives, known))
        return True

    return most if follow(0, 0, frozenset(range(arguments))) else None
