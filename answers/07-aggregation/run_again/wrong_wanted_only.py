# expected: 0/3
# hint: clean was lost with s2, and sum needs it
# misconception: a task can run without what it needs
def run_again(needs, where, wanted, dead):
    again, lost = set(), set()
    to_look_at = list(wanted)
    while to_look_at:
        name = to_look_at.pop()
        is_there = any(server != dead for server in where.get(name, []))
        if is_there or name in again:
            continue
        if needs[name] is None:
            lost.add(name)
        else:
            again.add(name)
    return again, lost
