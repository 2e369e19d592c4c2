# expected: 0/4
# hint: I saw RuntimeError for a server that is off while its machines ask for work; raise ValueError
# misconception: any exception is as good as a ValueError
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = sum(one["demands"])
        if not one["on"]:
            if work > 0:
                raise RuntimeError("off, but in use")
            continue
        load = work / one["capacity"]
        if load > 1:
            load = 1
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
