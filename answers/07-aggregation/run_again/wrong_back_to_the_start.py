# expected: 0/3
# hint: load is still on s1
# misconception: a job begins again from its start
def run_again(needs, where, wanted, dead):
    must_run = set()
    to_look_at = [task for task in wanted if not set(where.get(task, [])) - {dead}]
    while to_look_at:
        task = to_look_at.pop()
        if task not in must_run:
            must_run.add(task)
            to_look_at.extend(needs[task])
    return must_run
