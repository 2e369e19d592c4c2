# expected: 0/4
# hint: mon is corrupt, and tue needs it
# misconception: a good file restores without its parents
def restorable(backups, at):
    by_name = {one["id"]: one for one in backups}

    def chain(one):
        if one is None or one["state"] != "good":
            return None
        if one["parent"] is None:
            return [one["id"]]
        above = chain(by_name.get(one["parent"])) or []
        return above + [one["id"]]

    found = []
    for one in sorted(backups, key=lambda one: one["time"]):
        if one["time"] <= at:
            found = chain(one) or found
    return found
