# expected: 0/4
# hint: Your function changed the block
# misconception: the block is mine to use up
def translate(block, at):
    code = []
    while block:
        instruction = block.pop(0)
        name, here = instruction[0], at
        at += 1
        if name in {"add", "sub", "mov", "load", "store", "cmp"}:
            code.append(instruction)
        elif name == "cli":
            code.append(("set_flag", 0))
        elif name == "sti":
            code += [("set_flag", 1), ("check_interrupts", at)]
        elif name in {"pushf", "popf", "in", "out"}:
            code.append(("callout", instruction, at))
        elif name == "hlt":
            return [*code, ("callout", instruction, at)]
        elif name == "jmp":
            return [*code, ("goto", instruction[1])]
        elif name in {"jz", "jnz"}:
            return [*code, instruction, ("goto", at)]
        elif name == "call":
            return [*code, ("push", at), ("goto", instruction[1])]
        elif name == "ret":
            return [*code, ("pop_and_lookup",)]
        else:
            return [*code, ("fault", here)]
    return [*code, ("goto", at)]
