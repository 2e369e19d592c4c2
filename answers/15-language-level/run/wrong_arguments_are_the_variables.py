# expected: 0/4
# hint: Your function changed the arguments: I saw
# misconception: the caller's list may be used for the variables
def run(code, arguments, fuel):
    """Return ("value", result), ("trap", offset) or ("fuel", offset)."""
    stack, variables, at = [], arguments, 0
    while len(variables) < 256:
        variables.append(0)
    for _ in range(fuel):
        here, opcode = at, code[at]
        wide = opcode in (0x99, 0x9B, 0xA7)
        size = 2 if wide else 1 if opcode in (0x10, 0x15, 0x36) else 0
        operand = int.from_bytes(code[at + 1 : at + 1 + size], "big", signed=wide or opcode == 0x10)
        at += 1 + size
        if opcode == 0x10:
            stack.append(operand)
        elif opcode == 0x15:
            stack.append(variables[operand])
        elif opcode == 0x36:
            variables[operand] = stack.pop()
        elif opcode == 0x57:
            stack.pop()
        elif opcode == 0x59:
            stack.append(stack[-1])
        elif opcode == 0x5F:
            stack[-2:] = stack[-1], stack[-2]
        elif opcode == 0xA7:
            at = here + operand
        elif opcode == 0xAC:
            return ("value", stack.pop())
        elif wide:
            value = stack.pop()
            if value == 0 if opcode == 0x99 else value < 0:
                at = here + operand
        else:
            b, a = stack.pop(), stack.pop()
            if opcode in (0x6C, 0x70):
                if b == 0:
                    return ("trap", here)
                quotient = a // b
                if quotient < 0 and quotient * b != a:
                    quotient += 1
                value = quotient if opcode == 0x6C else a - b * quotient
            else:
                value = {0x60: a + b, 0x64: a - b, 0x68: a * b}[opcode]
            value &= 2**32 - 1
            stack.append(value - 2**32 if value >= 2**31 else value)
    return ("fuel", at)
