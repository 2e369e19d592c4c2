# expected: 0/4
# hint: of two dictionaries
# misconception: a pair of lists says the same
def place(requests, hosts):
    free = {host: list(size) for host, size in hosts.items()}
    where, refused = {}, {}
    for name, cores, gib in requests:
        for host, left in free.items():
            if left[0] >= cores and left[1] >= gib:
                left[0] -= cores
                left[1] -= gib
                where[name] = host
                break
        else:
            could = any(size[0] >= cores and size[1] >= gib for size in hosts.values())
            enough = all(
                sum(left[part] for left in free.values()) >= wants
                for part, wants in enumerate((cores, gib))
            )
            refused[name] = "too big" if not could else "fragmented" if enough else "full"
    return list(where.items()), list(refused.items())
