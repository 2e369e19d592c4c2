# expected: 0/4
# hint: The two free cores lie on two hosts.
# misconception: the caller's dictionary is mine to change
def place(requests, hosts):
    free = hosts
    where, refused = {}, {}
    for name, cores, gib in requests:
        fitting = [host for host in free if free[host][0] >= cores and free[host][1] >= gib]
        if fitting:
            host = fitting[0]
            where[name] = host
            free[host] = (free[host][0] - cores, free[host][1] - gib)
        elif not any(size[0] >= cores and size[1] >= gib for size in hosts.values()):
            refused[name] = "too big"
        else:
            free_cores = sum(size[0] for size in free.values())
            free_gib = sum(size[1] for size in free.values())
            enough = free_cores >= cores and free_gib >= gib
            refused[name] = "fragmented" if enough else "full"
            continue
    return where, refused
