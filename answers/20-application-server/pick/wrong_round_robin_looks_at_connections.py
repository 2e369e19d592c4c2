# expected: 0/4
# hint: however busy it is
# misconception: round robin avoids busy servers
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin" and not connections[server]:
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return best
