# expected: 0/4
# hint: should be
# misconception: the first command has the number 0
def way(program, server):
    if program["features"] <= server["features"] and "runner" in server["tools"]:
        missing = program["layers"].keys() - server["layers"]
        return "image", sum(program["layers"][layer] for layer in missing)
    for number, tools in enumerate(program["build"]):
        if not tools <= server["tools"]:
            return "stuck", number
    return "source", len(program["build"])


def roll_out(program, pool):
    offered = [server["features"] for server in pool.values()]
    baseline = set(offered[0]).intersection(*offered) if offered else set()
    return baseline, {name: way(program, server) for name, server in pool.items()}
