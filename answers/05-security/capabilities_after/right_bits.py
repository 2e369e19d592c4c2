# expected: 4/4
# method: one capability at a time, by the conditions of the six steps
def capabilities_after(process, file):
    has, effective = file is not None, bool(file and file["effective"])
    f_permitted = file["permitted"] if has else set()
    f_inheritable = file["inheritable"] if has else set()
    everything = f_permitted | process["inheritable"] | process["bounding"] | process["ambient"]
    gained, ambient = set(), set()
    for name in everything:
        inherited = name in process["inheritable"] and name in f_inheritable
        comes = inherited or (name in f_permitted and name in process["bounding"])
        if effective and name in f_permitted and not comes:
            return None
        if process["root"]:
            comes = name in process["inheritable"] or name in process["bounding"]
        if comes and (not process["no_new_privs"] or name in process["permitted"]):
            gained.add(name)
        if name in process["ambient"] and not has:
            ambient.add(name)
    permitted = gained | ambient
    return {
        "permitted": permitted,
        "effective": permitted if effective or process["root"] else ambient,
        "inheritable": process["inheritable"],
        "bounding": process["bounding"],
        "ambient": ambient,
    }
