# expected: 0/4
# hint: one answer shows both
# misconception: each key has an answer of its own
def response_time(presses, link, work):
    one_way = link["round_trip_ms"] / 2
    transfer = 8 * work["update_bytes"] / (1000 * link["mbit_per_s"])
    back = work["encode_ms"] + transfer + one_way + work["decode_ms"]
    drawn = [press + one_way + work["draw_ms"] for press in presses]
    times = []
    request = 0
    while len(times) < len(presses):
        taken = max(request, drawn[len(times)])
        shown = taken + back
        times.append(shown - presses[len(times)])
        request = shown + one_way
    return times
