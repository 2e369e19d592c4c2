# expected: 0/3
# hint: To make sum again you need clean, and for it load.
# misconception: only what a wanted task needs itself must run
def run_again(needs, where, wanted, dead):
    def is_lost(task):
        return not any(server != dead for server in where.get(task, []))

    lost = {task for task in wanted if is_lost(task)}
    return lost | {need for task in lost for need in needs[task] if is_lost(need)}
