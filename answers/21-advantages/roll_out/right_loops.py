# expected: 4/4
# method: loops, a list of what is missing, and a tally of features
from collections import Counter


def roll_out(program, pool):
    tally = Counter(feature for server in pool.values() for feature in server["features"])
    baseline = {feature for feature, count in tally.items() if count == len(pool)}
    ways = {}
    for name, server in pool.items():
        if "runner" in server["tools"] and not program["features"] - server["features"]:
            fetched = 0
            for layer, kib in program["layers"].items():
                if layer not in server["layers"]:
                    fetched += kib
            ways[name] = ("image", fetched)
            continue
        ways[name] = ("source", len(program["build"]))
        for number, tools in reversed(list(enumerate(program["build"], 1))):
            if tools - server["tools"]:
                ways[name] = ("stuck", number)
    return baseline, ways
