# expected: 3/3
# method: looks at the first digit and then at what decides there
def decode(opcode):
    first, x, y, n = (opcode >> shift & 15 for shift in (12, 8, 4, 0))
    kk, nnn = opcode & 255, opcode & 4095
    if first == 0:
        form = {0x00E0: "CLS", 0x00EE: "RET"}.get(opcode)
        return (form, {}) if form else None
    if first in (1, 2, 10, 11):
        return FORMS[f"{first:X}nnn"], {"nnn": nnn}
    if first in (3, 4, 6, 7, 12):
        return FORMS[f"{first:X}xkk"], {"x": x, "kk": kk}
    if first == 13:
        return FORMS["Dxyn"], {"x": x, "y": y, "n": n}
    if first in (14, 15):
        form = FORMS.get(f"{first:X}x{kk:02X}")
        return (form, {"x": x}) if form else None
    form = FORMS.get(f"{first:X}xy{n:X}")
    return (form, {"x": x, "y": y}) if form else None
