# expected: 0/4
# hint: old is not in the list: it is as good as missing
# misconception: only the backup and its parent must be good
def restorable(backups, at):
    by_name = {one["id"]: one for one in backups}

    def chain(one):
        if one is None or one["state"] != "good":
            return None
        if one["parent"] is None:
            return [one["id"]]
        above = chain(by_name.get(one["parent"]))
        parent = by_name.get(one["parent"])
        if above is None and parent is not None and parent["state"] == "good":
            above = [parent["id"]]
        return None if above is None else above + [one["id"]]

    found = []
    for one in sorted(backups, key=lambda one: one["time"]):
        if one["time"] <= at:
            found = chain(one) or found
    return found
