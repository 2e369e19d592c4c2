# expected: 0/3
# hint: To make sum again you need clean, and for it load.
# misconception: only what a wanted task needs itself must run
def run_again(needs, where, wanted, dead):
    def is_gone(name):
        return not any(server != dead for server in where.get(name, []))

    gone = {name for name in wanted if is_gone(name)}
    gone |= {need for name in gone for need in needs[name] or () if is_gone(need)}
    lost = {name for name in gone if needs[name] is None}
    return gone - lost, lost
