# expected: 0/4
# hint: Ten hosts with 8 GiB each are not one host with 80.
# misconception: a pool is one big computer
def place(requests, hosts):
    free = dict(hosts)
    where, refused = {}, {}
    for name, cores, gib in requests:
        pool_cores = sum(size[0] for size in free.values())
        pool_gib = sum(size[1] for size in free.values())
        if pool_cores < cores or pool_gib < gib:
            refused[name] = "full"
            continue
        for host in free:
            taken = min(free[host][0], cores), min(free[host][1], gib)
            if taken != (0, 0):
                where.setdefault(name, host)
                free[host] = (free[host][0] - taken[0], free[host][1] - taken[1])
                cores, gib = cores - taken[0], gib - taken[1]
    return where, refused
