# expected: 1/4
# hint: changed the caller
# misconception: a set that is mine for a moment may be cut down
def way(program, server):
    if program["features"] <= server["features"] and "runner" in server["tools"]:
        missing = program["layers"].keys() - server["layers"]
        return "image", sum(program["layers"][layer] for layer in missing)
    for number, tools in enumerate(program["build"], 1):
        if not tools <= server["tools"]:
            return "stuck", number
    return "source", len(program["build"])


def roll_out(program, pool):
    offered = [server["features"] for server in pool.values()]
    baseline = offered[0] if offered else set()
    for features in offered:
        baseline &= features
    return baseline, {name: way(program, server) for name, server in pool.items()}
