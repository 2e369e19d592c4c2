# expected: 0/4
# hint: Server 1 has the fewest, but it is not healthy
# misconception: first the fewest, then a look whether it is healthy
def pick(policy, state):
    connections, healthy, last = state["connections"], state["healthy"], state["last"]
    turn = [(last + step) % len(healthy) for step in range(1, len(healthy) + 1)]
    if policy == "round robin":
        return next((server for server in turn if healthy[server]), None)
    best = min(turn, key=lambda server: connections[server], default=None)
    return best if best is not None and healthy[best] else None
