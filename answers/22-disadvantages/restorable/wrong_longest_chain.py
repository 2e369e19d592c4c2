# expected: 1/4
# hint: The newest state counts, not the longest chain
# misconception: the longest chain is the best one
def restorable(backups, at):
    by_name = {one["id"]: one for one in backups}

    def chain(one):
        if one is None or one["state"] != "good":
            return None
        if one["parent"] is None:
            return [one["id"]]
        above = chain(by_name.get(one["parent"]))
        return None if above is None else above + [one["id"]]

    found = []
    for one in sorted(backups, key=lambda one: one["time"]):
        if one["time"] <= at:
            found = max(found, chain(one) or [], key=len)
    return found
