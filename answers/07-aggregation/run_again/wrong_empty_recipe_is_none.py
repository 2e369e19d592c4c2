# expected: 0/3
# hint: load has a recipe: an empty list
# misconception: a task that needs nothing has no recipe
def run_again(needs, where, wanted, dead):
    again, lost = set(), set()
    to_look_at = list(wanted)
    while to_look_at:
        name = to_look_at.pop()
        is_there = any(server != dead for server in where.get(name, []))
        if is_there or name in again:
            continue
        if not needs[name]:
            lost.add(name)
        else:
            again.add(name)
            to_look_at.extend(needs[name])
    return again, lost
