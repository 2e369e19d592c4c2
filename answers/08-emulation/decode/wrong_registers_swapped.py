# expected: 0/3
# hint: each letter takes the digit at its own place
# misconception: the second register stands first, as in x86 assembly
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        if all(one in "xynk" or one == digit for one, digit in zip(pattern, digits)):
            operands = {}
            for letter in pattern:
                if letter in "xynk":
                    name = letter * pattern.count(letter)
                    at = pattern.index(name)
                    operands[name] = int(digits[at : at + len(name)], 16)
            if "y" in operands:
                operands["x"], operands["y"] = operands["y"], operands["x"]
            return form, operands
    return None
