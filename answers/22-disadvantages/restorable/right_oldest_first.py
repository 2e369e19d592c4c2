# expected: 4/4
# method: a table of chains, filled from the oldest
def restorable(backups, at):
    chains = {}
    best = []
    for each in sorted(backups, key=lambda each: each["time"]):
        if each["state"] != "good" or each["time"] > at:
            continue
        if each["parent"] is None:
            chains[each["id"]] = (each["id"],)
        elif each["parent"] in chains:
            chains[each["id"]] = chains[each["parent"]] + (each["id"],)
        best = chains.get(each["id"], best)
    return list(best)
