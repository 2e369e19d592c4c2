# expected: 1/4
# hint: the ambient set passes
# misconception: no_new_privs empties the ambient set
def capabilities_after(process, file):
    has_capabilities = file is not None
    if not has_capabilities:
        file = {"permitted": set(), "inheritable": set(), "effective": False}
    gained = (process["inheritable"] & file["inheritable"]) | (
        process["bounding"] & file["permitted"]
    )
    effective = file["effective"]
    if effective and not file["permitted"] <= gained:
        return None
    if process["root"]:
        gained = process["inheritable"] | process["bounding"]
        effective = True
    if process["no_new_privs"]:
        gained = gained & process["permitted"]
    ambient = set() if has_capabilities else set(process["ambient"])
    if process["no_new_privs"]:
        ambient = set()
    permitted = gained | ambient
    return {
        "permitted": permitted,
        "effective": set(permitted) if effective else set(ambient),
        "inheritable": set(process["inheritable"]),
        "bounding": set(process["bounding"]),
        "ambient": ambient,
    }
