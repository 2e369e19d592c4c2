# expected: 4/4
# method: ends and starts in one queue
import heapq


def one_way(requests, hosts, dynamic):
    free, ends = dict(hosts), []
    served, refused = 0, []
    for name, tenant, gib, start, end in sorted(requests, key=lambda request: request[3]):
        while ends and ends[0][0] <= start:
            _, host, size = heapq.heappop(ends)
            free[host] += size
        asked = [tenant] + [host for host in hosts if host != tenant and dynamic]
        found = [host for host in asked if free[host] >= gib]
        if found:
            free[found[0]] -= gib
            heapq.heappush(ends, (end, found[0], gib))
            served += gib * (end - start)
        else:
            refused.append(name)
    return served, refused


def utilization(requests, hosts):
    answer = {}
    for way in ("static", "dynamic"):
        served, refused = one_way(requests, hosts, way == "dynamic")
        used = 0.0
        if requests:
            span = max(r[4] for r in requests) - min(r[3] for r in requests)
            used = served / (sum(hosts.values()) * span)
        answer[way] = (used, refused)
    return answer
