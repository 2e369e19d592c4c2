# expected: 0/4
# hint: takes the next one
# misconception: the turn begins with the server that got the last request
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, max(0, state["last"]) - 1
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin":
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return best
