# expected: 1/4
# hint: Do not sort or reverse it; work on copies.
# misconception: the caller does not care in which order its list is
def balloon(hosts, guests):
    guests.sort(key=lambda g: g["name"])
    lost = {g["name"]: {"ballooned": 0.0, "swapped": 0.0, "hurt": 0.0} for g in guests}
    for host in hosts:
        here = [g for g in guests if g["host"] == host]
        short = sum(g["size"] for g in here) - hosts[host]
        if short <= 0:
            continue
        helpers = [g for g in here if g["driver"] and g["size"] > g["needed"]]
        idle = sum(g["size"] - g["needed"] for g in helpers)
        take = min(short, idle)
        for g in helpers:
            lost[g["name"]]["ballooned"] = take * (g["size"] - g["needed"]) / idle
        short -= take
        if short == 0:
            continue
        remaining = sum(g["size"] - lost[g["name"]]["ballooned"] for g in here)
        for g in here:
            line = lost[g["name"]]
            left = g["size"] - line["ballooned"]
            line["swapped"] = short * left / remaining
            if line["swapped"] > 0:
                line["hurt"] = line["swapped"] * g["needed"] / left
    return lost
