# expected: 0/4
# hint: Server 1 has the fewest open requests
# misconception: who has many is good at it
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin":
            return server
        if best is None or connections[server] > connections[best]:
            best = server
    return best
