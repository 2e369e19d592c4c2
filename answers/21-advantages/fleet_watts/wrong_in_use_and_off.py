# expected: 0/4
# hint: should raise ValueError
# misconception: what is off draws nothing, whoever needs it
def fleet_watts(servers):
    total = 0
    for one in servers:
        work = sum(one["demands"])
        if not one["on"]:
            continue
        load = work / one["capacity"]
        if load > 1:
            load = 1
        total += one["idle"] + load * (one["peak"] - one["idle"])
    return total
