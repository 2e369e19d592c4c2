# expected: 1/3
# hint: RecursionError
# misconception: a chain of tasks is short
def run_again(needs, where, wanted, dead):
    must_run = set()

    def visit(task):
        is_there = any(server != dead for server in where.get(task, []))
        if not is_there and task not in must_run:
            must_run.add(task)
            for need in needs[task]:
                visit(need)

    for task in wanted:
        visit(task)
    return must_run
