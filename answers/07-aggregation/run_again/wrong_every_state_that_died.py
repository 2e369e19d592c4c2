# expected: 0/3
# hint: nobody waits for it
# misconception: what is lost is missing, whoever needs it
def run_again(needs, where, wanted, dead):
    again = set()
    lost = {name for name in needs if needs[name] is None and set(where.get(name, [])) <= {dead}}
    to_look_at = list(wanted)
    while to_look_at:
        name = to_look_at.pop()
        is_there = any(server != dead for server in where.get(name, []))
        if is_there or name in again or name in lost:
            continue
        again.add(name)
        to_look_at.extend(needs[name])
    return again, lost
