# expected: 0/3
# hint: load is still on s1
# misconception: a job begins again from its start
def run_again(needs, where, wanted, dead):
    again, lost = set(), set()
    to_look_at = [name for name in wanted if not set(where.get(name, [])) - {dead}]
    while to_look_at:
        name = to_look_at.pop()
        if name in again:
            continue
        if needs[name] is None:
            lost.add(name)
        else:
            again.add(name)
            to_look_at.extend(needs[name])
    return again, lost
