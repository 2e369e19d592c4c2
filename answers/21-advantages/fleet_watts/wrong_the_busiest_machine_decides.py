# expected: 0/4
# hint: should be
# misconception: the load is that of the busiest machine
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = max(one["demands"], default=0)
        if not one["on"]:
            if work > 0:
                raise ValueError("off, but in use")
            continue
        load = work / one["capacity"]
        if load > 1:
            load = 1
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
