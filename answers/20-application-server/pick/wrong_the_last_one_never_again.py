# expected: 0/4
# hint: Only the last server is healthy
# misconception: one server must not get two requests in a row
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy) - 1):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin":
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return best
