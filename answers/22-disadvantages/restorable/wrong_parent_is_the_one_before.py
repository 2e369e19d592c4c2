# expected: 0/4
# hint: wed builds on mon; the bad tue is no matter
# misconception: the parent is the backup before it in time
def restorable(backups, at):
    by_name = {one["id"]: one for one in backups}

    def chain(one):
        if one is None or one["state"] != "good":
            return None
        if one["parent"] is None:
            return [one["id"]]
        before = [each for each in backups if each["time"] < one["time"]]
        above = chain(max(before, key=lambda each: each["time"], default=None))
        return None if above is None else above + [one["id"]]

    found = []
    for one in sorted(backups, key=lambda one: one["time"]):
        if one["time"] <= at:
            found = chain(one) or found
    return found
