# expected: 0/4
# hint: I saw 3.0 for load
# misconception: a whole number is as good as an int
def replicas(load, start_time, capacity):
    needs = [(requests + capacity - 1) // capacity * 1.0 for requests in load]
    spare = 0
    for now in range(len(needs)):
        first = max(0, now - start_time)
        spare = max(spare, needs[now] - min(needs[first : now + 1]))
    return spare
