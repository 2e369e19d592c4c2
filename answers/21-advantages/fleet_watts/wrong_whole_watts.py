# expected: 1/4
# hint: drawn by chance
# misconception: watts are whole numbers
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
    return round(total)
