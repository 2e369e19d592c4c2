# expected: 0/4
# hint: should be
# misconception: what is put back leaves out requests, too
def corrected_latencies(raw, interval):
    result, todo = [], list(raw)
    while todo:
        latency = todo.pop(0)
        result.append(latency)
        todo = list(range(latency - interval, interval - 1, -interval)) + todo
    return result
