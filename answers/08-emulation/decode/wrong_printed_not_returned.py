# expected: 0/3
# hint: Does your function return its answer
# misconception: what is printed is returned
def decode(opcode):
    shifts = {"x": (8, 0xF), "y": (4, 0xF), "n": (0, 0xF), "kk": (0, 0xFF), "nnn": (0, 0xFFF)}
    for pattern, form in FORMS.items():
        mask = bits = 0
        for character in pattern:
            fixed = character not in "xynk"
            mask = mask << 4 | (0xF if fixed else 0)
            bits = bits << 4 | (int(character, 16) if fixed else 0)
        if opcode & mask != bits:
            continue
        if "nnn" in pattern:
            names = ["nnn"]
        else:
            names = [name for name in ("x", "y", "n", "kk") if name in pattern]
        operands = {name: opcode >> shifts[name][0] & shifts[name][1] for name in names}
        print((form, operands))
        return None
    return None
