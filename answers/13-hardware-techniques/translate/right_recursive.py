# expected: 4/4
# method: one instruction, then the rest of the list by the same function
def translate(block, at):
    if not block:
        return [("goto", at)]
    first, rest = block[0], block[1:]
    match first:
        case ("add" | "sub" | "mov" | "load" | "store" | "cmp", *_):
            mine = [first]
        case ("cli", *_):
            mine = [("set_flag", 0)]
        case ("sti", *_):
            mine = [("set_flag", 1), ("check_interrupts", at + 1)]
        case ("pushf" | "popf" | "in" | "out", *_):
            mine = [("callout", first, at + 1)]
        case ("hlt", *_):
            return [("callout", first, at + 1)]
        case ("jmp", target):
            return [("goto", target)]
        case ("jz" | "jnz", *_):
            return [first, ("goto", at + 1)]
        case ("call", target):
            return [("push", at + 1), ("goto", target)]
        case ("ret", *_):
            return [("pop_and_lookup",)]
        case _:
            return [("fault", at)]
    return mine + translate(rest, at + 1)
