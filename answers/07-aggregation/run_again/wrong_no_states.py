# expected: 0/3
# hint: return a pair (again, lost) of two sets
# misconception: everything in a pool can be computed again
def run_again(needs, where, wanted, dead):
    again = set()
    to_look_at = list(wanted)
    while to_look_at:
        name = to_look_at.pop()
        if name not in again and not set(where.get(name, [])) - {dead}:
            again.add(name)
            to_look_at.extend(needs[name] or [])
    return again
