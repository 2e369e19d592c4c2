# expected: 0/4
# hint: It takes nothing.
# misconception: a balloon always takes all that is idle
def balloon(hosts, guests):
    lost = {}
    for host, memory in hosts.items():
        here = [g for g in guests if g["host"] == host]
        short = max(0, sum(g["size"] for g in here) - memory)
        idle = {g["name"]: (g["size"] - g["needed"]) * g["driver"] for g in here}
        reach = sum(idle.values())
        take = reach
        given = {g["name"]: take * idle[g["name"]] / reach if reach else 0 for g in here}
        left = {g["name"]: g["size"] - given[g["name"]] for g in here}
        rest = sum(left.values())
        for g in here:
            name = g["name"]
            swapped = max(0, short - take) * left[name] / rest if rest else 0
            hurt = swapped * g["needed"] / left[name] if left[name] else 0
            lost[name] = {"ballooned": given[name], "swapped": swapped, "hurt": hurt}
    return lost
