# expected: 1/4
# hint: no single host could hold it, even empty
# misconception: the pool's most cores and most memory belong together
def place(requests, hosts):
    free = dict(hosts)
    where, refused = {}, {}
    for name, cores, gib in requests:
        fitting = [host for host in free if free[host][0] >= cores and free[host][1] >= gib]
        if fitting:
            host = fitting[0]
            where[name] = host
            free[host] = (free[host][0] - cores, free[host][1] - gib)
        elif (
            hosts
            and (
                max(size[0] for size in hosts.values()) < cores
                or max(size[1] for size in hosts.values()) < gib
            )
            or not hosts
        ):
            refused[name] = "too big"
        else:
            free_cores = sum(size[0] for size in free.values())
            free_gib = sum(size[1] for size in free.values())
            enough = free_cores >= cores and free_gib >= gib
            refused[name] = "fragmented" if enough else "full"
            continue
    return where, refused
