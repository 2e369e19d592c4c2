# expected: 0/4
# hint: I saw 2.0; return an int
# misconception: a whole number is as good as an int
OPERANDS = {0x10: 1, 0x15: 1, 0x36: 1, 0x99: 2, 0x9B: 2, 0xA7: 2}
NEEDS = {0x10: 0, 0x15: 0, 0xA7: 0, 0x5F: 2, 0x60: 2, 0x64: 2, 0x68: 2, 0x6C: 2, 0x70: 2}
GROWS = {0x10: 1, 0x15: 1, 0x59: 1, 0x5F: 0, 0xA7: 0}
KNOWN = {0x10, 0x15, 0x36, 0x57, 0x59, 0x5F, 0x60, 0x64, 0x68, 0x6C, 0x70, 0x99, 0x9B, 0xA7, 0xAC}


def verify(code, arguments, limit):
    begins, at = [], 0
    while at < len(code):
        if code[at] not in KNOWN:
            return None
        begins.append(at)
        at += 1 + OPERANDS.get(code[at], 0)
    if not code or at > len(code):
        return None

    def goes_to(at):
        places = []
        if OPERANDS.get(code[at], 0) == 2:
            distance = code[at + 1] * 256 + code[at + 2]
            places.append(at + (distance - 65536 if distance > 32767 else distance))
        if code[at] not in (0xA7, 0xAC):
            places.append(at + 1 + OPERANDS.get(code[at], 0))
        return places

    for at in begins:
        if OPERANDS.get(code[at], 0) == 2 and goes_to(at)[0] not in begins:
            return None
    depth, surely = {0: 0}, {0: set(range(arguments))}
    changed = True
    while changed:
        changed = False
        for at in begins:
            if at not in depth:
                continue
            grown = depth[at] + GROWS.get(code[at], -1)
            if depth[at] < NEEDS.get(code[at], 1) or grown > limit:
                return None
            if code[at] == 0x15 and code[at + 1] not in surely[at]:
                return None
            after = surely[at] | ({code[at + 1]} if code[at] == 0x36 else set())
            for place in goes_to(at):
                if place not in begins or depth.get(place, grown) != grown:
                    return None
                fewer = surely.get(place, after) & after
                changed = changed or place not in depth or fewer != surely[place]
                depth[place], surely[place] = grown, fewer
    return float(max(max(deep, deep + GROWS.get(code[at], -1)) for at, deep in depth.items()))
