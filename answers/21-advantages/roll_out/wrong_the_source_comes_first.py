# expected: 1/4
# hint: nobody builds
# misconception: who can build, builds
def way(program, server):
    lacking = [n for n, tools in enumerate(program["build"], 1) if not tools <= server["tools"]]
    if not lacking:
        return "source", len(program["build"])
    if program["features"] <= server["features"] and "runner" in server["tools"]:
        missing = program["layers"].keys() - server["layers"]
        return "image", sum(program["layers"][layer] for layer in missing)
    return "stuck", lacking[0]


def roll_out(program, pool):
    offered = [server["features"] for server in pool.values()]
    baseline = set(offered[0]).intersection(*offered) if offered else set()
    return baseline, {name: way(program, server) for name, server in pool.items()}
