# expected: 0/4
# hint: old is not in the list: it is as good as missing
# misconception: a parent that is not listed is not needed
def restorable(backups, at):
    by_name = {one["id"]: one for one in backups}

    def chain(one):
        if one is None or one["state"] != "good":
            return None
        if one["parent"] not in by_name:
            return [one["id"]]
        above = chain(by_name.get(one["parent"]))
        return None if above is None else above + [one["id"]]

    found = []
    for one in sorted(backups, key=lambda one: one["time"]):
        if one["time"] <= at:
            found = chain(one) or found
    return found
