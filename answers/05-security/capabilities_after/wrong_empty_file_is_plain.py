# expected: 1/4
# hint: even if both of its sets are empty
# misconception: a file whose sets are empty has no capabilities
def capabilities_after(process, file):
    has_capabilities = bool(file and (file["permitted"] or file["inheritable"]))
    plain = file is None
    if plain:
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
        "effective": set(permitted) if effective else set(ambient),
        "inheritable": set(process["inheritable"]),
        "bounding": set(process["bounding"]),
        "ambient": ambient,
    }
