# expected: 4/4
# method: one pass over the keys: is it in the last picture, or the next?
def response_time(presses, link, work):
    half = link["round_trip_ms"] / 2
    bits_per_ms = link["mbit_per_s"] * 1_000_000 / 1000
    after = work["encode_ms"] + work["update_bytes"] * 8 / bits_per_ms + half + work["decode_ms"]
    picture, request, answer = None, 0, []
    for press in presses:
        ready = press + half + work["draw_ms"]
        if picture is None or picture < ready:
            picture = max(ready, request)
            request = picture + after + half
        answer.append(picture + after - press)
    return answer
