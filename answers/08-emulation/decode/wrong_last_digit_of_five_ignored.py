# expected: 0/3
# hint: 5xy0 ends with 0
# misconception: opcodes that begin with 5 or 9 need no look at the last digit
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        if all(
            one in "xynk" or one == digit or digits[0] in "59" and one == "0"
            for one, digit in zip(pattern, digits)
        ):
            operands = {}
            for letter in pattern:
                if letter in "xynk":
                    name = letter * pattern.count(letter)
                    at = pattern.index(name)
                    operands[name] = int(digits[at : at + len(name)], 16)
            return form, operands
    return None
