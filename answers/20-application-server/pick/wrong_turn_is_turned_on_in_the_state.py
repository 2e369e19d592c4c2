# expected: 1/4
# hint: changed the caller's state
# misconception: the function keeps the turn itself
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin":
            state["last"] = server
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return best
