# expected: 1/4
# hint: no_new_privs holds for root, too.
# misconception: nothing holds root back
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
    if process["no_new_privs"] and not process["root"]:
        gained = gained & process["permitted"]
    ambient = set() if has_capabilities else set(process["ambient"])
    permitted = gained | ambient
    return {
        "permitted": permitted,
        "effective": set(permitted) if effective else set(ambient),
        "inheritable": set(process["inheritable"]),
        "bounding": set(process["bounding"]),
        "ambient": ambient,
    }
