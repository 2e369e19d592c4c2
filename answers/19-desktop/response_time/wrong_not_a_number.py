# expected: 0/4
# hint: 50 there, 10 to draw
# misconception: infinity less infinity is nothing
def response_time(presses, link, work):
    back = float("inf")
    return [back - back for press in presses]
