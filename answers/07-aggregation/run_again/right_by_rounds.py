# expected: 3/3
# method: grows the set round by round
def run_again(needs, where, wanted, dead):
    def is_lost(task):
        return not set(where.get(task, ())) - {dead}

    found = set()
    edge = {task for task in wanted if is_lost(task)}
    while edge:
        found |= edge
        edge = {need for task in edge for need in needs[task] if is_lost(need)} - found
    return found
