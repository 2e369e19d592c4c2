# expected: 0/4
# hint: it is refused in the pool, too
# misconception: a dynamic pool is one big host
def serve(requests, sizes, host_of):
    running = {host: [] for host in sizes}
    served, refused = 0, []
    for name, tenant, gib, start, end in sorted(requests, key=lambda request: request[3]):
        host = host_of(tenant)
        running[host] = [machine for machine in running[host] if machine[0] > start]
        if sum(size for _, size in running[host]) + gib <= sizes[host]:
            running[host].append((end, gib))
            served += gib * (end - start)
        else:
            refused.append(name)
    return served, refused


def utilization(requests, hosts):
    if not requests:
        return {"static": (0.0, []), "dynamic": (0.0, [])}
    hours = max(request[4] for request in requests) - min(request[3] for request in requests)
    whole = sum(hosts.values()) * hours
    static, left_out = serve(requests, hosts, lambda tenant: tenant)
    dynamic, refused = serve(requests, {"pool": sum(hosts.values())}, lambda tenant: "pool")
    return {"static": (static / whole, left_out), "dynamic": (dynamic / whole, refused)}
