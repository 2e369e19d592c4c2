# expected: 0/3
# hint: rates is a state
# misconception: a state can be computed again
def run_again(needs, where, wanted, dead):
    again, lost = set(), set()
    to_look_at = list(wanted)
    while to_look_at:
        name = to_look_at.pop()
        is_there = any(server != dead for server in where.get(name, []))
        if is_there or name in again:
            continue
        again.add(name)
        if needs[name] is None:
            lost.add(name)
        else:
            to_look_at.extend(needs[name])
    return again, lost
