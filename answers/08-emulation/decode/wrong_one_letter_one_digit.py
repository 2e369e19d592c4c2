# expected: 0/3
# hint: nnn is the last three digits together
# misconception: kk is two operands of one digit, of which the last counts
def decode(opcode):
    digits = f"{opcode:04X}"
    for pattern, form in FORMS.items():
        if all(one in "xynk" or one == digit for one, digit in zip(pattern, digits)):
            operands = {}
            for one, digit in zip(pattern, digits):
                if one in "xynk":
                    operands[one * pattern.count(one)] = int(digit, 16)
            return form, operands
    return None
