# expected: 4/4
# method: small functions, one for each kind of start
def brought(process, file):
    return (
        process["inheritable"]
        .intersection(file["inheritable"])
        .union(process["bounding"].intersection(file["permitted"]))
    )


def capabilities_after(process, file):
    if file is None:
        gained, in_force, ambient = set(), False, frozenset(process["ambient"])
    else:
        gained, in_force, ambient = brought(process, file), file["effective"], frozenset()
        if in_force and file["permitted"] - gained:
            return None
    if process["root"]:
        gained, in_force = process["inheritable"].union(process["bounding"]), True
    if process["no_new_privs"]:
        gained = {name for name in gained if name in process["permitted"]}
    after = dict(inheritable=set(process["inheritable"]), bounding=set(process["bounding"]))
    after["ambient"] = set(ambient)
    after["permitted"] = set(gained) | ambient
    after["effective"] = set(after["permitted"] if in_force else ambient)
    return after
