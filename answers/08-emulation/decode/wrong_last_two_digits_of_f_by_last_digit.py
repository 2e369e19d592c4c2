# expected: 1/3
# hint: stands for itself, at every place
# misconception: opcodes that begin with E or F are told apart by the last digit
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        places = (0, 3) if digits[0] in "EF" else range(4)
        if all(pattern[k] in "xynk" or pattern[k] == digits[k] for k in places):
            operands = {}
            for letter in pattern:
                if letter in "xynk":
                    name = letter * pattern.count(letter)
                    at = pattern.index(name)
                    operands[name] = int(digits[at : at + len(name)], 16)
            return form, operands
    return None
