# expected: 0/4
# hint: must put it in force itself
# misconception: what is permitted is in force
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
    permitted = gained | ambient
    return {
        "permitted": permitted,
        "effective": set(permitted),
        "inheritable": set(process["inheritable"]),
        "bounding": set(process["bounding"]),
        "ambient": ambient,
    }
