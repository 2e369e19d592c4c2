# expected: 0/3
# hint: The last digit tells them apart
# misconception: the first digit says which instruction it is
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        if pattern[0] == digits[0]:
            operands = {}
            for letter in pattern:
                if letter in "xynk":
                    name = letter * pattern.count(letter)
                    at = pattern.index(name)
                    operands[name] = int(digits[at : at + len(name)], 16)
            return form, operands
    return None
