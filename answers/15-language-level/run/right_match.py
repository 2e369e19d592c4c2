# expected: 4/4
# method: one match statement; the fuel counts down; division by way of Fraction
from fractions import Fraction
from math import trunc


def run(code, arguments, fuel):
    values, stack, at = {n: v for n, v in enumerate(arguments)}, [], 0
    signed = lambda number, bits: number - (1 << bits) if number >> bits - 1 else number
    keep = lambda number: stack.append(signed(number % (1 << 32), 32))
    while True:
        if fuel <= 0:
            return ("fuel", at)
        fuel, jump, length = fuel - 1, False, 1
        match code[at]:
            case 0x10:
                keep(signed(code[at + 1], 8))
                length = 2
            case 0x15:
                keep(values[code[at + 1]])
                length = 2
            case 0x36:
                values[code[at + 1]] = stack.pop()
                length = 2
            case 0x57:
                stack.pop()
            case 0x59:
                keep(stack[-1])
            case 0x5F:
                a, b = stack[-2:]
                stack[-2:] = [b, a]
            case 0x99:
                jump, length = stack.pop() == 0, 3
            case 0x9B:
                jump, length = stack.pop() < 0, 3
            case 0xA7:
                jump = True
            case 0xAC:
                return ("value", stack.pop())
            case operation:
                b, a = stack.pop(), stack.pop()
                if operation == 0x60:
                    keep(a + b)
                elif operation == 0x64:
                    keep(a - b)
                elif operation == 0x68:
                    keep(a * b)
                elif b == 0:
                    return ("trap", at)
                elif operation == 0x6C:
                    keep(trunc(Fraction(a, b)))
                else:
                    keep(a - b * trunc(Fraction(a, b)))
        at += signed(code[at + 1] * 256 + code[at + 2], 16) if jump else length
