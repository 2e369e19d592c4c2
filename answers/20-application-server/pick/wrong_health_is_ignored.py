# expected: 0/4
# hint: are not healthy
# misconception: the balancer sends to whoever is on its list
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if False:
            continue
        if policy == "round robin":
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return best
