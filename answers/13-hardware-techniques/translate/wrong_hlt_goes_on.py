# expected: 0/4
# hint: The guest waits here
# misconception: hlt is a callout like the others
def translate(block, at):
    code = []
    for here, instruction in enumerate(block, at):
        name, behind = instruction[0], here + 1
        if name in {"add", "sub", "mov", "load", "store", "cmp"}:
            code.append(instruction)
        elif name == "cli":
            code.append(("set_flag", 0))
        elif name == "sti":
            code += [("set_flag", 1), ("check_interrupts", behind)]
        elif name in {"pushf", "popf", "in", "out"}:
            code.append(("callout", instruction, behind))
        elif name == "hlt":
            code.append(("callout", instruction, behind))
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
