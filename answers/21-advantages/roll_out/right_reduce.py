# expected: 4/4
# method: the baseline shrinks server by server; next finds the first command
def by_image(program, server):
    if not (program["features"].issubset(server["features"]) and {"runner"} <= server["tools"]):
        return None
    here = sum(kib for layer, kib in program["layers"].items() if layer in server["layers"])
    return "image", sum(program["layers"].values()) - here


def by_source(program, server):
    commands = enumerate(program["build"])
    stop = next((place for place, tools in commands if not tools.issubset(server["tools"])), None)
    return ("source", len(program["build"])) if stop is None else ("stuck", stop + 1)


def roll_out(program, pool):
    baseline, ways = None, {}
    for name, server in pool.items():
        have = server["features"]
        baseline = have.copy() if baseline is None else baseline & have
        ways[name] = by_image(program, server) or by_source(program, server)
    return baseline or set(), ways
