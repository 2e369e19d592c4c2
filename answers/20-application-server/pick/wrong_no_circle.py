# expected: 0/4
# hint: After the highest number comes 0
# misconception: the list ends at its end
def pick(policy, state):
    connections, healthy = state["connections"], state["healthy"]
    best, server = None, state["last"]
    for _ in range(len(healthy)):
        server = min(server + 1, len(healthy) - 1)
        if not healthy[server]:
            continue
        if policy == "round robin":
            return server
        if best is None or connections[server] < connections[best]:
            best = server
    return best
