# expected: 1/3
# hint: An operand is wrong, missing or too many.
# misconception: the digits of an operand are decimal where they can be
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        if all(one in "xynk" or one == digit for one, digit in zip(pattern, digits)):
            operands = {}
            for letter in pattern:
                if letter in "xynk":
                    name = letter * pattern.count(letter)
                    at = pattern.index(name)
                    operands[name] = int(
                        digits[at : at + len(name)],
                        10 if digits[at : at + len(name)].isdigit() else 16,
                    )
            return form, operands
    return None
