# expected: 1/3
# hint: RecursionError
# misconception: a chain of tasks is short
def run_again(needs, where, wanted, dead):
    again, lost = set(), set()

    def visit(name):
        if name in again or any(server != dead for server in where.get(name, [])):
            return
        if needs[name] is None:
            lost.add(name)
            return
        again.add(name)
        for need in needs[name]:
            visit(need)

    for name in wanted:
        visit(name)
    return again, lost
