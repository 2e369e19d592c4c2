# expected: 3/3
# method: grows the set round by round
def run_again(needs, where, wanted, dead):
    def is_gone(name):
        return not set(where.get(name, ())) - {dead}

    found = set()
    edge = {name for name in wanted if is_gone(name)}
    while edge:
        found |= edge
        edge = {need for name in edge for need in needs[name] or () if is_gone(need)} - found
    lost = {name for name in found if needs[name] is None}
    return found - lost, lost
