# expected: 0/4
# hint: after server 1 the turn is
# misconception: of equal servers the first in the list gets the request
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = (server + 1) % len(healthy)
        if not healthy[server]:
            continue
        if policy == "round robin":
            return server
        if best is None or (connections[server], server) < (connections[best], best):
            best = server
    return best
