# expected: 0/3
# hint: a set should come back
# misconception: the order matters
def run_again(needs, where, wanted, dead):
    must_run = set()
    to_look_at = list(wanted)
    while to_look_at:
        task = to_look_at.pop()
        is_there = any(server != dead for server in where.get(task, []))
        if is_there or task in must_run:
            continue
        must_run.add(task)
        to_look_at.extend(needs[task])
    return list(must_run)
