# expected: 4/4
# method: the largest rise between any two ticks within one start
def replicas(load, start_time, capacity):
    needs = [-(-requests // capacity) for requests in load]
    rises = [
        needs[later] - needs[earlier]
        for later in range(len(needs))
        for earlier in range(later + 1)
        if later - earlier <= start_time
    ]
    return max(rises, default=0)
