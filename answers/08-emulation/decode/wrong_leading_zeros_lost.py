# expected: 0/3
# hint: Do you write all four digits, with zeros in front?
# misconception: hex() gives four digits
def decode(opcode):
    digits = hex(opcode)[2:].upper()
    for pattern, form in FORMS.items():
        if all(one in "xynk" or one == digit for one, digit in zip(pattern, digits)):
            operands = {}
            for letter in pattern:
                if letter in "xynk":
                    name = letter * pattern.count(letter)
                    at = pattern.index(name)
                    operands[name] = int(digits[at : at + len(name)], 16)
            return form, operands
    return None
