# expected: 0/4
# hint: b lives on i, which has room.
# misconception: memory of one host is memory of all
def balloon(hosts, guests):
    lost = {}
    for host, memory in [("all", sum(hosts.values()))]:
        here = guests
        short = max(0, sum(g["size"] for g in here) - memory)
        idle = {g["name"]: (g["size"] - g["needed"]) * g["driver"] for g in here}
        reach = sum(idle.values())
        take = min(short, reach)
        given = {g["name"]: take * idle[g["name"]] / reach if reach else 0 for g in here}
        left = {g["name"]: g["size"] - given[g["name"]] for g in here}
        rest = sum(left.values())
        for g in here:
            name = g["name"]
            swapped = (short - take) * left[name] / rest if rest else 0
            hurt = swapped * g["needed"] / left[name] if left[name] else 0
            lost[name] = {"ballooned": given[name], "swapped": swapped, "hurt": hurt}
    return lost
