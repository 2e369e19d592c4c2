# expected: 4/4
# method: a loop that skips what is off
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
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
