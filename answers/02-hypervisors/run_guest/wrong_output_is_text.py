# expected: 0/4
# hint: it should be a list. Append
# misconception: what a guest writes is a text
def run_guest(program, inputs, handler, max_exits):
    cpu = {"registers": [0, 0, 0, 0], "pc": 0}
    mode, saved_pc, halted = "supervisor", 0, False
    output, exits = "", 0
    waiting = list(inputs)
    while exits < max_exits and not halted:
        reason, instruction = hardware_run(cpu, program)
        exits += 1
        if reason == "timer":
            continue
        behind = cpu["pc"] + (reason == "privileged")
        if reason == "svc" or mode == "user":
            saved_pc, mode, cpu["pc"] = behind, "supervisor", handler
            continue
        name, *operands = instruction
        cpu["pc"] = behind
        if name == "out":
            output += chr(cpu["registers"][operands[0]])
        elif name == "in":
            cpu["registers"][operands[0]] = waiting.pop(0) if waiting else -1
        elif name == "getm":
            cpu["registers"][operands[0]] = 0
        elif name == "user":
            mode, cpu["pc"] = "user", operands[0]
        elif name == "rett":
            mode, cpu["pc"] = "user", saved_pc
        else:
            halted = True
    return {"output": output, "exits": exits, "mode": mode, "halted": halted}
