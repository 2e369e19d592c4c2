# expected: 1/4
# hint: Dynamic asks the tenant's own host first
# misconception: a pool knows no own host
def serve(requests, hosts, ask):
    running = {host: [] for host in hosts}
    served, refused = 0, []
    for name, tenant, gib, start, end in sorted(requests, key=lambda request: request[3]):
        for host in ask(tenant):
            running[host] = [machine for machine in running[host] if machine[0] > start]
            used = sum(size for _, size in running[host])
            if used + gib <= hosts[host]:
                running[host].append((end, gib))
                served += gib * (end - start)
                break
        else:
            refused.append(name)
            continue
    return served, refused


def utilization(requests, hosts):
    ways = {
        "static": lambda tenant: [tenant],
        "dynamic": lambda tenant: list(hosts),
    }
    if not requests:
        return dict.fromkeys(ways, (0.0, []))
    hours = max(request[4] for request in requests) - min(request[3] for request in requests)
    whole = sum(hosts.values()) * hours
    result = {}
    for way, ask in ways.items():
        served, refused = serve(requests, hosts, ask)
        result[way] = (served / whole, refused)
    return result
