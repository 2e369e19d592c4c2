# expected: 0/3
# hint: clean was lost with s2
# misconception: only what was on the dead server is missing
def run_again(needs, where, wanted, dead):
    must_run = set()
    to_look_at = list(wanted)
    while to_look_at:
        task = to_look_at.pop()
        is_there = set(where.get(task, [])) != {dead}
        if is_there or task in must_run:
            continue
        must_run.add(task)
        to_look_at.extend(needs[task])
    return must_run
