# expected: 1/3
# hint: An operand is wrong, missing or too many.
# misconception: an operand that is 0 is not there
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
            return form, {name: value for name, value in operands.items() if value}
    return None
