# expected: 0/4
# hint: should be
# misconception: a build goes on after a command that failed
def way(program, server):
    if program["features"] <= server["features"] and "runner" in server["tools"]:
        missing = program["layers"].keys() - server["layers"]
        return "image", sum(program["layers"][layer] for layer in missing)
    result = "source", len(program["build"])
    for number, tools in enumerate(program["build"], 1):
        if not tools <= server["tools"]:
            result = "stuck", number
    return result


def roll_out(program, pool):
    offered = [server["features"] for server in pool.values()]
    baseline = set(offered[0]).intersection(*offered) if offered else set()
    return baseline, {name: way(program, server) for name, server in pool.items()}
