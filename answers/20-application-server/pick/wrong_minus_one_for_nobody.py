# expected: 0/4
# hint: No server is healthy: None
# misconception: nobody is -1
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin":
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return -1 if best is None else best
