# expected: 4/4
# method: cut the list in two at the turn; a stable sort keeps the turn among equals
def pick(policy, state):
    after = state["last"] + 1
    servers = list(range(len(state["healthy"])))
    candidates = [s for s in servers[after:] + servers[:after] if state["healthy"][s]]
    if policy != "round robin":
        candidates.sort(key=lambda s: state["connections"][s])
    return candidates[0] if candidates else None
