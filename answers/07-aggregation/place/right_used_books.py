# expected: 4/4
# method: keeps what is used, not what is free
from collections import Counter


def place(requests, hosts):
    used_cores, used_gib = Counter(), Counter()
    where, refused = {}, {}

    def has_room(host, cores, gib):
        return used_cores[host] + cores <= hosts[host][0] and used_gib[host] + gib <= hosts[host][1]

    def why(cores, gib):
        if all(hosts[host][0] < cores or hosts[host][1] < gib for host in hosts):
            return "too big"
        lacks_cores = sum(size[0] for size in hosts.values()) - used_cores.total() < cores
        lacks_gib = sum(size[1] for size in hosts.values()) - used_gib.total() < gib
        return "full" if lacks_cores or lacks_gib else "fragmented"

    for name, cores, gib in requests:
        host = next((host for host in hosts if has_room(host, cores, gib)), None)
        if host is None:
            refused[name] = why(cores, gib)
        else:
            where[name] = host
            used_cores[host] += cores
            used_gib[host] += gib
    return where, refused
