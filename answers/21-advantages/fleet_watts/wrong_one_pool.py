# expected: 1/4
# hint: What one server cannot do is not done by another one
# misconception: a fleet is one large server
def fleet_watts(servers):
    for one in servers:
        if not one["on"] and sum(one["demands"]) > 0:
            raise ValueError("off, but in use")
    on = [one for one in servers if one["on"]]
    if not on:
        return 0
    load = min(1, sum(sum(one["demands"]) for one in on) / sum(one["capacity"] for one in on))
    return sum(one["idle"] + load * (one["peak"] - one["idle"]) for one in on)
