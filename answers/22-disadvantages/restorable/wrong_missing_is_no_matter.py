# expected: 0/4
# hint: mon is missing, and tue needs it
# misconception: only a corrupt backup spoils a restore
def restorable(backups, at):
    by_name = {one["id"]: one for one in backups}

    def chain(one):
        if one is None or one["state"] == "corrupt":
            return None
        if one["parent"] is None:
            return [one["id"]]
        above = chain(by_name.get(one["parent"]))
        return None if above is None else above + [one["id"]]

    found = []
    for one in sorted(backups, key=lambda one: one["time"]):
        if one["time"] <= at:
            found = chain(one) or found
    return found
