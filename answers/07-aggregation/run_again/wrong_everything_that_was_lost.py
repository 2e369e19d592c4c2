# expected: 0/3
# hint: nobody wants plot
# misconception: all lost results must be made again
def run_again(needs, where, wanted, dead):
    gone = {name for name, servers in where.items() if set(servers) == {dead}}
    gone |= {name for name in wanted if name not in where}
    lost = {name for name in gone if needs[name] is None}
    return gone - lost, lost
