# expected: 0/4
# hint: it is not healthy
# misconception: the fewest of all, the dead included
def pick(policy, state):
    connections, healthy, last = state["connections"], state["healthy"], state["last"]
    turn = [(last + step) % len(healthy) for step in range(1, len(healthy) + 1)]
    up = [server for server in turn if healthy[server]]
    if policy == "least connections":
        up = [server for server in up if connections[server] == min(connections)]
    return up[0] if up else None
