# expected: 0/3
# hint: D128 fits the pattern Dxyn
# misconception: all fields are operands of every instruction
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        if all(one in "xynk" or one == digit for one, digit in zip(pattern, digits)):
            return form, {
                "x": opcode >> 8 & 15,
                "y": opcode >> 4 & 15,
                "n": opcode & 15,
                "kk": opcode & 255,
                "nnn": opcode & 4095,
            }
    return None
