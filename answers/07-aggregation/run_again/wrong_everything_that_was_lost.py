# expected: 0/3
# hint: nobody wants plot
# misconception: all lost results must be made again
def run_again(needs, where, wanted, dead):
    lost = {task for task, servers in where.items() if set(servers) == {dead}}
    return lost | {task for task in wanted if task not in where}
