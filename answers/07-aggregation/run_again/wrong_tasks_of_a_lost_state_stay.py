# expected: 0/3
# hint: sum must run all the same
# misconception: a task that needs a lost state need not run
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
            to_look_at.extend(needs[name])
    return {name for name in again if not lost & set(needs[name])}, lost
