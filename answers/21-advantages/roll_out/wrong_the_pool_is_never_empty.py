# expected: 0/4
# hint: Your code raised IndexError
# misconception: a pool has one server at least
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
    baseline = set(offered[0]).intersection(*offered)
    return baseline, {name: way(program, server) for name, server in pool.items()}
