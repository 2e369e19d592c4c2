# expected: 1/4
# hint: Without requests the utilization is 0
# misconception: no requests, no answer
def serve(requests, hosts, ask):
    running = {host: [] for host in hosts}
    served, refused = 0, []
    for name, tenant, gib, start, end in sorted(requests, key=lambda request: request[3]):
        for host in ask(tenant):
            used = sum(size for until, size in running[host] if until > start)
            if used + gib <= hosts[host]:
                running[host].append((end, gib))
                served += gib * (end - start)
                break
        else:
            refused.append(name)
    return served, refused


def utilization(requests, hosts):
    if not requests:
        return {}
    first, last = min(r[3] for r in requests), max(r[4] for r in requests)
    whole = sum(hosts.values()) * (last - first)
    answer = {}
    for way in ("static", "dynamic"):
        others = list(hosts) if way == "dynamic" else []
        served, refused = serve(requests, hosts, lambda tenant: [tenant, *others])
        answer[way] = (served / whole, refused)
    return answer
