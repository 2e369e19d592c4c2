# expected: 0/4
# hint: return a list with one number for each press
# misconception: to print a result is to return it
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
        while len(times) < len(presses) and drawn[len(times)] <= taken:
            times.append(shown - presses[len(times)])
        request = shown + one_way
    print(times)
