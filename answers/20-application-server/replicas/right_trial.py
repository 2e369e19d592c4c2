# expected: 4/4
# method: play the autoscaler, with one spare replica more each time
def serves(needs, start_time, spare):
    held = []
    for tick, need in enumerate(needs):
        wanted = need + spare
        held = held[:wanted]
        while len(held) < wanted:
            held.append(tick + start_time if tick > 0 else 0)
        if len([moment for moment in held if moment <= tick]) < need:
            return False
    return True


def replicas(load, start_time, capacity):
    needs = [(requests + capacity - 1) // capacity for requests in load]
    spare = 0
    while not serves(needs, start_time, spare):
        spare += 1
    return spare
