# expected: 4/4
# method: first what is mapped, then which of it is taken back
def shadow(guest_table, p2m, tables):
    answer = {}
    for page, (frame, flags) in guest_table.items():
        machine = p2m.get(frame)
        if machine is not None and "p" in flags and "a" in flags:
            answer[page] = (machine[0], True)
    for page, (machine, _) in list(answer.items()):
        frame, flags = guest_table[page]
        if "w" not in flags or "d" not in flags:
            answer[page] = (machine, False)
        if p2m[frame][1] or frame in tables:
            answer[page] = (machine, False)
    return answer
