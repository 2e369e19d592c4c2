# expected: 0/3
# hint: A copy of clean is on s2
# misconception: a result has one place
def run_again(needs, where, wanted, dead):
    again, lost = set(), set()
    to_look_at = list(wanted)
    while to_look_at:
        name = to_look_at.pop()
        is_there = dead not in where.get(name, [dead])
        if is_there or name in again:
            continue
        if needs[name] is None:
            lost.add(name)
        else:
            again.add(name)
            to_look_at.extend(needs[name])
    return again, lost
