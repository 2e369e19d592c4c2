# expected: 0/4
# hint: a half is not more than half
# misconception: two halves never share a server
def pack(machines, capacity):
    width, height = capacity
    order = sorted(machines)
    order.sort(
        key=lambda name: max(machines[name][0] / width, machines[name][1] / height), reverse=True
    )
    servers = []
    for name in order:
        if machines[name][0] > width or machines[name][1] > height:
            raise ValueError(name)
        for names in servers:
            both = [machines[one] for one in names + [name]]
            if sum(c for c, _ in both) <= width and sum(m for _, m in both) <= height:
                names.append(name)
                break
        else:
            servers.append([name])
    cpus = [c for c, _ in machines.values()]
    memories = [m for _, m in machines.values()]
    bound = max(
        (sum(cpus) + width - 1) // width,
        (sum(memories) + height - 1) // height,
        len([c for c in cpus if 2 * c >= width]),
        len([m for m in memories if 2 * m >= height]),
    )
    return servers, bound
