# expected: 0/4
# hint: half of the way from 100 to 200
# misconception: a server draws in proportion to its work
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = sum(one["demands"])
        if not one["on"]:
            if work > 0:
                raise ValueError("off, but in use")
            continue
        load = work / one["capacity"]
        if load > 1:
            load = 1
        total += load * one["peak"]
    return total
