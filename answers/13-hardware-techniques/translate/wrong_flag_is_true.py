# expected: 0/4
# hint: each number is an int
# misconception: a flag is True or False, and never a number
def translate(block, at):
    code = []
    for here, instruction in enumerate(block, at):
        name, behind = instruction[0], here + 1
        if name in {"add", "sub", "mov", "load", "store", "cmp"}:
            code.append(instruction)
        elif name in {"cli", "sti"}:
            code.append(("set_flag", name == "sti"))
            if name == "sti":
                code.append(("check_interrupts", behind))
        elif name in {"pushf", "popf", "in", "out"}:
            code.append(("callout", instruction, behind))
        elif name == "hlt":
            return [*code, ("callout", instruction, behind)]
        elif name == "jmp":
            return [*code, ("goto", instruction[1])]
        elif name in {"jz", "jnz"}:
            return [*code, instruction, ("goto", behind)]
        elif name == "call":
            return [*code, ("push", behind), ("goto", instruction[1])]
        elif name == "ret":
            return [*code, ("pop_and_lookup",)]
        else:
            return [*code, ("fault", here)]
    return [*code, ("goto", at + len(block))]
