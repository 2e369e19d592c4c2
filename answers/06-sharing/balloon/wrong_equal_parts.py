# expected: 0/4
# hint: so they give 1 to 3.
# misconception: all guests give the same
def balloon(hosts, guests):
    lost = {}
    for host, memory in hosts.items():
        here = [g for g in guests if g["host"] == host]
        short = max(0, sum(g["size"] for g in here) - memory)
        idle = {g["name"]: (g["size"] - g["needed"]) * g["driver"] for g in here}
        reach = sum(idle.values())
        take = min(short, reach)
        given = {g["name"]: take / len(here) for g in here}
        left = {g["name"]: g["size"] - given[g["name"]] for g in here}
        rest = sum(left.values())
        for g in here:
            name = g["name"]
            swapped = (short - take) * left[name] / rest if rest else 0
            hurt = swapped * g["needed"] / left[name] if left[name] else 0
            lost[name] = {"ballooned": given[name], "swapped": swapped, "hurt": hurt}
    return lost
