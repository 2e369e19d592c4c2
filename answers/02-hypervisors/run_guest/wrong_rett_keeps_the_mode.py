# expected: 1/4
# hint: 'rett' goes back to the guest's user mode.
# misconception: a return from a trap is only a jump
def run_guest(program, inputs, handler, max_exits):
    cpu = {"registers": [0, 0, 0, 0], "pc": 0}
    mode, saved_pc, halted = "supervisor", 0, False
    output, exits = [], 0
    waiting = list(inputs)
    while exits < max_exits and not halted:
        reason, instruction = hardware_run(cpu, program)
        exits += 1
        if reason == "timer":
            continue
        behind = cpu["pc"] + 1 if reason == "privileged" else cpu["pc"]
        if reason == "svc" or mode == "user":
            saved_pc, mode, cpu["pc"] = behind, "supervisor", handler
            continue
        name, *operands = instruction
        cpu["pc"] = behind
        if name == "out":
            output.append(cpu["registers"][operands[0]])
        elif name == "in":
            cpu["registers"][operands[0]] = waiting.pop(0) if waiting else -1
        elif name == "getm":
            cpu["registers"][operands[0]] = 0
        elif name == "user":
            mode, cpu["pc"] = "user", operands[0]
        elif name == "rett":
            cpu["pc"] = saved_pc
        else:
            halted = True
    return {"output": output, "exits": exits, "mode": mode, "halted": halted}
