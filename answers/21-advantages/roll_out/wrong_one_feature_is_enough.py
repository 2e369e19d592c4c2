# expected: 1/4
# hint: One feature of two
# misconception: a processor that has some of the features will do
def way(program, server):
    if (not program["features"] or program["features"] & server["features"]) and "runner" in server[
        "tools"
    ]:
        missing = program["layers"].keys() - server["layers"]
        return "image", sum(program["layers"][layer] for layer in missing)
    for number, tools in enumerate(program["build"], 1):
        if not tools <= server["tools"]:
            return "stuck", number
    return "source", len(program["build"])


def roll_out(program, pool):
    offered = [server["features"] for server in pool.values()]
    baseline = set(offered[0]).intersection(*offered) if offered else set()
    return baseline, {name: way(program, server) for name, server in pool.items()}
