# expected: 0/4
# hint: four commands
# misconception: a command that needs no tool is none
def way(program, server):
    if program["features"] <= server["features"] and "runner" in server["tools"]:
        missing = program["layers"].keys() - server["layers"]
        return "image", sum(program["layers"][layer] for layer in missing)
    for number, tools in enumerate(program["build"], 1):
        if not tools <= server["tools"]:
            return "stuck", number
    return "source", sum(1 for tools in program["build"] if tools)


def roll_out(program, pool):
    offered = [server["features"] for server in pool.values()]
    baseline = set(offered[0]).intersection(*offered) if offered else set()
    return baseline, {name: way(program, server) for name, server in pool.items()}
