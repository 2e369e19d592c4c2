# expected: 4/4
# method: one match over the mode and the instruction
def run_guest(program, inputs, handler, max_exits):
    cpu = {"registers": [0, 0, 0, 0], "pc": 0}
    registers = cpu["registers"]
    user, saved, halted, taken, output, exits = False, 0, False, 0, [], 0
    for exits in range(1, max_exits + 1):
        reason, instruction = hardware_run(cpu, program)
        if reason == "timer":
            continue
        if reason == "privileged":
            cpu["pc"] += 1
        match (user, *instruction):
            case (_, "svc", _) | (True, *_):
                saved, cpu["pc"], user = cpu["pc"], handler, False
            case (_, "out", register):
                output.append(registers[register])
            case (_, "in", register):
                registers[register] = inputs[taken] if taken < len(inputs) else -1
                taken += 1
            case (_, "getm", register):
                registers[register] = 0
            case (_, "user", target):
                user, cpu["pc"] = True, target
            case (_, "rett"):
                user, cpu["pc"] = True, saved
            case _:
                halted = True
                break
    mode = "user" if user else "supervisor"
    return {"output": output, "exits": exits, "mode": mode, "halted": halted}
