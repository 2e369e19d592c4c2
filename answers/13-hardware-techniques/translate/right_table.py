# expected: 4/4
# method: a table of functions, and a set of the names that end a block
SAME = dict.fromkeys(["add", "sub", "mov", "load", "store", "cmp"], lambda one, here: [one])
CALLED = dict.fromkeys(
    ["pushf", "popf", "in", "out", "hlt"], lambda one, here: [("callout", one, here + 1)]
)
BRANCH = dict.fromkeys(["jz", "jnz"], lambda one, here: [one, ("goto", here + 1)])
RULES = {
    **SAME,
    **CALLED,
    **BRANCH,
    "cli": lambda one, here: [("set_flag", 0)],
    "sti": lambda one, here: [("set_flag", 1), ("check_interrupts", here + 1)],
    "jmp": lambda one, here: [("goto", one[1])],
    "call": lambda one, here: [("push", here + 1), ("goto", one[1])],
    "ret": lambda one, here: [("pop_and_lookup",)],
}
GO_ON = set(SAME) | {"cli", "sti", "pushf", "popf", "in", "out"}


def translate(block, at):
    out, here = [], at
    while here - at < len(block):
        one = block[here - at]
        rule = RULES.get(one[0], lambda one, here: [("fault", here)])
        out.extend(rule(one, here))
        if one[0] not in GO_ON:
            return out
        here += 1
    out.append(("goto", here))
    return out
