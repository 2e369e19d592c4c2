# expected: 4/4
# method: take whole batches from a queue
from collections import deque


def response_time(presses, link, work):
    trip = link["round_trip_ms"]
    wire = work["update_bytes"] / 125 / link["mbit_per_s"]
    waiting = deque((press + trip / 2 + work["draw_ms"], press) for press in presses)
    there, result = 0, []
    while waiting:
        snapshot = max(there, waiting[0][0])
        seen = snapshot + work["encode_ms"] + wire + trip / 2 + work["decode_ms"]
        while waiting and waiting[0][0] <= snapshot:
            result.append(seen - waiting.popleft()[1])
        there = seen + trip / 2
    return result
