# expected: 0/4
# hint: A server that is off draws nothing
# misconception: a server that does nothing idles
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = sum(one["demands"])
        if not one["on"]:
            if work > 0:
                raise ValueError("off, but in use")
            total += one["idle"]
            continue
        load = work / one["capacity"]
        if load > 1:
            load = 1
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
