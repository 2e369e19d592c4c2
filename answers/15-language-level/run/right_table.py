# expected: 4/4
# method: a function for each opcode, over a list of variables
def run(code, arguments, fuel):
    local = list(arguments) + [0] * 256
    stack = []

    def wrapped(value):
        value &= 0xFFFFFFFF
        return value - 0x100000000 if value & 0x80000000 else value

    def quotient(a, b):
        q, rest = divmod(a, b)
        return q + 1 if rest and q < 0 else q

    binary = {
        0x60: lambda a, b: a + b,
        0x64: lambda a, b: a - b,
        0x68: lambda a, b: a * b,
        0x6C: quotient,
        0x70: lambda a, b: a - b * quotient(a, b),
    }
    conditions = {0x99: lambda: stack.pop() == 0, 0x9B: lambda: stack.pop() < 0, 0xA7: lambda: True}
    simple = {
        0x10: lambda byte: stack.append(byte - 256 if byte > 127 else byte),
        0x15: lambda byte: stack.append(local[byte]),
        0x36: lambda byte: local.__setitem__(byte, stack.pop()),
    }
    at = 0
    while fuel:
        fuel -= 1
        opcode = code[at]
        if opcode in simple:
            simple[opcode](code[at + 1])
            at += 2
        elif opcode in conditions:
            distance = code[at + 1] << 8 | code[at + 2]
            distance -= (distance >> 15) << 16
            at += distance if conditions[opcode]() else 3
        elif opcode in binary:
            b = stack.pop()
            a = stack.pop()
            try:
                stack.append(wrapped(binary[opcode](a, b)))
            except ZeroDivisionError:
                return "trap", at
            at += 1
        elif opcode == 0xAC:
            return "value", stack[-1]
        else:
            top = stack.pop()
            if opcode == 0x59:
                stack += [top, top]
            elif opcode == 0x5F:
                stack.insert(-1, top)
            at += 1
    return "fuel", at
