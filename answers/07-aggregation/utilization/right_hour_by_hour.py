# expected: 4/4
# method: a table of what is used in each hour
def serve(requests, hosts, ask):
    used = {host: {} for host in hosts}
    served, refused = 0, []
    for name, tenant, gib, start, end in sorted(requests, key=lambda request: request[3]):
        for host in ask(tenant):
            if used[host].get(start, 0) + gib <= hosts[host]:
                for hour in range(start, end):
                    used[host][hour] = used[host].get(hour, 0) + gib
                served += gib * (end - start)
                break
        else:
            refused.append(name)
    return served, refused


def utilization(requests, hosts):
    if len(requests) == 0:
        return {"static": (0.0, []), "dynamic": (0.0, [])}
    first = min(start for _, _, _, start, _ in requests)
    last = max(end for _, _, _, _, end in requests)
    there = sum(hosts.values()) * (last - first)
    answer = {}
    served, refused = serve(requests, hosts, lambda tenant: [tenant])
    answer["static"] = (served / there, refused)
    served, refused = serve(
        requests, hosts, lambda tenant: sorted(hosts, key=lambda host: host != tenant)
    )
    answer["dynamic"] = (served / there, refused)
    return answer
